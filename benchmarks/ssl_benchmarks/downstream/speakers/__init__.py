"""Identifying and verifying speakers."""

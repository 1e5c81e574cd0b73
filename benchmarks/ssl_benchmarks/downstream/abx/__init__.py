"""Telling phones apart without labels."""

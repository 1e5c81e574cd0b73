"""Neighbours: other work on the machine."""

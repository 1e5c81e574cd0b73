"""Recognising characters and phones."""

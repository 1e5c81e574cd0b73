"""Checkpoints that torch does not load safely, read without running anything in them."""

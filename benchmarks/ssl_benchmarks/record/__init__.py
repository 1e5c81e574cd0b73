"""Quantities, their intervals, and the long table that holds them."""

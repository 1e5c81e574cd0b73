"""Processes: how they end, and what of the machine they may use."""

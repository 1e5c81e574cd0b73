"""Processes: how they end, and which share of the machine they may use."""

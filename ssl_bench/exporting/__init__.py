"""Figures on their way out: to trackers, also while a command runs, and to files of other tools."""

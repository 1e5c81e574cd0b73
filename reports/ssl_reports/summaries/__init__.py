"""Tables for the terminal and report.md."""

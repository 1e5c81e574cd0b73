"""Metering of other people's code: a command, a running process, or a block of Python."""

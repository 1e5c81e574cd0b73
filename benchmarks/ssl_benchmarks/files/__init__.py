"""Reading files and cleaning up after them, for all commands."""

"""Everything that commands can be told."""

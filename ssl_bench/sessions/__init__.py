"""A run on the disk, and the session that writes it."""

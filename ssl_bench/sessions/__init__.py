"""A run on disk, and the session that writes it."""

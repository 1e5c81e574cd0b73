"""Speaker identification and verification."""

"""Models side by side, in rounds."""

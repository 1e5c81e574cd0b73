"""Reading and interpreting records."""

"""Recognition of characters and phones."""

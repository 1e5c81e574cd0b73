"""Phone discrimination without labels (ABX)."""

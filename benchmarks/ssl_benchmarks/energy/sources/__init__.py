"""Sources of energy readings."""

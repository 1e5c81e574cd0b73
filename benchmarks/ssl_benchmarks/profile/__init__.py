"""The cost of a model, computed without running it."""

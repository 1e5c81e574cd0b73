"""The cost of a step, measured."""

"""The parts of a paper."""

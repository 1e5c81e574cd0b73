"""Memory of a step, in bytes."""

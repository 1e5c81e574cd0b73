"""A step at one size, in a process of its own."""

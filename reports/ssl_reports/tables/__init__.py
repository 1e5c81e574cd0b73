"""Tables and their forms."""

"""FLOPs counted from the graph."""

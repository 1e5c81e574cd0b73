"""FLOPs from the graph."""

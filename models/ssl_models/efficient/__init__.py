"""The project's own model: log-mel, 40 ms frames, a deep and narrow transformer, masked prediction of k-means units."""

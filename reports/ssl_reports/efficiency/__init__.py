"""The efficiency table of a paper: one row per model, everything that runs know about it."""

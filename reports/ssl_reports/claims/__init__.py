"""The claims C1 to C6: their evidence, what counts and predictions say of them, and the verdicts."""

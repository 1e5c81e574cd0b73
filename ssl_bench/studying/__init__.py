"""Several models and seeds under one budget."""

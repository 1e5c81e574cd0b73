"""Weights and models from elsewhere."""

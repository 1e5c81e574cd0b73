"""Metered pretraining, from start-up to the record."""

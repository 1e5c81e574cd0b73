"""The numbers: what a model costs and what it gives, each figure with unit, method and uncertainty."""

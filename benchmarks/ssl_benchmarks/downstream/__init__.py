"""Quality of a model: error rates of small heads on its frozen features."""

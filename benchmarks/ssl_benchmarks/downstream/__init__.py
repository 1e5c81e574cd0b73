"""What a model gives: error rates of small heads on its frozen features."""

"""What a model costs on paper."""

"""What is measured: cost and quality, each number with its unit, its method and its uncertainty."""

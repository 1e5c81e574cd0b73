"""What records say."""

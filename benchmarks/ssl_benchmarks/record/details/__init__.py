"""What records hold beside their rows, by kind."""

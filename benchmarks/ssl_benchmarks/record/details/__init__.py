"""What records hold besides their rows, by kind."""

"""What else is at work on the machine."""

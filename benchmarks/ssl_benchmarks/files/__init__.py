"""Files as any command reads and leaves them."""

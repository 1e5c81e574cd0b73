"""Tables and pictures made from records; nothing in here measures."""

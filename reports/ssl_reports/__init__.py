"""Tables and figures made from records; nothing in here measures."""

"""Tables in each form."""

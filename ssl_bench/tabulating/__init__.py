"""The efficiency table of finished runs."""

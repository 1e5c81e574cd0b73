"""Pretraining under the meter, from the first joule to the record."""

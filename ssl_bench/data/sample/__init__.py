"""The sample corpus."""

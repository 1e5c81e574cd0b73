"""The models that the efficient one is compared with."""

"""BEST-RQ: masked prediction of random-projection codes (arXiv:2202.01855)."""

"""MelHuBERT: HuBERT on log-mel frames (arXiv:2211.09944)."""

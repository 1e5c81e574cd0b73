"""A plain transformer over stacked log-mel frames with convolutional positions, shared by MelHuBERT and BEST-RQ."""

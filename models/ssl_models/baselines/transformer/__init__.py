"""A plain transformer over stacked log-mel frames with convolutional positions: what MelHuBERT and BEST-RQ share."""

"""How the front ends cut speech into frames, in samples at 16 kHz."""

WINDOW = 400
"""25 ms."""

HOP = 160
"""10 ms."""

FFT = 512
"""Points of the transform behind each frame."""

CEPSTRA = 13
"""Coefficients behind the targets."""

MFCC_WIDTH = 39
"""The same with their first and second deltas."""

CODE_WIDTH = 16
"""Dimensions in which random codes are compared (arXiv 2202.01855, section 4.1)."""

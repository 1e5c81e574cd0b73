"""The metrics of the long table."""

from __future__ import annotations

NAMES = {"cer": "CER", "wer": "WER", "per": "PER", "accuracy": "accuracy", "eer": "EER", "abx": "ABX error"}

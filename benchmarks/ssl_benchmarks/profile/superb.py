"""SUPERB's measure of compute: MACs summed over 32 utterances of LibriSpeech test-clean, one at a time.

T. Feng et al., SUPERB @ SLT 2022, arXiv:2210.08634: four groups of eight utterances, from short to long.
"""

from __future__ import annotations

from collections.abc import Callable

from ssl_benchmarks.counting.flops import count_inference, fake_tensors
from ssl_models.interface import SAMPLE_RATE, Encoder

# fmt: off
SAMPLES = (
    20560, 34560, 38480, 42560, 45600, 48720, 52000, 55120, 59120, 62720, 66400, 71200, 75200, 78640, 82800, 87520,
    92720, 98560, 104400, 111120, 118480, 125040, 132720, 142640, 154000, 166720, 180880, 197920, 217920, 239280,
    268160, 326000,
)
# fmt: on
"""Lengths of the utterances at 16 kHz."""


def superb_macs(build: Callable[[], Encoder]) -> int:
    """The sum of an encoder's MACs over the 32 lengths, each counted."""
    with fake_tensors():
        encoder = build()
        return sum(count_inference(encoder, samples / SAMPLE_RATE).macs for samples in SAMPLES)

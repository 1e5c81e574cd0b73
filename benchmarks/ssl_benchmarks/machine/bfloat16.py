"""Whether this processor's convolutions in bfloat16 are right."""

from __future__ import annotations

from functools import cache

import torch
from torch.nn.functional import conv1d

WRONG = 0.1
"""Relative error of a convolution; that of bfloat16 is 0.003."""


@cache
def bfloat16_fault() -> str:
    """Why bfloat16 cannot be used on this CPU, with the remedy; empty if it can.

    On processors with AMX, oneDNN's kernels for inference give noise where a group has fewer than 16 channels and the
    convolution is long (seen with torch 2.13; see pytorch issues 163347 and 169688).
    """
    generator = torch.Generator().manual_seed(0)
    waveforms, weights = torch.randn(2, 24, 99, generator=generator), torch.randn(24, 12, 128, generator=generator)
    with torch.no_grad():
        exact = conv1d(waveforms, weights, padding=64, groups=2)
        rough = conv1d(waveforms.bfloat16(), weights.bfloat16(), padding=64, groups=2).float()
    if (exact - rough).norm() <= WRONG * exact.norm():
        return ""
    return (
        f"torch {torch.__version__} computes convolutions in bfloat16 wrongly on this processor; "
        "set ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16, or use float32"
    )

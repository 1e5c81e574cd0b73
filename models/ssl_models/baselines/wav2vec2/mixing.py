"""WavLM's utterance mixing: part of another utterance laid over some of a batch (arXiv 2110.13900, section IV-B)."""

from __future__ import annotations

import torch
from torch import Tensor

from ssl_models.parts.frontend import valid_mask

LOUDEST, QUIETEST = -5.0, 5.0
"""dB that the utterance lies above what is laid over it, drawn evenly in between."""

SILENCE = 1e-10
"""Energy below which nothing can be scaled."""


def mixed(waveforms: Tensor, lengths: Tensor | None, share: float, generator: torch.Generator) -> Tensor:
    """The waveforms `(B, T)`, with probability `share` each with a part of another one added.

    The part is 1 sample to half of the utterance long, from anywhere in the other to anywhere in the utterance, scaled so
    that the energies per sample of the two whole utterances are -5 to 5 dB apart. `waveforms` are zeros past their
    `lengths` `(B,)` (None: all valid), and stay so. A batch of one has nothing to mix with. The paper's other half, noise
    from a corpus of it, is left out.
    """
    batch, samples = waveforms.shape
    if batch == 1 or share == 0:
        return waveforms
    device = waveforms.device
    known = torch.full((batch,), samples, device=device) if lengths is None else lengths
    chosen, which, long, start, start_other, level = torch.rand(6, batch, generator=generator, device=device)
    other = (torch.arange(batch, device=device) + 1 + _below(torch.full_like(known, batch - 1), which)) % batch
    longest = torch.minimum(known // 2, known[other])
    length = (1 + _below(longest, long)).clamp(max=longest)
    start, start_other = _below(known - length + 1, start), _below(known[other] - length + 1, start_other)
    energy = waveforms.float().square().sum(1) / known.clamp(min=1)
    decibels = LOUDEST + (QUIETEST - LOUDEST) * level
    scale = (energy / (10 ** (decibels / 10) * energy[other].clamp(min=SILENCE))).sqrt()
    place = torch.arange(samples, device=device) - start[:, None]
    inside = (place >= 0) & (place < length[:, None]) & (chosen < share)[:, None] & valid_mask(known, samples)
    source = waveforms[other].gather(1, (place + start_other[:, None]).clamp(0, samples - 1))
    return waveforms + torch.where(inside, scale[:, None] * source, 0.0).to(waveforms.dtype)


def _below(count: Tensor, uniform: Tensor) -> Tensor:
    """A whole number from 0 to `count` - 1 (0 where there is none) out of a uniform one in [0, 1)."""
    # In double precision: a float32 just under 1 times a long clip would round up to its length.
    return torch.minimum((uniform.double() * count).long(), count - 1).clamp(min=0)

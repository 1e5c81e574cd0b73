"""WavLM's utterance mixing: a part of another utterance is added to some of a batch (arXiv:2110.13900, section IV-B)."""

from __future__ import annotations

import torch
from torch import Tensor

from ssl_models.parts.frontend import known_lengths, valid_mask

LOUDEST, QUIETEST = -5.0, 5.0
"""Range in dB of the utterance's level above that of the added part, drawn uniformly."""

SILENCE = 1e-10
"""Energy below which a signal cannot be scaled."""


def mixed(waveforms: Tensor, lengths: Tensor | None, share: float, generator: torch.Generator) -> Tensor:
    """The waveforms `(B, T)`, each with a part of another one added with probability `share`.

    The part is 1 sample to half of the utterance long, from anywhere in the other one to anywhere in the utterance,
    scaled so that the energies per sample of the two whole utterances differ by -5 to 5 dB. `waveforms` are zeros past
    their `lengths` `(B,)` (None: all valid), and stay so. A batch of one is not mixed. The paper's other half, mixing
    with noise from a corpus, is left out.
    """
    batch, samples = waveforms.shape
    if batch == 1 or share == 0:
        return waveforms
    device = waveforms.device
    known = known_lengths(lengths, waveforms)
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
    """An integer from 0 to `count` - 1 (0 if there is none) from a uniform value in [0, 1)."""
    # In double precision: a float32 just below 1 times a long clip would round up to its length.
    return torch.minimum((uniform.double() * count).long(), count - 1).clamp(min=0)

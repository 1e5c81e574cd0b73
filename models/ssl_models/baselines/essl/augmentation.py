"""Differences between the student's and the teacher's view of a clip: noise, masks, a shift; all drawn on the device."""

from __future__ import annotations

import torch
from torch import Tensor

from ssl_models.baselines.essl.config import EsslObjectiveConfig
from ssl_models.parts.frontend import known_lengths, valid_mask


def add_noise(
    waveforms: Tensor, lengths: Tensor | None, settings: EsslObjectiveConfig, generator: torch.Generator
) -> Tensor:
    """White Gaussian noise on a share of the clips `(B, T)`, at an SNR drawn uniformly in dB; padding stays silent.

    The authors mix in noise recordings (DNS challenge 2021), which users of this tool need not have.
    """
    count = waveforms.shape[1] if lengths is None else lengths[:, None].clamp(min=1)
    power = waveforms.square().sum(1, keepdim=True) / count
    low, high = settings.noise_snr
    chosen, snr = _uniform((2, len(waveforms), 1), waveforms.device, generator)
    scale = (power * 10 ** (-(low + (high - low) * snr) / 10)).sqrt() * (chosen < settings.noise_share)
    noise = torch.randn(waveforms.shape, generator=generator, device=waveforms.device)
    noisy = waveforms + scale * noise
    return noisy if lengths is None else torch.where(valid_mask(lengths, waveforms.shape[1]), noisy, waveforms)


def spec_augment(
    spectrum: Tensor, lengths: Tensor | None, settings: EsslObjectiveConfig, generator: torch.Generator
) -> Tensor:
    """Sets bands of mel channels to zero, then spans of frames to Gaussian noise (D. Park et al., arXiv:1904.08779).

    `spectrum` `(B, frames, mels)` is normalised, so the noise is as loud as speech. A clip of n frames gets
    floor(share * n) time masks. Widths are drawn uniformly from 0 to the largest, starts from all at which the largest
    width fits.
    """
    batch, frames, mels = spectrum.shape
    device = spectrum.device
    known = known_lengths(lengths, spectrum)
    channels = torch.full((batch,), mels, device=device)
    many = torch.full_like(channels, settings.frequency_masks)
    bands = _spans(
        channels, many, generator, most=settings.frequency_masks, width=settings.frequency_width, positions=mels
    )
    most = min(settings.most_time_masks, int(settings.time_mask_share * frames))
    masks = (known * settings.time_mask_share).long().clamp(max=most)
    spans = _spans(known, masks, generator, most=most, width=settings.time_width, positions=frames)
    fill = torch.randn(spectrum.shape, generator=generator, device=device)
    return torch.where(spans[..., None], fill, torch.where(bands[:, None], 0.0, spectrum))


def shifted(spectrum: Tensor, shifts: Tensor, unit: int, most: int) -> Tensor:
    """The spectrum `(B, frames, mels)` after `shifts` `(B,)` units of silence, lengthened by `most` units in total.

    The authors draw the silence after a clip separately, also from 0 to `most`; here both add up to `most`, their
    mean, so that shapes are constant and the teacher costs what theirs costs on average.
    """
    frames = spectrum.shape[1]
    source = torch.arange(frames + most * unit, device=spectrum.device) - unit * shifts[:, None]
    inside = (source >= 0) & (source < frames)
    moved = spectrum.gather(1, source.clamp(0, frames - 1)[..., None].expand(-1, -1, spectrum.shape[2]))
    return torch.where(inside[..., None], moved, 0.0)


def _spans(
    lengths: Tensor, counts: Tensor, generator: torch.Generator, *, most: int, width: int, positions: int
) -> Tensor:
    """Positions in `counts` `(B,)` spans, at most `most`, in clips of `lengths`: `(B, positions)` bool."""
    starts, widths = _uniform((2, len(lengths), most), lengths.device, generator)
    starts = (starts * ((lengths - width).clamp(min=0) + 1)[:, None]).long()
    widths = (widths * (width + 1)).long().clamp(max=width)
    widths = torch.where(torch.arange(most, device=lengths.device) < counts[:, None], widths, 0)
    ends = torch.minimum(starts + widths, lengths[:, None])
    edges = torch.zeros(len(lengths), positions + 1, dtype=torch.int32, device=lengths.device)
    one = torch.ones_like(starts, dtype=torch.int32)
    edges.scatter_add_(1, starts.clamp(max=positions), one)
    edges.scatter_add_(1, ends.clamp(max=positions), -one)
    return edges.cumsum(1)[:, :positions] > 0


def _uniform(shape: tuple[int, ...], device: torch.device, generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator, device=device)

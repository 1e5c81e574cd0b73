"""Log-mel and MFCC front ends, computed on the device of the waveforms.

Framing: frame i covers samples [i * hop, i * hop + window), zeros past the end of the clip, so a clip of n samples has
n // hop frames, and no frame depends on other clips in a padded batch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ssl_models.interface import SAMPLE_RATE
from ssl_models.parts.framing import CEPSTRA, FFT, HOP, WINDOW

LOG_FLOOR = 1e-8  # of mel energy; the quantisation noise of 16-bit audio is above it


def valid_mask(lengths: Tensor, frames: int) -> Tensor:
    """True on the first `lengths` of `frames` positions, `(B, frames)`."""
    return torch.arange(frames, device=lengths.device) < lengths[:, None]


def known_lengths(lengths: Tensor | None, batch: Tensor) -> Tensor:
    """`lengths` `(B,)`, or for None the whole length of each row of `batch` `(B, length, ...)`."""
    return torch.full(batch.shape[:1], batch.shape[1], device=batch.device) if lengths is None else lengths


def silence_padding(waveforms: Tensor, lengths: Tensor | None) -> Tensor:
    """The waveforms `(B, T)` with zeros past each clip's end, whatever the padding was."""
    if lengths is None:
        return waveforms
    return torch.where(valid_mask(lengths, waveforms.shape[1]), waveforms, 0.0)


def mel_filters(mels: int) -> Tensor:
    """Triangular filters `(FFT // 2 + 1, mels)` from 0 Hz to 8 kHz, evenly spaced on the HTK mel scale.

    mel(f) = 2595 log10(1 + f / 700) (S. Young et al., The HTK Book, section 5.4); peak height 1, no area normalisation.
    """
    top = 2595.0 * math.log10(1.0 + SAMPLE_RATE / 2 / 700.0)
    edges = 700.0 * (10.0 ** (torch.linspace(0.0, top, mels + 2, dtype=torch.float64) / 2595.0) - 1.0)
    bins = torch.linspace(0.0, SAMPLE_RATE / 2, FFT // 2 + 1, dtype=torch.float64)
    distance = bins[:, None] - edges[None, :]
    gap = edges.diff()
    rising, falling = distance[:, :-2] / gap[:-1], -distance[:, 2:] / gap[1:]
    return torch.minimum(rising, falling).clamp(min=0.0).float()


def dct_matrix(mels: int, coefficients: int) -> Tensor:
    """Orthonormal DCT-II `(mels, coefficients)`: the cepstrum of a log-mel spectrum."""
    n, k = torch.arange(mels, dtype=torch.float64), torch.arange(coefficients, dtype=torch.float64)
    matrix = torch.cos(math.pi / mels * (n[:, None] + 0.5) * k) * math.sqrt(2.0 / mels)
    matrix[:, 0] /= math.sqrt(2.0)
    return matrix.float()


def centred(features: Tensor, lengths: Tensor | None) -> Tensor:
    """Zero mean of each channel over the valid frames of each clip; zeros past its end.

    Shapes: features `(B, frames, D)`, lengths `(B,)` in frames.
    """
    # Relative to the first frame, a constant channel is exactly zero, so `normalised` has no rounding error to amplify.
    features = features - features[:, :1]
    if lengths is None:
        return features - features.mean(1, keepdim=True)
    valid = valid_mask(lengths, features.shape[1])[..., None]
    count = lengths.clamp(min=1)[:, None, None]
    mean = torch.where(valid, features, 0.0).sum(1, keepdim=True) / count
    return torch.where(valid, features - mean, 0.0)


def normalised(features: Tensor, lengths: Tensor | None) -> Tensor:
    """Zero mean and unit variance of each channel over the valid frames of each clip; zeros past its end."""
    residual = centred(features, lengths)
    count = features.shape[1] if lengths is None else lengths.clamp(min=1)[:, None, None]
    return residual / ((residual.square().sum(1, keepdim=True) / count).sqrt() + 1e-5)


def stacked_frames(logmel: Tensor, lengths: Tensor | None, stack: int) -> Tensor:
    """Normalised log-mel with `stack` neighbours joined: `(B, F, mels)` to `(B, F // stack, mels * stack)`.

    `lengths` are valid samples of each clip, `(B,)`.
    """
    batch, frames, mels = logmel.shape
    normal = normalised(logmel, None if lengths is None else lengths // HOP)
    kept = frames // stack
    return normal[:, : kept * stack].reshape(batch, kept, mels * stack)


class LogMel(nn.Module):
    """Log-mel spectrum: `(B, T)` waveforms to `(B, T // 160, mels)`, natural logarithm, Hann window, 10 ms hop.

    `window` is in samples, 25 ms by default, at most the 512 points of the transform.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, mels: int = 80, window: int = WINDOW) -> None:
        super().__init__()
        # Not persistent: both follow from the settings, so checkpoints hold only learned values.
        self.register_buffer("window", torch.hann_window(window), persistent=False)
        self.register_buffer("filters", mel_filters(mels), persistent=False)

    @torch.no_grad()
    def fill(self) -> None:
        """Recompute window and filters, if they were built on tensors without values."""
        self.window.copy_(torch.hann_window(len(self.window)))
        self.filters.copy_(mel_filters(self.filters.shape[1]))

    def forward(self, waveforms: Tensor) -> Tensor:
        """Log-mel of each 10 ms frame; padding must already be zeros."""
        # Half precision would lose quiet frames, so the front end is float32 even under autocast.
        with torch.autocast(waveforms.device.type, enabled=False):
            frames = waveforms.shape[1] // HOP
            # torch.stft centres a short window in the FFT; shift so that frame i starts at sample i * HOP.
            width = len(self.window)
            margin = (FFT - width) // 2
            padded = nn.functional.pad(waveforms.float(), (margin, FFT))
            spectrum = torch.stft(padded, FFT, HOP, width, self.window, center=False, return_complex=True)
            power = torch.view_as_real(spectrum[..., :frames]).square().sum(-1)
            return torch.log((power.transpose(1, 2) @ self.filters).clamp(min=LOG_FLOOR))


class MFCC(nn.Module):
    """Cepstra for targets: log-mel `(B, frames, mels)` at 100 Hz to `(B, frames // 2, 39)` at 50 Hz.

    13 coefficients with first and second regression deltas (width 5; HTK Book, section 5.6), minus their mean over the
    clip. They are not scaled: low coefficients, which carry the vowels, have the largest weight in a distance.
    """

    dct: Tensor

    def __init__(self, mels: int = 80) -> None:
        super().__init__()
        self.register_buffer("dct", dct_matrix(mels, CEPSTRA), persistent=False)

    def forward(self, logmel: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Centred cepstra with deltas; `lengths` are log-mel frames."""
        with torch.autocast(logmel.device.type, enabled=False):
            cepstra = _hold_last(logmel.float() @ self.dct, lengths)
            first = _hold_last(_delta(cepstra), lengths)
            every_second = torch.cat([cepstra, first, _delta(first)], dim=-1)[:, 0 : logmel.shape[1] // 2 * 2 : 2]
            return centred(every_second, None if lengths is None else lengths // 2)


def _hold_last(features: Tensor, lengths: Tensor | None) -> Tensor:
    """Repeat each clip's last valid frame to the end, as the deltas' edge rule does for a single clip."""
    if lengths is None:
        return features
    last = (lengths.clamp(min=1) - 1)[:, None]
    index = torch.minimum(torch.arange(features.shape[1], device=features.device)[None], last)
    return features.gather(1, index[..., None].expand(-1, -1, features.shape[2]))


def _delta(features: Tensor) -> Tensor:
    """Slope of a linear regression over five frames, with edge frames repeated."""
    padded = nn.functional.pad(features.transpose(1, 2), (2, 2), mode="replicate")
    slope = padded[..., 3:-1] - padded[..., 1:-3] + 2.0 * (padded[..., 4:] - padded[..., :-4])
    return (slope / 10.0).transpose(1, 2)

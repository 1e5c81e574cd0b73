"""The efficient speech encoder: log-mel, frames stacked to 40 ms, a deep and narrow pre-norm transformer."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from ssl_models.efficient.attention import RMSNorm, SelfAttention, rms_norm, rotary_angles
from ssl_models.efficient.config import EncoderConfig
from ssl_models.efficient.recomputed import linear_after
from ssl_models.interface import SpeechFeatures
from ssl_models.parts.frontend import LogMel, known_lengths, silence_padding, stacked_frames, valid_mask
from ssl_models.parts.shareable import Shareable


class SwiGLU(nn.Module):
    """Gated feed-forward layer (Shazeer, arXiv:2002.05202), `(..., width)` to the same shape; no biases."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate_and_value = nn.Linear(width, 2 * hidden, bias=False)
        self.output = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor, gain: Tensor) -> Tensor:
        """Norm with a gain, gate, multiply, project back."""
        gate_and_value = linear_after(rms_norm, self.gate_and_value.weight, x, gain)
        return linear_after(gated, self.output.weight, gate_and_value)


def gated(gate_and_value: Tensor) -> Tensor:
    """The second half of the channels, gated by the first."""
    gate, value = gate_and_value.chunk(2, dim=-1)
    return F.silu(gate) * value


class Block(nn.Module):
    """Pre-norm transformer block, `(B, frames, width)` to the same shape."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(config.width)
        self.attention = SelfAttention(config.width, config.heads)
        self.feed_forward_norm = RMSNorm(config.width)
        self.feed_forward = SwiGLU(config.width, config.hidden)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, attend: Tensor | None) -> Tensor:
        """Attention, then the gated layer, each added to the residual stream."""
        x = x + self.attention(x, self.attention_norm.weight, cos, sin, attend)
        return x + self.feed_forward(x, self.feed_forward_norm.weight)


def halved(x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Means of each two neighbouring valid frames of `(B, frames, width)`, and their number; a last frame without a neighbour is its own mean."""
    frames = x.shape[1]
    known = known_lengths(lengths, x)
    valid = valid_mask(known, frames)[..., None].to(x.dtype)
    pairs = F.pad(torch.cat([x * valid, valid], dim=-1), (0, 0, 0, frames % 2)).unflatten(1, (-1, 2)).sum(2)
    sums, count = pairs[..., :-1], pairs[..., -1:]
    return sums / count.clamp(min=1), None if lengths is None else (lengths + 1) // 2


class EfficientEncoder(Shareable, nn.Module):
    """Waveforms `(B, T)` to `blocks + 1` layers of `(B, T // 640, width)` at 25 Hz.

    Raises:
        ValueError: if a clip is shorter than one frame (40 ms).
    """

    attention = "sdpa"
    model_type = "sslbench-efficient"
    settings_class = EncoderConfig

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.logmel = LogMel(config.mels)
        self.project = nn.Linear(config.mels * config.stack, config.width, bias=False)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.final_norm = RMSNorm(config.width)
        self.checkpointed = False
        self._initialise()

    def checkpoint_gradients(self) -> None:
        """In training, keep only each block's input and recompute the block in the backward."""
        self.checkpointed = True

    @torch.no_grad()
    def _initialise(self) -> None:
        """Normal(0, 1/sqrt(fan in)); matrices that write to the residual stream are scaled down with depth (as in GPT-2)."""
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                deviation = parameter.shape[1] ** -0.5
                if name.endswith("output.weight"):
                    deviation /= math.sqrt(2 * self.config.blocks)
                nn.init.normal_(parameter, std=deviation)

    def require_a_frame(self, waveforms: Tensor) -> None:
        """Reject `(B, T)` waveforms that are too short for a single frame.

        Raises:
            ValueError: naming both lengths.
        """
        if waveforms.shape[1] < self.config.samples_per_frame:
            raise ValueError(f"a clip needs at least {self.config.samples_per_frame} samples, got {waveforms.shape[1]}")

    def frame_lengths(self, lengths: Tensor) -> Tensor:
        """Valid encoder frames of clips of `lengths` samples."""
        return lengths // self.config.samples_per_frame

    def transform(
        self, x: Tensor, frame_lengths: Tensor | None, wanted: Collection[int] | None = None
    ) -> tuple[Tensor, ...]:
        """The blocks over projected frames `(B, frames, width)`; all hidden states, the last one normed.

        With `wanted`, those layers alone: a hidden state at half the rate is kept as it is otherwise.
        """
        cos, sin = rotary_angles(x.shape[1], self.config.width // self.config.heads, x.device)
        blocks, middle = list(self.blocks), self.config.middle
        layers = [x, *self._through(blocks[: middle.start], x, cos, sin, frame_lengths)]
        if middle:
            x = layers[-1]
            pooled, halves = halved(x, frame_lengths)
            inner = self._through(blocks[middle.start : middle.stop], pooled, cos[::2], sin[::2], halves)
            layers += [
                x + (each - pooled).repeat_interleave(2, dim=1)[:, : x.shape[1]]
                if wanted is None or number in wanted or number == middle.stop
                else each
                for number, each in enumerate(inner, start=middle.start + 1)
            ]
        layers += self._through(blocks[middle.stop :], layers[-1], cos, sin, frame_lengths)
        layers[-1] = self.final_norm(layers[-1])
        return tuple(layers) if wanted is None else tuple(layers[number] for number in sorted(wanted))

    def _through(
        self, blocks: Sequence[nn.Module], x: Tensor, cos: Tensor, sin: Tensor, lengths: Tensor | None
    ) -> list[Tensor]:
        """The output of each block in turn."""
        attend = None if lengths is None else valid_mask(lengths, x.shape[1])[:, None, None]
        layers = []
        for block in blocks:
            if self.checkpointed and self.training:
                x = checkpoint(block, x, cos, sin, attend, use_reentrant=False)
            else:
                x = block(x, cos, sin, attend)
            layers.append(x)
        return layers

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> SpeechFeatures:
        """All hidden states of `(B, T)` waveforms of `lengths` valid samples (None: all valid)."""
        self.require_a_frame(waveforms)
        with torch.no_grad():
            stacked = stacked_frames(self.logmel(silence_padding(waveforms, lengths)), lengths, self.config.stack)
        frame_lengths = None if lengths is None else self.frame_lengths(lengths)
        layers = self.transform(self.project(stacked), frame_lengths)
        return SpeechFeatures(layers, known_lengths(frame_lengths, stacked), self.config.frame_rate)

"""A plain transformer over stacked log-mel frames, with wav2vec 2.0's convolutional positions."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ssl_models.baselines.transformer.config import EncoderConfig
from ssl_models.interface import SpeechFeatures
from ssl_models.parts.frontend import LogMel, known_lengths, silence_padding, stacked_frames, valid_mask
from ssl_models.parts.positions import PositionConvolution


class TransformerEncoder(nn.Module):
    """Waveforms `(B, T)` to `layers + 1` hidden states of `(B, T // samples_per_frame, width)`.

    The first is the first layer's input: projected frames with positions and, in the post-norm model, their norm.

    Raises:
        ValueError: if a clip is shorter than one frame.
    """

    attention = "sdpa"

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.logmel = LogMel(config.mels)
        self.project = nn.Linear(config.mels * config.stack, config.width)
        self.positions = PositionConvolution(config.width, config.position_kernel, config.position_groups)
        self.norm = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(_layer(config) for _ in range(config.layers))
        self.checkpointed = False

    def checkpoint_gradients(self) -> None:
        """In training, keep only each layer's input and recompute the layer in the backward."""
        self.checkpointed = True

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

    @torch.no_grad()
    def stacked(self, logmel: Tensor, lengths: Tensor | None) -> Tensor:
        """The stacked frames to project, `(B, frames, mels * stack)`, from log-mel of clips of `lengths` samples."""
        return stacked_frames(logmel, lengths, self.config.stack)

    def transform(self, stacked: Tensor, frame_lengths: Tensor | None) -> tuple[Tensor, ...]:
        """All hidden states of stacked frames `(B, frames, mels * stack)`; the pre-norm model's last one is normed."""
        x, padding = self.project(stacked), None
        if frame_lengths is not None:
            x = x.masked_fill(~valid_mask(frame_lengths, x.shape[1])[..., None], 0.0)
            # A clip without a frame still needs one to attend to.
            padding = ~valid_mask(frame_lengths.clamp(min=1), x.shape[1])
        x = self.positions(x)
        layers = [self.dropout(x if self.config.pre_norm else self.norm(x))]
        for layer in self.layers:
            if self.checkpointed and self.training:
                layers.append(checkpoint(layer, layers[-1], None, padding, use_reentrant=False))
            else:
                layers.append(layer(layers[-1], src_key_padding_mask=padding))
        return (*layers[:-1], self.norm(layers[-1])) if self.config.pre_norm else tuple(layers)

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> SpeechFeatures:
        """All hidden states of `(B, T)` waveforms of `lengths` valid samples (None: all valid)."""
        self.require_a_frame(waveforms)
        with torch.no_grad():
            logmel = self.logmel(silence_padding(waveforms, lengths))
        frame_lengths = None if lengths is None else self.frame_lengths(lengths)
        layers = self.transform(self.stacked(logmel, lengths), frame_lengths)
        return SpeechFeatures(layers, known_lengths(frame_lengths, layers[-1]), self.config.frame_rate)


def _layer(config: EncoderConfig) -> nn.TransformerEncoderLayer:
    """A layer of torch, with BERT's initial weights."""
    layer = nn.TransformerEncoderLayer(
        config.width,
        config.heads,
        config.hidden,
        config.dropout,
        "gelu",
        batch_first=True,
        norm_first=config.pre_norm,
    )
    for parameter in layer.parameters():
        if parameter.ndim == 2:
            nn.init.normal_(parameter, std=0.02)
    for linear in (layer.linear1, layer.linear2):
        nn.init.zeros_(linear.bias)
    return layer

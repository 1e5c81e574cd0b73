"""The encoder of essL: log-mel, convolutions and a small transformer at 40 ms, then wider ones at 80 ms."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ssl_models.baselines.essl.config import EsslEncoderConfig, StageConfig
from ssl_models.baselines.essl.convolutions import Convolution
from ssl_models.baselines.essl.transformer import Transformer
from ssl_models.interface import SpeechFeatures
from ssl_models.parts.framing import HOP
from ssl_models.parts.frontend import LogMel, known_lengths, normalised, silence_padding
from ssl_models.parts.shareable import Shareable


class Stage(nn.Module):
    """Maps frames `(B, frames, width in)` to the hidden states of a transformer at a lower frame rate."""

    def __init__(self, width_in: int, stage: StageConfig, config: EsslEncoderConfig) -> None:
        super().__init__()
        shapes = zip(stage.conv_widths, stage.conv_kernels, stage.conv_strides, strict=True)
        widths_in = (width_in, *stage.conv_widths)
        self.convolutions = nn.Sequential(
            *(Convolution(before, *shape) for before, shape in zip(widths_in, shapes, strict=False))
        )
        self.transformer = Transformer(stage, config)
        self.config = stage

    def forward(self, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, ...]:
        """`lengths` `(B,)` are valid frames of the input (None: all)."""
        return self.transformer(self.convolutions(x), None if lengths is None else self.frame_lengths(lengths))

    def frame_lengths(self, lengths: Tensor) -> Tensor:
        """Frames after the convolutions for clips of `lengths` frames; none of them sees padding."""
        for kernel, stride in zip(self.config.conv_kernels, self.config.conv_strides, strict=True):
            lengths = (lengths - kernel + stride).clamp(min=0) // stride
        return lengths


class EsslEncoder(Shareable, nn.Module):
    """Waveforms `(B, T)` to the `upper.layers + 1` hidden states of the upper transformer, at 12.5 Hz.

    The lower transformer's states have another rate and width and are not included.

    Raises:
        ValueError: if a clip is shorter than one frame (290 ms).
    """

    attention = "sdpa"
    model_type = "sslbench-essl"
    settings_class = EsslEncoderConfig

    def __init__(self, config: EsslEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.logmel = LogMel(config.mels, config.window)
        self.lower = Stage(config.mels, config.lower, config)
        self.upper = Stage(config.lower.width, config.upper, config)

    @property
    def layer_drop(self) -> float:
        """Share of the droppable layers that training skips."""
        return self.upper.transformer.layer_drop

    @layer_drop.setter
    def layer_drop(self, share: float) -> None:
        self.upper.transformer.layer_drop = share

    @property
    def droppable(self) -> Sequence[nn.Module]:
        """The layers that `layer_drop` may skip."""
        return list(self.upper.transformer.layers)

    def checkpoint_gradients(self) -> None:
        """In training, keep only each layer's input and recompute the layer in the backward."""
        self.lower.transformer.checkpointed = self.upper.transformer.checkpointed = True

    def require_a_frame(self, waveforms: Tensor) -> None:
        """Reject `(B, T)` waveforms that are too short for a single frame.

        Raises:
            ValueError: naming both lengths.
        """
        if waveforms.shape[1] < self.config.shortest:
            raise ValueError(f"a clip needs at least {self.config.shortest} samples, got {waveforms.shape[1]}")

    def frame_lengths(self, lengths: Tensor) -> Tensor:
        """Valid encoder frames of clips of `lengths` samples."""
        return self.thinned(lengths // HOP)

    def thinned(self, logmel_lengths: Tensor) -> Tensor:
        """Valid encoder frames of clips with this many log-mel frames."""
        return self.upper.frame_lengths(self.lower.frame_lengths(logmel_lengths))

    @torch.no_grad()
    def spectrum(self, waveforms: Tensor, lengths: Tensor | None) -> Tensor:
        """Log-mel `(B, frames, mels)`, each channel with zero mean and unit variance over the clip; zeros past its end.

        The authors' settings ask for normalised input, and their Gaussian noise assumes it; their code does not do it.
        """
        logmel = self.logmel(silence_padding(waveforms, lengths))
        return normalised(logmel, None if lengths is None else lengths // HOP)

    def transform(self, spectrum: Tensor, logmel_lengths: Tensor | None) -> tuple[Tensor, ...]:
        """Both stages over a normalised spectrum; the upper transformer's hidden states."""
        middle = self.lower(spectrum, logmel_lengths)[-1]
        return self.upper(middle, None if logmel_lengths is None else self.lower.frame_lengths(logmel_lengths))

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> SpeechFeatures:
        """All hidden states of `(B, T)` waveforms of `lengths` valid samples (None: all valid)."""
        self.require_a_frame(waveforms)
        layers = self.transform(self.spectrum(waveforms, lengths), None if lengths is None else lengths // HOP)
        frame_lengths = None if lengths is None else self.frame_lengths(lengths)
        return SpeechFeatures(layers, known_lengths(frame_lengths, layers[-1]), self.config.frame_rate)

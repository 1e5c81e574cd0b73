"""Targets of HuBERT's later iterations: k-means units of a previous model's layer (arXiv:2106.07447, section IV-B)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from ssl_models.baselines.wav2vec2.config import ArchitectureConfig
from ssl_models.baselines.wav2vec2.encoder import build_encoder
from ssl_models.parts.targets import KMeans


class LayerQuantiser(KMeans):
    """Nearest centroid of a frozen teacher's layer: `(B, T)` waveforms to `(B, frames)` int64 labels.

    The teacher stops at that layer, is never trained and is stored with the weights. It is random until `teach` is
    called.
    """

    def __init__(self, clusters: int, teacher: ArchitectureConfig, layer: int) -> None:
        super().__init__(clusters, teacher.width)
        self.layer = layer
        self.teacher = build_encoder(replace(teacher, layers=layer, layer_drop=0.0))
        if teacher.pre_norm and layer < teacher.layers:
            # Its final norm belongs to its last layer.
            self.teacher.model.encoder.layer_norm = nn.Identity()
        self.teacher.requires_grad_(requires_grad=False)
        self.teacher.eval()

    def teach(self, encoder: nn.Module) -> None:
        """Copy the weights of a whole encoder of the teacher's shape.

        Raises:
            RuntimeError: if the encoder has another shape.
        """
        wanted, given = self.teacher.state_dict(), encoder.state_dict()
        self.teacher.load_state_dict({name: value for name, value in given.items() if name in wanted})
        self.fitted.fill_(value=False)

    def train(self, mode: bool = True) -> LayerQuantiser:  # noqa: FBT001, FBT002 - torch's signature
        """Train or evaluate; the teacher always stays in evaluation mode."""
        super().train(mode)
        self.teacher.eval()
        return self

    @torch.no_grad()
    def frames_of(self, waveforms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The teacher's layer, `(B, frames, width)`."""
        return self.teacher(waveforms, lengths).layers[-1]

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Labels for `lengths` valid samples; labels past them are meaningless."""
        return self.nearest(self.frames_of(waveforms, lengths))

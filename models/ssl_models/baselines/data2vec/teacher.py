"""The teacher: a moving average of the student's transformer blocks (arXiv:2202.03555, section 3.3)."""

from __future__ import annotations

from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from ssl_models.parts.frontend import normalised, valid_mask


class Teacher(nn.Module):
    """Its own blocks and the norm before them; the front end and the position convolutions are the student's.

    It starts as a copy, receives no gradient and uses no dropout.
    """

    def __init__(self, encoder: Any) -> None:  # noqa: ANN401 - transformers' encoder
        from transformers.models.data2vec import modeling_data2vec_audio as transformers_model

        super().__init__()
        block: Any = transformers_model.Data2VecAudioEncoderLayer
        self.settings = encoder.config
        self.layer_norm = nn.LayerNorm(self.settings.hidden_size, eps=self.settings.layer_norm_eps)
        self.layers = nn.ModuleList(block(self.settings) for _ in encoder.layers)
        self.follow(encoder, 0.0)
        self.requires_grad_(requires_grad=False)
        self.eval()

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002, ARG002 - torch's signature
        """Stay in evaluation mode."""
        return super().train(mode=False)

    @torch.no_grad()
    def follow(self, encoder: Any, kept: float) -> None:  # noqa: ANN401
        """Keep the share `kept` of every value and take the rest from the student's encoder."""
        theirs = [*encoder.layer_norm.parameters(), *encoder.layers.parameters()]
        torch._foreach_lerp_(list[Tensor](self.parameters()), theirs, 1.0 - kept)

    @torch.no_grad()
    def forward(self, positioned: Tensor, frame_lengths: Tensor | None, top: int) -> Tensor:
        """Targets `(B, frames, width)` float32: the mean over the top blocks of their feed-forward layers' outputs.

        These are taken before the residual sum, with each channel at zero mean and unit variance over the clip's valid
        frames.

        Args:
            positioned: unhidden frames with their positions, `(B, frames, width)`.
            frame_lengths: valid frames `(B,)`, None for all.
            top: number of blocks to average.
        """
        from transformers.masking_utils import create_bidirectional_mask

        valid = None if frame_lengths is None else valid_mask(frame_lengths, positioned.shape[1])
        mask = create_bidirectional_mask(config=self.settings, inputs_embeds=positioned, attention_mask=valid)
        frames, total = self.layer_norm(positioned), torch.zeros_like(positioned, dtype=torch.float32)
        for number, block in enumerate(cast("Any", self.layers), start=1):
            # The block's forward is written out here, since its own does not return the feed-forward layer's output.
            attended = block.layer_norm(frames + block.attention(frames, attention_mask=mask)[0])
            fed = block.feed_forward(attended)
            frames = block.final_layer_norm(attended + fed)
            if number > len(self.layers) - top:
                total += normalised(fed.float(), frame_lengths)
        return total / top

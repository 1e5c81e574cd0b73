"""The transformer of essL: positions from a convolution, norms after each residual sum, layers skipped at random."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from ssl_models.baselines.essl.config import EsslEncoderConfig, StageConfig
from ssl_models.baselines.essl.convolutions import silenced
from ssl_models.parts.frontend import valid_mask
from ssl_models.parts.positions import PositionConvolution


class Layer(nn.Module):
    """Post-norm transformer layer, `(B, frames, width)` to the same shape."""

    def __init__(self, stage: StageConfig, dropout: float, attention_dropout: float) -> None:
        super().__init__()
        width = stage.width
        self.heads, self.dropout, self.attention_dropout = stage.heads, dropout, attention_dropout
        self.qkv = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.attention_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, stage.hidden)
        self.narrow = nn.Linear(stage.hidden, width)
        self.final_norm = nn.LayerNorm(width)
        for linear in (self.qkv, self.output, self.widen, self.narrow):
            nn.init.normal_(linear.weight, std=0.02)
            nn.init.zeros_(linear.bias)

    def forward(self, x: Tensor, attend: Tensor | None) -> Tensor:
        """`attend` is `(B, 1, 1, frames)`, True for frames that may be attended to, None for all."""
        batch, frames, width = x.shape
        qkv = self.qkv(x).view(batch, frames, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        share = self.attention_dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, attend, share)
        mixed = self.output(mixed.transpose(1, 2).reshape(batch, frames, width))
        x = self.attention_norm(x + F.dropout(mixed, self.dropout, self.training))
        inner = self.narrow(F.gelu(self.widen(x)))
        return self.final_norm(x + F.dropout(inner, self.dropout, self.training))


class Transformer(nn.Module):
    """Maps `(B, frames, width)` to `layers + 1` hidden states, starting with the first layer's input."""

    def __init__(self, stage: StageConfig, config: EsslEncoderConfig) -> None:
        super().__init__()
        self.positions = PositionConvolution(stage.width, config.position_kernel, config.position_groups)
        self.norm = nn.LayerNorm(stage.width)
        self.layers = nn.ModuleList(Layer(stage, config.dropout, config.attention_dropout) for _ in range(stage.layers))
        self.dropout, self.layer_drop, self.checkpointed = config.dropout, stage.layer_drop, False

    def forward(self, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, ...]:
        """`lengths` `(B,)` are valid frames (None: all). A skipped layer passes on its input."""
        x = self.norm(self.positions(silenced(x, lengths)))
        # A clip without a frame attends to its padding: a softmax over nothing is not a number.
        attend = None if lengths is None else valid_mask(lengths.clamp(min=1), x.shape[1])[:, None, None]
        states = [F.dropout(x, self.dropout, self.training)]
        for layer, kept in zip(self.layers, self._kept_layers(), strict=True):
            if not kept:
                states.append(states[-1])
            elif self.checkpointed and self.training:
                states.append(checkpoint(layer, states[-1], attend, use_reentrant=False))
            else:
                states.append(layer(states[-1], attend))
        return tuple(states)

    def _kept_layers(self) -> list[bool]:
        """The layers that this pass keeps; drawn on the host, since skipped layers must not be computed at all."""
        if not (self.training and self.layer_drop):
            return [True] * len(self.layers)
        return [lot >= self.layer_drop for lot in torch.rand(len(self.layers), device="cpu").tolist()]

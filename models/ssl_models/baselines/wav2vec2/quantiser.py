"""wav2vec 2.0's product quantiser: one entry of each codebook, chosen by a Gumbel softmax (arXiv:2006.11477, section 2)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Quantised(NamedTuple):
    """The quantiser's output for `(..., D)` features.

    Attributes:
        vectors: the chosen entries, concatenated over codebooks, `(..., width)`.
        logits: logits of every entry, `(..., codebooks, entries)` float32, without noise.
        codes: indices of the chosen entries, `(..., codebooks)` int64.
    """

    vectors: Tensor
    logits: Tensor
    codes: Tensor


class GumbelQuantiser(nn.Module):
    """Features `(..., D)` to vectors that each consist of one learned entry per codebook.

    With noise, the choice is the arg-max of noisy logits, and its gradient that of their softmax over a temperature
    (straight-through; E. Jang et al., arXiv:1611.01144); without noise, it is the arg-max and has no gradient.
    """

    def __init__(self, features: int, codebooks: int, entries: int, width: int) -> None:
        super().__init__()
        self.to_logits = nn.Linear(features, codebooks * entries)
        nn.init.normal_(self.to_logits.weight)
        nn.init.zeros_(self.to_logits.bias)
        self.entries = nn.Parameter(torch.rand(codebooks, entries, width // codebooks))

    def forward(self, features: Tensor, noise: Tensor | None, temperature: Tensor) -> Quantised:
        """Quantise; `noise` has the logits' shape, and `temperature` is a scalar."""
        logits = self.to_logits(features).float().unflatten(-1, self.entries.shape[:2])
        noisy = logits if noise is None else logits + noise
        codes = noisy.argmax(-1)
        choice = torch.zeros_like(logits).scatter_(-1, codes[..., None], 1.0)
        if noise is not None:
            soft = torch.softmax(noisy / temperature, dim=-1)
            choice = choice - soft.detach() + soft
        # One product per codebook instead of weighting and summing every entry.
        vectors = choice.flatten(0, -3).transpose(0, 1) @ self.entries
        return Quantised(vectors.transpose(0, 1).reshape(*features.shape[:-1], -1), logits, codes)


def gumbel_noise(shape: tuple[int, ...], generator: torch.Generator, device: torch.device) -> Tensor:
    """Standard Gumbel noise from the inverse distribution function, -log(-log u)."""
    uniform = torch.rand(shape, generator=generator, device=device)
    return -(-uniform.clamp(min=torch.finfo(uniform.dtype).tiny).log()).log()


def perplexities(shares: Tensor) -> Tensor:
    """Exponential of the entropy of each codebook's use, `(codebooks, entries)` to `(codebooks,)`: 1 to `entries`."""
    return torch.special.entr(shares).sum(-1).exp()


def expected_use(logits: Tensor, weight: Tensor) -> Tensor:
    """Mean probability of each entry over frames with weights `weight` `(...)`, which sum to 1; `(codebooks, entries)`."""
    return (torch.softmax(logits, dim=-1) * weight[..., None, None]).flatten(0, -3).sum(0)


def hard_use(logits: Tensor, weight: Tensor) -> Tensor:
    """Share of frames, weighted by `weight`, in which each entry has the largest logit; `(codebooks, entries)`."""
    codes = logits.argmax(-1).flatten(0, -2).T
    shares = torch.zeros(logits.shape[-2:], device=logits.device)
    return shares.scatter_add_(1, codes, weight.flatten().expand_as(codes))

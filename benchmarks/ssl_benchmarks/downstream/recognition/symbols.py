"""The symbols of a recogniser, characters or phones, and the normalisation of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

ALPHABET = " 'ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BLANK = 0


def normalise(text: str) -> str:
    """Upper case, letters, apostrophes and single spaces; everything else becomes a space."""
    kept = "".join(c if c in ALPHABET else " " for c in text.replace("\u2019", "'").upper())
    return " ".join(kept.split())


@dataclass(frozen=True)
class Symbols:
    """Symbols numbered from 1; 0 is the blank."""

    names: tuple[str, ...]

    def encode(self, units: Sequence[str]) -> Tensor:
        """The numbers of these symbols, int64.

        Raises:
            ValueError: if a symbol is unknown.
        """
        return torch.tensor([self.names.index(unit) + 1 for unit in units], dtype=torch.long)

    def merged(self, path: Sequence[int]) -> list[str]:
        """The symbols on a path through the outputs, with repeats merged and blanks dropped."""
        kept = [now for before, now in zip([BLANK, *path], path, strict=False) if now not in (BLANK, before)]
        return [self.names[i - 1] for i in kept]


CHARACTERS = Symbols(tuple(ALPHABET))

"""Saving and loading our encoders in the form of the transformers library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from models.errors import BadInputError

if TYPE_CHECKING:
    from torch import nn


class Shareable:
    """An encoder with `save_pretrained` and `from_pretrained`: safetensors and config.json.

    `AutoModel` of transformers loads such a folder too, once `ssl_bench.register_transformers()` was called.
    """

    def save_pretrained(self, folder: Path | str) -> None:
        """Write weights and settings; the folder is made."""
        from models.transformers_loading import quiet_transformers
        from models.transformers_models import to_transformers

        with quiet_transformers():
            to_transformers(cast("nn.Module", self)).save_pretrained(folder)

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> Self:
        """The encoder of such a folder, in evaluation mode; nothing is fetched or unpickled.

        Raises:
            BadInputError: for a folder that holds no model of this kind.
        """
        from models.transformers_models import from_transformers

        encoder: Any = from_transformers(folder)
        if not isinstance(encoder, cls):
            raise BadInputError(f"{folder}: a model of another kind, {type(encoder).__name__}")
        return encoder

"""Saving and loading our encoders in the form of the transformers library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

if TYPE_CHECKING:
    from torch import nn


class Shareable:
    """An encoder with `save_pretrained` and `from_pretrained`: safetensors and config.json.

    `AutoModel` of transformers loads such a folder too, once `ssl_bench.register_transformers()` was called.

    Attributes:
        model_type: what transformers calls this kind of model.
        settings_class: the dataclass of the encoder's settings.
    """

    model_type: ClassVar[str]
    settings_class: ClassVar[type[Any]]

    def save_pretrained(self, folder: Path | str) -> None:
        """Write weights and settings; the folder is made."""
        from ssl_models.parts.transformers_form import to_transformers
        from ssl_models.parts.transformers_loading import quiet_transformers

        with quiet_transformers():
            to_transformers(cast("nn.Module", self)).save_pretrained(folder)

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> Self:
        """The encoder of such a folder, in evaluation mode; nothing is fetched or unpickled.

        Raises:
            BadInputError: for a folder that holds no encoder of this class, or not all of its weights.
        """
        from ssl_models.parts.transformers_form import from_transformers

        return cast("Self", from_transformers(folder, cls))

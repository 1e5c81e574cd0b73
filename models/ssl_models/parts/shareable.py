"""Saving and loading of our encoders in the format of the transformers library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

if TYPE_CHECKING:
    from torch import nn


class Shareable:
    """Adds `save_pretrained` and `from_pretrained` to an encoder, with safetensors and config.json.

    `AutoModel` of transformers loads such a folder too, after a call of `ssl_bench.register_transformers()`.

    Attributes:
        model_type: the name of this kind of model in transformers.
        settings_class: the dataclass of the encoder's settings.
    """

    model_type: ClassVar[str]
    settings_class: ClassVar[type[Any]]

    def save_pretrained(self, folder: Path | str) -> None:
        """Write weights and settings to the folder, which is created if needed."""
        from ssl_models.parts.transformers_form import to_transformers
        from ssl_models.parts.transformers_loading import quiet_transformers

        with quiet_transformers():
            to_transformers(cast("nn.Module", self)).save_pretrained(folder)

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> Self:
        """The encoder in such a folder, in evaluation mode; nothing is downloaded or unpickled.

        Raises:
            BadInputError: if the folder has no encoder of this class, or not all of its weights.
        """
        from ssl_models.parts.transformers_form import from_transformers

        return cast("Self", from_transformers(folder, cls))

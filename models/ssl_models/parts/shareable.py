"""Saving, loading and publishing of our encoders in the format of the transformers library."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

if TYPE_CHECKING:
    from torch import nn

CARD = "README.md"
"""The Hub's name of a model card."""
MOST_BYTES = 2**20


class Shareable:
    """Adds `save_pretrained`, `from_pretrained` and `push_to_hub` to an encoder, with safetensors and config.json.

    `AutoModel` of transformers loads such a folder too, after a call of `ssl_bench.register_transformers()`.

    Attributes:
        model_type: the name of this kind of model in transformers.
        settings_class: the dataclass of the encoder's settings.
        model_card: the text of the card that its training left; None if there is none.
    """

    model_type: ClassVar[str]
    settings_class: ClassVar[type[Any]]
    model_card: str | None = None

    def save_pretrained(self, folder: Path | str) -> None:
        """Write weights, settings and the model card, if there is one, to the folder, which is created if needed."""
        from ssl_models.parts.transformers_form import to_transformers
        from ssl_models.parts.transformers_loading import quiet_transformers

        with quiet_transformers():
            to_transformers(cast("nn.Module", self)).save_pretrained(folder)
        if self.model_card is not None:
            (Path(folder) / CARD).write_text(self.model_card, encoding="utf-8")

    def push_to_hub(
        self, repository: str, *, private: bool | None = None, token: str | None = None, message: str = "Upload encoder"
    ) -> str:
        """Upload what `save_pretrained` writes as one commit of a repository, created if needed; returns the commit's URL.

        Args:
            repository: `OWNER/NAME`, or `NAME` of the user who is logged in.
            private: whether a new repository is private; None is the owner's default.
            token: of the user; None is that of `hf auth login`.
            message: of the commit.

        Raises:
            huggingface_hub.errors.HfHubHTTPError: if the Hub refuses.
        """
        from huggingface_hub import HfApi

        hub = HfApi(token=token)
        known = hub.create_repo(repository, private=private, exist_ok=True).repo_id
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            return str(hub.upload_folder(repo_id=known, folder_path=folder, commit_message=message).commit_url)

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> Self:
        """The encoder in such a folder, in evaluation mode; nothing is downloaded or unpickled.

        Raises:
            BadInputError: if the folder has no encoder of this class, or not all of its weights.
        """
        from ssl_models.parts.transformers_form import from_transformers

        found = cast("Self", from_transformers(folder, cls))
        found.model_card = read_card(Path(folder))
        return found


def read_card(folder: Path) -> str | None:
    """The text of a folder's model card; None if there is none, or it is no text of a reasonable size."""
    try:
        with (folder / CARD).open("rb") as file:
            text = file.read(MOST_BYTES + 1)
        return text.decode() if len(text) <= MOST_BYTES else None
    except (OSError, UnicodeDecodeError):
        return None

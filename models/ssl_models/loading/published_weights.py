"""Published weights before they are read: where they may be, and which models take any; no torch is needed to tell."""

from __future__ import annotations

import re
from pathlib import Path

from ssl_models.errors import BadInputError

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def require_place(where: str, asked: str) -> None:
    """Refuse what is neither here nor could be on the hub; `asked` is what the user typed.

    Raises:
        BadInputError: saying so.
    """
    if not Path(where).exists() and not HUB_NAME.fullmatch(where):
        raise BadInputError(f"{asked}: no such folder or file, and not a name on the hub (OWNER/NAME)")


def not_taken(where: str) -> BadInputError:
    """The error for a model that takes no published weights."""
    return BadInputError(
        f"--pretrained {where}: published weights go into models of transformers only; a run of ours loads by its folder"
    )

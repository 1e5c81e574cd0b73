"""Checks of published weights without reading them or torch: whether they may exist, and whether the model takes any."""

from __future__ import annotations

import re
from pathlib import Path

from ssl_models.errors import BadInputError

HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def require_place(where: str, asked: str) -> None:
    """Reject what is neither here nor could be on the hub; `asked` is what the user typed.

    Raises:
        BadInputError: if it is neither.
    """
    if not Path(where).exists() and not HUB_NAME.fullmatch(where):
        raise BadInputError(f"{asked}: no such folder or file, and not a name on the hub (OWNER/NAME)")


def not_taken(where: str) -> BadInputError:
    """The error for a model that takes no published weights."""
    return BadInputError(
        f"--pretrained {where}: only models from transformers take published weights; load an sslbench run by its folder"
    )

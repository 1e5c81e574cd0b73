"""TOML files as users write them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from ssl_benchmarks.files.text_files import UnreadableTextError, text_of


def toml_of(path: Path) -> dict[str, Any]:
    """The document of a TOML file.

    Raises:
        UnreadableTextError: if the file cannot be read or is not TOML; the message is the reason.
    """
    try:
        return tomllib.loads(text_of(path.read_bytes()))
    except OSError as error:
        raise UnreadableTextError(error.strerror or "unreadable") from error
    except RecursionError:
        raise UnreadableTextError("nested too deep") from None
    except ValueError as error:
        raise UnreadableTextError(str(error)) from error

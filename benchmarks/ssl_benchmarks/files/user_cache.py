"""Where files are kept that can be made again at any time."""

from __future__ import annotations

import os
from pathlib import Path

from ssl_models.errors import BadInputError


def user_cache() -> Path:
    """`SSLBENCH_CACHE`, else `XDG_CACHE_HOME`, else `~/.cache`; it need not be there yet.

    Raises:
        BadInputError: where there is no home folder.
    """
    named = os.environ.get("SSLBENCH_CACHE") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(named).expanduser()
    except RuntimeError as error:
        raise BadInputError(
            f"no home folder for {named}: set SSLBENCH_CACHE to a folder that can be written"
        ) from error

"""Where files are kept that can be made again at any time."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_dir

from ssl_models.errors import BadInputError


def user_cache() -> Path:
    """`SSLBENCH_CACHE`, else where this system keeps a user's caches (`XDG_CACHE_HOME`, else `~/.cache`); it need not exist.

    Raises:
        BadInputError: where there is no home folder.
    """
    named = os.environ.get("SSLBENCH_CACHE") or user_cache_dir()
    try:
        return Path(named).expanduser()
    except RuntimeError as error:
        raise BadInputError(
            f"no home folder for {named}: set SSLBENCH_CACHE to a folder that can be written"
        ) from error

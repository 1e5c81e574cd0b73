"""The folder for files that can be recreated at any time."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_dir

from ssl_models.errors import BadInputError


def user_cache() -> Path:
    """`SSLBENCH_CACHE`, else this system's folder for a user's caches (`XDG_CACHE_HOME`, else `~/.cache`); it may not exist.

    Raises:
        BadInputError: if there is no home folder.
    """
    named = os.environ.get("SSLBENCH_CACHE") or user_cache_dir()
    try:
        return Path(named).expanduser()
    except RuntimeError as error:
        raise BadInputError(f"no home folder for {named}: set SSLBENCH_CACHE to a writable folder") from error

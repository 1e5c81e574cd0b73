"""Settings as TOML files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from ssl_benchmarks.record.record import write_atomically


def write_toml(settings: Mapping[str, Any], path: Path) -> None:
    """Write settings as `ssl_bench.settings.training.read_toml` reads them; what is None is left out."""
    write_atomically(path, tomli_w.dumps(_given(settings)))


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is None, which TOML does not know."""
    return {
        key: _given(value) if isinstance(value, Mapping) else value
        for key, value in settings.items()
        if value is not None
    }

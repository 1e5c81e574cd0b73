"""One folder for whatever can be made again."""

from __future__ import annotations

from pathlib import Path

import pytest

from ssl_benchmarks.files.user_cache import user_cache


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"SSLBENCH_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"SSLBENCH_CACHE": "~/mine", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/c/mine"),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b"),
        ({"SSLBENCH_CACHE": "", "XDG_CACHE_HOME": "", "HOME": "/c"}, "/c/.cache"),
    ],
)
def test_the_user_s_cache_folder(variables: dict[str, str], folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSLBENCH_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert user_cache() == Path(folder)

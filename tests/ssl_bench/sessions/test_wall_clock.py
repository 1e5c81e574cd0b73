"""The clock on the wall may be set at any time: it names runs and dates records, and measures nothing."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ssl_bench.sessions import run_folder as runs
from ssl_bench.sessions.run_folder import new_run

ROOT = Path(__file__).parents[3]


def test_two_runs_of_one_second_have_names_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a clock was set back."""
    monkeypatch.chdir(tmp_path)

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            del tz
            return datetime(2026, 11, 27, 20, 0, 0, tzinfo=UTC)

    monkeypatch.setattr(runs, "datetime", Stopped)
    found = [new_run(None, "essl").path.name for _ in range(3)]
    assert found == ["essl-20261127-200000", "essl-20261127-200000-2", "essl-20261127-200000-3"]


def test_nothing_is_timed_by_it() -> None:
    """`time.time` is called nowhere, and no difference of two dates is taken: durations are of clocks that only go on."""
    found = []
    for package in ("ssl_bench", "reports", "benchmarks", "models"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                named = ast.unparse(node) if isinstance(node, ast.Call | ast.BinOp) else ""
                if named.startswith(("time.time(", "time.time_ns(")) or (" - " in named and "datetime.now" in named):
                    found.append(f"{path.relative_to(ROOT)}: {named}")
    assert not found

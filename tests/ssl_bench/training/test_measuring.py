"""A trained model's window at work that something disturbed is measured once more, where there is time."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ssl_bench.sessions.time_limit import TimeLimit
from ssl_bench.training.rows import _undisturbed
from ssl_benchmarks.record.flaws import DISTURBED, flawed
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement

SPEED = Measurement("m", "audio_seconds_per_second", Quantity(100.0, "s/s", "measured"), "inference")
MEMORY = Measurement("m", "peak_memory", Quantity(1e6, "B", "measured"), "inference")


def disturbed(row: Measurement) -> Measurement:
    return replace(row, quantity=flawed(row.quantity, DISTURBED))


def faster(row: Measurement) -> Measurement:
    return replace(row, quantity=row.quantity.scaled(2.0, "s/s"))


@pytest.mark.parametrize(
    ("first", "second", "seconds", "expected", "windows"),
    [
        (SPEED, faster(SPEED), 100.0, SPEED, 1),
        (disturbed(SPEED), faster(SPEED), 100.0, faster(SPEED), 2),
        (disturbed(SPEED), disturbed(faster(SPEED)), 100.0, disturbed(SPEED), 2),
        (disturbed(SPEED), faster(SPEED), 3.0, disturbed(SPEED), 1),
    ],
    ids=["sound", "sound the second time", "disturbed twice", "no time"],
)
def test_a_disturbed_window_is_measured_again(
    first: Measurement, second: Measurement, seconds: float, expected: Measurement, windows: int
) -> None:
    """Memory is that of the first window, the only one that has it."""
    measured: list[float] = []

    def window(lasting: float, _: object) -> Any:
        measured.append(lasting)
        return SimpleNamespace(rows=[MEMORY, first] if len(measured) == 1 else [second])

    rows = _undisturbed(cast("Any", SimpleNamespace(window=window)), TimeLimit.of(seconds), lambda _: None)
    assert rows == [MEMORY, expected]
    assert len(measured) == windows

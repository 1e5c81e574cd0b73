"""The picture of a run: made whatever happened, and true to time."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    import matplotlib.figure
    import pandas as pd

from ssl_reports.pictures.training import training_picture


def metrics(attempt: int, *seconds: float) -> list[dict[str, Any]]:
    return [
        {"attempt": attempt, "seconds": s, "loss": 3.0 - s / 100, "masked_accuracy": s / 200, "target_entropy": 2.0}
        for s in seconds
    ]


def trace(attempt: int, *seconds: float, watts: float = 20.0) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {"attempt": attempt, "time_s": seconds, "power_w": watts, "device": "cpu", "method": "modelled"}
    )


def size(path: Path) -> tuple[int, int]:
    """Width and height, from the header that the PNG standard lays down."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:24])
    return width, height


@pytest.mark.parametrize(
    ("curve", "traces"),
    [
        ([], []),
        ([], [(1, 0.0, 1.0)]),
        (metrics(1, 5.0, 10.0), []),
        (metrics(1, 5.0, 10.0), [(1, 0.0, 1.0)]),
        (metrics(1, 5.0), [(1, 0.0, 1.0)]),
        (metrics(1, 5.0, 10.0) + metrics(2, 3.0), [(1, 0.0, 11.0), (2, 0.0, 4.0)]),
        ([{"attempt": 1, "seconds": 1.0, "loss": 2.0}], [(1, 0.0)]),
    ],
    ids=["nothing", "no step", "no trace", "no power", "one step", "two attempts", "only a loss"],
)
def test_a_picture_is_made_whatever_there_is(
    tmp_path: Path, curve: list[dict[str, Any]], traces: list[tuple[Any, ...]], request: pytest.FixtureRequest
) -> None:
    """7 x 4.6 inches at 150 dots an inch."""
    import pandas as pd

    watts = np.nan if "no power" in request.node.name else 20.0
    power = pd.concat([trace(*each, watts=watts) for each in traces]) if traces else pd.DataFrame()
    training_picture(curve, power, tmp_path / "x.png")
    assert size(tmp_path / "x.png") == (1050, 690)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[matplotlib.figure.Figure]:
    """Figures instead of files."""
    import matplotlib.figure

    figures: list[matplotlib.figure.Figure] = []
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    return figures


def minutes_of(figure: matplotlib.figure.Figure, label: str) -> list[float]:
    """Where the line of the axes with that label runs in time."""
    (axes,) = (each for each in figure.axes if label in each.get_ylabel().lower())
    return [float(x) for x in axes.lines[0].get_xdata()]


def test_attempts_follow_each_other_on_one_axis_of_time(tmp_path: Path, drawn: list[matplotlib.figure.Figure]) -> None:
    """The first attempt lasted 90 s, according to its trace; its last line of metrics came at 60 s."""
    import pandas as pd

    curve = metrics(1, 30.0, 60.0) + metrics(2, 30.0, 45.0)
    power = pd.concat([trace(1, 0.0, 60.0, 90.0), trace(2, 0.0, 30.0)], ignore_index=True)
    training_picture(curve, power, tmp_path / "x.png")
    assert minutes_of(drawn[0], "loss") == pytest.approx([0.5, 1.0, 2.0, 2.25])
    assert minutes_of(drawn[0], "power") == pytest.approx([0.0, 1.0, 1.5, 1.5, 2.0])


def test_a_killed_attempt_has_no_trace_and_still_takes_its_time(
    tmp_path: Path, drawn: list[matplotlib.figure.Figure]
) -> None:
    training_picture(metrics(1, 30.0, 60.0) + metrics(2, 30.0), trace(2, 0.0, 30.0), tmp_path / "x.png")
    assert minutes_of(drawn[0], "loss") == pytest.approx([0.5, 1.0, 1.5])
    assert minutes_of(drawn[0], "power") == pytest.approx([1.0, 1.5])

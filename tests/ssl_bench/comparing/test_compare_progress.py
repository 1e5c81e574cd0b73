"""Progress of a comparison: a table that is redrawn on a terminal, lines elsewhere."""

from __future__ import annotations

import io

from rich.console import Console

from ssl_bench.comparing.progress import CompareProgress
from ssl_benchmarks.cells.cell import CellSetting
from ssl_benchmarks.comparing.side_by_side import ENERGY, MEMORY, SPEED
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.timing.protocol import Protocol
from ssl_benchmarks.timing.repeats import Stage

CELLS = [("m[bold]", "inference"), ("other", "inference")]
FOUND = {
    CELLS[0]: {
        SPEED: Quantity(6316.0, "s/s", "measured", (6190.0, 6442.0), 3),
        ENERGY: Quantity(268.0, "J/h", "modelled"),
        MEMORY: Quantity(2.0**30, "B", "measured"),
    }
}


def watched(*, terminal: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=140, color_system=None)
    with CompareProgress(console, "machine") as say:
        say.open(CELLS, 10.0, "two models in turn")
        say.cell(1, 1, 2, CELLS[0])
        say.predicted(5.0, unavailable("B", "cannot be run"))
        stage = Stage("repeat", 1, 0.5, {"machine": 12.0}, {"machine": 7200.0})
        say.stage(stage, CellSetting("m", "inference", 5.0, 1, "float32"), Protocol())
        say.done(CELLS[0], FOUND)
        say.cell(1, 2, 2, CELLS[1])
        say.done(CELLS[1], FOUND, "out of memory")
    return out.getvalue()


def test_lines_where_there_is_no_terminal() -> None:
    lines = watched(terminal=False).splitlines()
    assert lines[0] == "two models in turn"
    assert (
        "round 1, cell 1 of 2: m[bold] inference   repeat   10.0 × real time   12.0 W   2.00 Wh in this cell (machine)"
        in lines[1]
    )
    assert "of --minutes left" in lines[1]
    first = (
        "round 1, cell 1 of 2: m[bold] inference: 6,320 ± 2.0 % × real time, 268 J per audio hour, 1.00 GiB peak memory"
    )
    assert lines[2:] == [first, "round 1, cell 2 of 2: other inference: out of memory"]


def test_a_terminal_has_a_table_of_what_is_known() -> None:
    shown = watched(terminal=True)
    for words in ("× real time", "J per audio hour, machine", "m[bold]", "│ 3 ", "6,320 ± 2.0 %", "12.0 W", "1.00 GiB"):
        assert words in shown, words

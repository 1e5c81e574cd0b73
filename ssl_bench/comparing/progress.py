"""Progress of a comparison: on a terminal a table of the results so far, otherwise a line per cell."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ssl_bench.console import StatusLine
from ssl_benchmarks.comparing.rounds import Cell, relative_half_width
from ssl_benchmarks.comparing.side_by_side import ENERGY, MEMORY, SPEED
from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.units import duration, plain, shown, with_prefix

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ssl_benchmarks.cells.cell import CellSetting
    from ssl_benchmarks.timing.protocol import Protocol
    from ssl_benchmarks.timing.repeats import Stage

COLUMNS = {SPEED: "× real time", ENERGY: "J per audio hour", MEMORY: "peak memory"}
SoFar = Mapping[Cell, Mapping[str, Quantity]]


class CompareProgress(StatusLine):
    """Shows rounds and cells; `scope` selects the watts and joules shown."""

    def __init__(self, console: Console, scope: str) -> None:
        super().__init__(console)
        self.scope = scope
        self._here = ""
        self._cells: Sequence[Cell] = ()
        self._found: SoFar = {}
        self._ends = 0.0

    def open(self, cells: Sequence[Cell], left: float, how: str) -> None:
        """Announce the comparison, which has `left` s."""
        self._cells, self._ends = cells, time.monotonic() + left
        self.phase(how)

    def cell(self, number: int, place: int, of: int, cell: Cell) -> None:
        """Announce a cell of a round."""
        self._here = f"round {number}, cell {place} of {of}: {cell[0]} {cell[1]}"
        self._draw(self._here)

    def done(self, cell: Cell, found: SoFar, failed: str = "") -> None:
        """Report a cell that ended in the first round or failed in any; `found` are the results of all rounds so far."""
        self._found = found
        known = [f"{_with_half_width(q)} {COLUMNS[name]}" for name, q in found.get(cell, {}).items() if name in COLUMNS]
        self.phase(f"{self._here}: {failed or ', '.join(known)}")

    def round_done(self, number: int, found: SoFar, left: float) -> None:
        """Report a finished round: the widest interval, and the time left."""
        self._found = found
        halves = {cell: relative_half_width(rows[SPEED]) for cell, rows in found.items() if SPEED in rows}
        known = {cell: half for cell, half in halves.items() if half is not None}
        worst = max(known, key=known.__getitem__, default=None)
        least = (
            f"; widest interval: {' '.join(worst)}, ±{plain(100 * known[worst], 2)} %" if worst and number > 1 else ""
        )
        self.phase(f"round {number} done{least}; {duration(max(0.0, left))} of --minutes left")

    def predicted(self, batch_seconds: float, peak: Quantity) -> None:
        """Show, on a terminal, the predicted peak memory of an attempt."""
        memory = "not available" if peak.value is None else " ".join(shown(peak))
        self._draw(f"{self._here}   {batch_seconds:g} s of audio per batch   predicted peak memory {memory}")

    def stage(self, stage: Stage, setting: CellSetting, protocol: Protocol) -> None:
        """Show the current stage of the cell."""
        del protocol
        parts = [self._here, stage.name]
        if stage.seconds_per_call:
            parts.append(f"{plain(setting.batch_seconds / stage.seconds_per_call)} × real time")
        watts, joules = stage.power.get(self.scope), stage.joules.get(self.scope)
        if watts is not None and joules is not None:
            parts.append(f"{watts:.1f} W")
            parts.append(f"{with_prefix(joules / 3600, 'Wh')} in this cell ({self.scope})")
        parts.append(f"{duration(max(0.0, self._ends - time.monotonic()))} of --minutes left")
        if self._live is None:
            self.show(parts)
        elif self.due:
            self._said_at = time.monotonic()
            self._draw("   ".join(parts))

    def _draw(self, line: str) -> None:
        if self._live is not None:
            self._live.update(self._table(line), refresh=True)

    def _table(self, line: str) -> RenderableType:
        table = Table()
        for name in ("model", "phase", "rounds", "× real time", f"J per audio hour, {self.scope}", "peak memory"):
            table.add_column(name)
        for cell in self._cells:
            found = self._found.get(cell, {})
            speed = found.get(SPEED)
            rounds = "" if speed is None or speed.value is None else str(speed.n)
            row = (*cell, rounds, *(_with_half_width(found[name]) if name in found else "" for name in COLUMNS))
            table.add_row(*map(escape, row))
        return Group(table, Text(line))


def _with_half_width(quantity: Quantity) -> str:
    """Such as 6,316 ± 0.4 %."""
    if quantity.value is None:
        return "not available"
    text = plain(quantity.value) if quantity.unit in {"s/s", "J/h"} else " ".join(shown(quantity))
    half = relative_half_width(quantity)
    return text if half is None else f"{text} ± {plain(100 * half, 2)} %"

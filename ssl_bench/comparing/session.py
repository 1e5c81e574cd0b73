"""What a comparison knows while it goes on, and its record at any moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ssl_bench.comparing.outcome import outcome
from ssl_bench.sessions.session import Session
from ssl_bench.settings.comparing import CompareConfig
from ssl_benchmarks.cells.bench import CellBench
from ssl_benchmarks.cells.cell import CellSetting
from ssl_benchmarks.cells.outcome import counted_rows
from ssl_benchmarks.cells.request import CellRequest
from ssl_benchmarks.comparing.round_plan import Pace, latest_end
from ssl_benchmarks.comparing.rounds import Cell, combined, relative_half_width
from ssl_benchmarks.comparing.side_by_side import ENERGY, MEMORY, SPEED, Prices, SideBySide
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions, Measurement
from ssl_reports.reading.published import published_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ssl_benchmarks.cells.plan import CellPlan
    from ssl_benchmarks.energy.idle import IdlePower


@dataclass(kw_only=True)
class Comparing(Session):
    """One call of `compare`.

    Attributes:
        names: of each model asked for, as rows and tables have it.
        speech: samples that all clips are cut from.
        bench: where cells are built and measured.
        clock: s; `began` on it is the start of the command.
        requests: what the next round measures: a cell that failed or was left out is not in it, one that was halved is smaller.
        plans: what is known of each cell on paper.
        paces: how long each takes, expected until it was measured.
        forecast, taken: s that the cells of the first round so far were expected to take, and took.
        window: s of a cell's window in the next round.
        rounds: the raw rows of each.
        missing: rows of cells that never had a result.
        ceiling: FLOP/s of matrix products, once.
    """

    kind = "comparison"
    config: CompareConfig
    names: dict[str, str]
    speech: NDArray[np.int16]
    bench: CellBench
    clock: Callable[[], float]
    began: float
    requests: dict[Cell, CellRequest] = field(default_factory=dict)
    plans: dict[Cell, CellPlan] = field(default_factory=dict)
    paces: dict[Cell, Pace] = field(default_factory=dict)
    forecast: float = 0.0
    taken: float = 0.0
    window: float = 0.0
    rounds: list[list[Measurement]] = field(default_factory=list)
    missing: list[Measurement] = field(default_factory=list)
    ceiling: Quantity | None = None

    @property
    def baseline(self) -> str:
        """Of the ratios, as rows have it."""
        return self.names[self.config.baseline or self.config.models[0]]

    @property
    def cells(self) -> list[Cell]:
        """Every model and phase, as the tables have them."""
        return [(self.names[model], phase) for model, phase in self.config.cells]

    @property
    def left(self) -> float:
        """Seconds of `--minutes` that are left."""
        return self.began + 60 * self.config.minutes - self.clock()

    @property
    def latest(self) -> float:
        """Seconds after which the promise of `--minutes` is broken."""
        return self.began + latest_end(self.config.minutes) - self.clock()

    def request(self, cell: Cell, idle: IdlePower | None) -> CellRequest:
        """What a cell's process is told."""
        c, (name, phase) = self.config, cell
        model = next(model for model, shown in self.names.items() if shown == name)
        clip, clips = c.shape
        setting = CellSetting(name, phase, clip, clips, c.precision, c.compile, c.pue, self.grid)
        return CellRequest(model, setting, c.protocol, c.device, c.seed, idle=idle, pretrained=c.weights.get(model))

    def of_cell(self, cell: Cell) -> list[Measurement]:
        """One row for each metric, over all rounds so far, and what was counted."""
        rows = combined([row for row in rows if (row.model, row.phase) == cell] for rows in self.rounds)
        plan = self.plans.get(cell)
        return rows if plan is None else rows + counted_rows(plan, self.ceiling, rows)

    def so_far(self) -> dict[Cell, dict[str, Quantity]]:
        """The figures of the live table."""
        wanted = ((SPEED, None), (ENERGY, self.scope), (MEMORY, None))
        found = {cell: {(r.metric, r.scope): r.quantity for r in self.of_cell(cell)} for cell in self.cells}
        return {cell: {key[0]: rows[key] for key in wanted if key in rows} for cell, rows in found.items()}

    def reached(self) -> list[dict[str, Any]]:
        """Half-widths of the 95 % intervals of time and energy as shares of their values; None where there is no interval."""
        found = self.so_far()
        return [
            {
                "model": cell[0],
                "phase": cell[1],
                "rounds": sum(any((row.model, row.phase) == cell for row in rows) for rows in self.rounds),
                "time": relative_half_width(found[cell].get(SPEED)),
                "energy": relative_half_width(found[cell].get(ENERGY)),
            }
            for cell in self.cells
        ]

    def sizes(self) -> list[Measurement]:
        """Parameters of the encoders."""
        found = {name: plan.parameters for (name, _), plan in self.plans.items()}
        return [Measurement(name, "parameters", q, "inference", None, Conditions()) for name, q in found.items()]

    def settings(self) -> dict[str, Any]:
        """With how each cell is measured."""
        protocol = self.config.protocol
        return {**super().settings(), "protocol": asdict(replace(protocol, duration=self.window or protocol.duration))}

    def contents(self) -> tuple[list[Measurement], dict[str, Any]]:
        """Of the cells, and what follows from them: projections as rows, ratios and the like as details."""
        c = self.config
        rows = [row for cell in self.cells for row in self.of_cell(cell)] + self.missing
        sides = SideBySide(tuple(self.names.values()), c.phases, self.baseline, self.scope, rows, self.rounds)
        projected, found = outcome(sides, Prices(self.grid, c.pue, c.price_per_gpu_hour), c.life)
        rows = [*self.sizes(), *rows, *projected, *(published_rows() if c.published else [])]
        return rows, {**found, "reached": self.reached()}

"""The state of a comparison in progress, and its record at any moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ssl_bench.comparing.outcome import outcome
from ssl_bench.sessions.session import Session
from ssl_bench.settings.comparing import CompareConfig
from ssl_benchmarks.cells.bench import CellBench
from ssl_benchmarks.cells.cell import CellSetting
from ssl_benchmarks.cells.outcome import counted_rows, size_row
from ssl_benchmarks.cells.request import CellRequest
from ssl_benchmarks.comparing.round_plan import Pace, latest_end
from ssl_benchmarks.comparing.rounds import Cell, Repeated, by_processes, combined, relative_half_width
from ssl_benchmarks.comparing.side_by_side import ENERGY, MEMORY, SPEED, Prices, SideBySide
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement
from ssl_reports.reading.published import published_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ssl_benchmarks.cells.cell_plan import CellPlan
    from ssl_benchmarks.energy.idle import IdlePower
    from ssl_models.recipes import Recipe


@dataclass(kw_only=True)
class Comparing(Session):
    """One call of `compare`.

    Attributes:
        names: the name of each model in rows and tables.
        recipes: the stated recipes, by name in rows.
        speech: samples that all clips are cut from.
        bench: builds and measures cells.
        clock: a monotonic clock, s; `began` is its reading at the start of the command.
        requests: the cells of the next round, without those that failed or were left out; a halved cell is smaller.
        plans: counts and predictions for each cell.
        paces: how long each cell takes; an estimate until it is measured.
        forecast, taken: expected and actual s of the first round's cells so far.
        window: the length of a cell's window in the next round, s.
        set_of_processes: the number of the set that measures; fresh processes are a new set.
        rounds: the raw rows of each round.
        missing: rows of cells without a result.
        ceiling: FLOP/s of matrix products, measured once.
    """

    kind = "comparison"
    config: CompareConfig
    names: dict[str, str]
    recipes: dict[str, Recipe]
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
    set_of_processes: int = 1
    rounds: list[list[Measurement]] = field(default_factory=list)
    missing: list[Measurement] = field(default_factory=list)
    ceiling: Quantity | None = None

    @property
    def baseline(self) -> str:
        """The name in rows of the model that ratios refer to."""
        return self.names[self.config.baseline or self.config.models[0]]

    @property
    def cells(self) -> list[Cell]:
        """Every model and phase, in the order of the tables."""
        return [(self.names[model], phase) for model, phase in self.config.cells]

    @property
    def left(self) -> float:
        """Seconds left of `--minutes`."""
        return self.began + 60 * self.config.minutes - self.clock()

    @property
    def latest(self) -> float:
        """Seconds left until the latest end that `--minutes` allows."""
        return self.began + latest_end(self.config.minutes) - self.clock()

    def request(self, cell: Cell, idle: IdlePower | None) -> CellRequest:
        """The request to a cell's process."""
        c, (name, phase) = self.config, cell
        model = next(model for model, shown in self.names.items() if shown == name)
        clip, clips = c.shape
        setting = CellSetting(name, phase, clip, clips, c.precision, c.compile, c.pue, self.grid)
        return CellRequest(model, setting, c.protocol, c.device, c.seed, idle=idle, pretrained=c.weights.get(model))

    def of_cell(self, cell: Cell) -> list[Measurement]:
        """One row per metric over all rounds so far, and the counted metrics."""
        own = [[row for row in rows if (row.model, row.phase) == cell] for rows in self.rounds]
        rows = combined(by_processes(own, self.processes), of=self.of)
        plan = self.plans.get(cell)
        return rows if plan is None else rows + counted_rows(plan, self.ceiling, rows)

    @property
    def processes(self) -> list[int]:
        """The number of the set of processes that measured each round."""
        return [entry["processes"] for entry in self.details["rounds"]]

    @property
    def of(self) -> Repeated:
        """What the independent observations are."""
        return "processes" if len(set(self.processes)) > 1 else "rounds"

    def so_far(self) -> dict[Cell, dict[str, Quantity]]:
        """The values of the live table."""
        wanted = ((SPEED, None), (ENERGY, self.scope), (MEMORY, None))
        found = {cell: {(r.metric, r.scope): r.quantity for r in self.of_cell(cell)} for cell in self.cells}
        return {cell: {key[0]: rows[key] for key in wanted if key in rows} for cell, rows in found.items()}

    def reached(self) -> list[dict[str, Any]]:
        """Relative half-widths of the 95 % intervals of time and energy; None where there is no interval."""
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
        """Parameter counts of the encoders."""
        return list({name: size_row(name, plan) for (name, _), plan in self.plans.items()}.values())

    def settings(self) -> dict[str, Any]:
        """The settings, with the protocol by which each cell is measured."""
        protocol = self.config.protocol
        return {**super().settings(), "protocol": asdict(replace(protocol, duration=self.window or protocol.duration))}

    def contents(self) -> tuple[list[Measurement], dict[str, Any]]:
        """Rows of the cells, projections and published figures; ratios and other derived results as details."""
        c = self.config
        rows = [row for cell in self.cells for row in self.of_cell(cell)] + self.missing
        sides = SideBySide(
            tuple(self.names.values()),
            c.phases,
            self.baseline,
            self.scope,
            rows,
            by_processes(self.rounds, self.processes),
            self.of,
            self.recipes,
        )
        projected, found = outcome(sides, Prices(self.grid, c.pue, c.price_per_gpu_hour), c.life)
        rows = [*self.sizes(), *rows, *projected, *(published_rows() if c.published else [])]
        return rows, {**found, "reached": self.reached()}

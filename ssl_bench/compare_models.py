"""`sslbench compare`: several models in one session on one device, in turn, until their figures are known well enough."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.carbon import GridIntensity, chosen_intensity
from benchmarks.cell import CellSetting, MeasuredCell
from benchmarks.comparison import ENERGY, MEMORY, SPEED, Prices, SideBySide
from benchmarks.environment import environment
from benchmarks.quantity import Quantity
from benchmarks.record import Measurement, Record, headline_scope
from benchmarks.rounds import HARDWARE, Cell, combined, order_of, relative_half_width
from models.catalog import is_foreign, is_run
from reports.compare_report import write_compare_report
from reports.published import published_rows
from ssl_bench.cells import CellError, CellRequest, halved_until_it_fits, measured_apart
from ssl_bench.compare_outcome import outcome, parameter_row
from ssl_bench.compare_progress import CompareProgress
from ssl_bench.compare_settings import CompareConfig, check_comparison, resolved
from ssl_bench.console import stderr
from ssl_bench.guarded_cell import Measure, failed_rows, guarded, with_note
from ssl_bench.measure_speech import speech_to_measure
from ssl_bench.metering import new_meter
from ssl_bench.runs import RunFolder, new_run
from ssl_bench.session import recorded
from ssl_bench.systems import names_side_by_side

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

FEWEST_ROUNDS = 2
"""One round alone cannot tell how rounds scatter."""


@dataclass
class Session:
    """One call of `compare`.

    Attributes:
        names: of each model asked for, as rows and tables have it.
        speech: samples that all clips are cut from.
        measured: measures a cell.
        clock: s.
        requests: what the next round measures: a cell that failed is not in it, one that was halved is smaller.
        rounds: the raw rows of each.
        missing: rows of cells that never had a result.
        sizes: rows of the encoders' parameters.
        last: s that each cell's measurement took in the last round.
        details: what the record holds beside its rows; "rounds" has one entry for each.
        machine: hardware and software.
    """

    config: CompareConfig
    run: RunFolder
    grid: GridIntensity | None
    names: dict[str, str]
    speech: NDArray[np.int16]
    command: str
    measured: Measure
    clock: Callable[[], float]
    details: dict[str, Any]
    machine: dict[str, Any]
    requests: dict[Cell, CellRequest] = field(default_factory=dict)
    rounds: list[list[Measurement]] = field(default_factory=list)
    missing: list[Measurement] = field(default_factory=list)
    sizes: list[Measurement] = field(default_factory=list)
    last: dict[Cell, float] = field(default_factory=dict)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def scope(self) -> str:
        """Whose joules are compared."""
        return headline_scope(self.config.device)

    @property
    def cells(self) -> list[Cell]:
        """Every model and phase, as the tables have them."""
        return [(self.names[model], phase) for model, phase in self.config.cells]

    def of_cell(self, cell: Cell) -> list[Measurement]:
        """One row for each metric, over all rounds so far."""
        return combined([row for row in rows if (row.model, row.phase) == cell] for rows in self.rounds)

    def so_far(self) -> dict[Cell, dict[str, Quantity]]:
        """The figures of the live table."""
        wanted = ((SPEED, None), (ENERGY, self.scope), (MEMORY, None))
        found = {cell: {(r.metric, r.scope): r.quantity for r in self.of_cell(cell)} for cell in self.cells}
        return {cell: {key[0]: rows[key] for key in wanted if key in rows} for cell, rows in found.items()}

    def record(self, status: str) -> Record:
        """As it stands."""
        c = self.config
        rows = [row for cell in self.cells for row in self.of_cell(cell)] + self.missing
        names, baseline = tuple(self.names.values()), self.names[c.baseline or c.models[0]]
        sides = SideBySide(names, c.phases, baseline, self.scope, rows, self.rounds)
        projected, found = outcome(sides, Prices(self.grid, c.pue, c.price_per_gpu_hour), c.life)
        rows = [*self.sizes, *rows, *projected, *(published_rows() if c.published else [])]
        config = {**asdict(c), "protocol": asdict(c.protocol)}
        details = {**self.details, **found, "reached": reached(self)}
        return Record(
            self.run.path.name, self.created, status, self.command, config, self.machine, tuple(rows), {}, details
        )


def compare(
    config: CompareConfig,
    *,
    command: str = "ssl_bench.compare",
    console: Console | None = None,
    measured: Measure = measured_apart,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[RunFolder, Record]:
    """Measure all models in turn; returns the run and its record, whose status says whether the user stopped it.

    A model that cannot be measured is a row with its reason.

    Args:
        config: what is compared, and how; see `CompareConfig`.
        command: what the record says it was made by.
        console: where progress goes; stderr.
        measured: measures a cell.
        clock: s.

    Raises:
        BadInputError: for a setting that cannot be used.
    """
    check_comparison(config)
    config = resolved(config, cuda=torch.cuda.is_available())
    grid = chosen_intensity(config.country, config.grid_intensity)
    speech, about = speech_to_measure(config.data, config.seed)
    details: dict[str, Any] = {
        "rounds": [],
        "target": {"precision": config.precision_target, "minutes": config.minutes, "met": False, "ended": ""},
        "failed": {},
        "halved": {},
        "idle": None,
        "speech": about,
        "grid": None if grid is None else asdict(grid),
        "disturbances": {},
        "about_weights": _about_weights(config),
    }
    run = new_run(config.out, "compare")
    names = names_side_by_side(config.models)
    session = Session(config, run, grid, names, speech, command, measured, clock, details, environment())
    with CompareProgress(console or stderr(), session.scope) as say:
        return run, recorded(session, lambda: _measure_rounds(session, say), write_compare_report)


def _about_weights(config: CompareConfig) -> list[str]:
    """What was not trained, which changes what a model gives and not what it takes."""
    drawn = [m for m in config.models if not (is_run(m) or is_foreign(m) or m in config.weights)]
    if not drawn:
        return []
    whose = "weights are random" if len(drawn) == len(config.models) else f"weights of {', '.join(drawn)} are random"
    return [f"{whose} and learning rates 0: time and memory are those of trained models, a GPU's power may differ a little"]  # fmt: skip


def _measure_rounds(session: Session, say: CompareProgress) -> None:
    """Idle power, then rounds until the target is reached or the time is up."""
    config, target = session.config, session.details["target"]
    say.open(session.cells, config.minutes, _opening(session))
    idle = new_meter(idle=config.idle, say=say.phase).idle
    session.details["idle"] = None if idle is None else asdict(idle)
    session.sizes = [row for model in config.models for row in parameter_row(session.names[model], model)]
    clip, clips = config.shape
    for model, phase in config.cells:
        name, weights = session.names[model], config.weights.get(model)
        setting = CellSetting(name, phase, clip, clips, config.precision, config.compile, config.pue, session.grid)
        session.requests[name, phase] = CellRequest(
            model, setting, config.protocol, config.device, config.seed, idle=idle, pretrained=weights
        )
    began = session.clock()
    while session.requests:
        _one_round(session, len(session.rounds) + 1, say)
        target["met"] = met(session)
        if target["met"]:
            target["ended"] = "the target was reached"
            return
        if (
            session.clock() - began + sum(session.last.get(cell, 0.0) for cell in session.requests)
            > 60 * config.minutes
        ):
            target["ended"] = "a further round would have ended after --minutes"
            return
    target["ended"] = "no model is left that can be measured"


def _opening(session: Session) -> str:
    c = session.config
    clip, clips = c.shape
    return (
        f"{', '.join(session.names.values())}: {' and '.join(c.phases)} in turn on {c.device} ({c.precision}{', compiled' * c.compile}), clips of {clip:g} s, "
        f"{clips * clip:g} s a call; windows of {c.protocol.duration:.3g} s until all are known to "
        f"{100 * c.precision_target:g} % or {c.minutes:g} min are up; speech {session.details['speech']}; run: {session.run.path}"
    )


def _one_round(session: Session, number: int, say: CompareProgress) -> None:
    """Every living cell once, in an order drawn by the seed; the record is written after each."""
    order = order_of(list(session.requests), session.config.seed, number)
    entry: dict[str, Any] = {"round": number, "order": [list(cell) for cell in order], "cells": []}
    session.details["rounds"].append(entry)
    session.rounds.append([])
    for place, cell in enumerate(order, start=1):
        say.cell(number, place, len(order), cell)
        began = session.clock()
        found = _one_cell(session, cell, number, say)
        entry["cells"].append({"model": cell[0], "phase": cell[1], **found, "seconds": session.clock() - began})
        say.done(cell, session.so_far(), found.get("failed", ""))
        session.run.write(session.record("unfinished"))


def _one_cell(session: Session, cell: Cell, number: int, say: CompareProgress) -> dict[str, Any]:
    """Take up a cell's rows, whatever becomes of it; returns its entry in the round."""
    request = session.requests[cell]
    try:
        measured = _again(session, cell, request, say) if number > 1 else _first(session, cell, request, say)
    except CellError as error:
        del session.requests[cell]
        reason = str(error) if number == 1 else f"in round {number}: {error}"
        session.details["failed"][" ".join(cell)] = reason
        if number == 1:
            session.missing += failed_rows(request, reason)
        return {"failed": reason}
    note = "; ".join(session.details["halved"].get(" ".join(cell), []))
    rows = [with_note(row, note) for row in measured.rows]
    session.rounds[-1] += rows
    label = f"{' '.join(cell)}, round {number}"
    session.run.add_trace(measured.trace, cell=label)
    if measured.details.get("disturbances"):
        session.details["disturbances"][label] = measured.details["disturbances"]
    fitting = session.requests[cell].setting
    return {"batch_seconds": fitting.batch_seconds, **measured.details, "rows": [row.row() for row in rows]}


def _first(session: Session, cell: Cell, request: CellRequest, say: CompareProgress) -> MeasuredCell:
    """Predicted, and halved until it fits; later rounds count no FLOPs and time no single clip again."""
    attempt = lambda r: guarded(r, session.speech, say, lambda *told: _timed(session, cell, *told))  # noqa: E731 - one line says it
    fitting, measured, halvings = halved_until_it_fits(request, attempt, say.phase)
    if halvings:
        session.details["halved"][" ".join(cell)] = halvings
    session.requests[cell] = replace(fitting, count=False, alone=fitting.setting.clips == 1)
    return measured


def _again(session: Session, cell: Cell, request: CellRequest, say: CompareProgress) -> MeasuredCell:
    """What has fitted before is begun at once."""
    report = lambda stage: say.stage(stage, request.setting, request.protocol)  # noqa: E731 - one line says it
    return _timed(session, cell, request, session.speech, report)


def _timed(session: Session, cell: Cell, *told: Any) -> MeasuredCell:  # noqa: ANN401 - what `measured` takes
    """Measure, and remember how long that takes."""
    began = session.clock()
    measured = session.measured(*told)
    session.last[cell] = session.clock() - began
    return measured


def reached(session: Session) -> list[dict[str, Any]]:
    """Half-widths of the 95 % intervals of time and energy as shares of their values; None where there is no interval."""
    found = session.so_far()
    return [
        {
            "model": cell[0],
            "phase": cell[1],
            "rounds": sum(any((row.model, row.phase) == cell for row in rows) for rows in session.rounds),
            "time": relative_half_width(found[cell].get(SPEED)),
            "energy": relative_half_width(found[cell].get(ENERGY)),
        }
        for cell in session.cells
    ]


def met(session: Session) -> bool:
    """Whether every living cell is known well enough; an energy that no hardware tells has no interval and is not asked."""
    if len(session.rounds) < FEWEST_ROUNDS or not session.requests:
        return False
    found, target = session.so_far(), session.config.precision_target
    for cell in session.requests:
        energy = found[cell].get(ENERGY)
        asked = [found[cell].get(SPEED), *([energy] if energy is not None and energy.method in HARDWARE else [])]
        if any((relative_half_width(q) or 1.0) > target for q in asked):
            return False
    return True

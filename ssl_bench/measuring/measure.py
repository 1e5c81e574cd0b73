"""`sslbench measure`: cells in turn, each repeat in a fresh process, the record written after each."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ssl_bench.console import stderr
from ssl_bench.data.measured_speech import speech_to_measure
from ssl_bench.exporting.tracked import tracked
from ssl_bench.measuring.progress import MeasureProgress
from ssl_bench.measuring.repeat_plan import RepeatPlan
from ssl_bench.sessions.metering import new_meter
from ssl_bench.sessions.run_folder import RunFolder, folder_name, new_run, require_empty
from ssl_bench.sessions.session import Session
from ssl_bench.settings.measuring import MeasureConfig, Shape
from ssl_benchmarks.cells.bench import CellBench, halved_until_it_fits
from ssl_benchmarks.cells.cell import CellSetting
from ssl_benchmarks.cells.living import LivingCells
from ssl_benchmarks.cells.outcome import counted_rows, failed_rows, size_row, with_note
from ssl_benchmarks.cells.processes import CellServer
from ssl_benchmarks.cells.request import CellError, CellInputError, CellRequest
from ssl_benchmarks.comparing.rounds import combined
from ssl_benchmarks.energy.carbon import GridIntensity, chosen_intensity
from ssl_benchmarks.machine.environment import conditions
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement, Record
from ssl_models.catalog import CATALOG, is_foreign, is_run
from ssl_models.errors import BadInputError
from ssl_reports.summaries.measuring import write_measure_report

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from ssl_benchmarks.cells.cell import MeasuredCell
    from ssl_benchmarks.cells.cell_plan import CellPlan
    from ssl_benchmarks.energy.idle import IdlePower


@dataclass
class Subject:
    """A cell of `measure` and its results so far.

    Attributes:
        request: the request to its next process; the batch is halved if it did not fit.
        entry: its part of the record's details.
        plan: counts and predictions, made without running it.
        repeats: the rows of each repeat.
        failed: why it has no result, else empty.
    """

    shape: Shape
    request: CellRequest
    entry: dict[str, Any]
    plan: CellPlan | None = None
    repeats: list[list[Measurement]] = field(default_factory=list)
    failed: str = ""

    @property
    def sound_repeats(self) -> int:
        """Number of repeats without a flaw."""
        return sum(not any(row.quantity.flaw for row in rows) for rows in self.repeats)

    def rows(self, ceiling: Quantity | None) -> list[Measurement]:
        """One row per metric over all repeats, and the counted rows."""
        if not self.repeats:
            return failed_rows(self.request, self.failed) if self.failed else []
        rows = combined(self.repeats, repeats=True)
        return rows if self.plan is None else rows + counted_rows(self.plan, ceiling, rows)


@dataclass(kw_only=True)
class Measuring(Session):
    """One call of `measure`.

    Attributes:
        speech: samples from which all clips are cut.
        bench: where cells are built and measured.
        subjects: the cells.
        ceiling: FLOP/s of matrix products, measured once.
    """

    kind = "measurement"
    config: MeasureConfig
    speech: NDArray[np.int16]
    bench: CellBench
    began: float
    subjects: list[Subject] = field(default_factory=list)
    ceiling: Quantity | None = None
    idle: IdlePower | None = None

    def settings(self) -> dict[str, Any]:
        """The settings, with the protocol of the cells."""
        return {**super().settings(), "protocol": asdict(self.config.protocol)}

    def contents(self) -> tuple[list[Measurement], dict[str, Any]]:
        """Rows and details of the cells that have a result, or a reason for having none."""
        begun = [subject for subject in self.subjects if subject.repeats or subject.failed]
        measured = (row for subject in begun for row in subject.rows(self.ceiling))
        rows = [*_idle_rows(self), *_size_rows(begun), *measured]
        return rows, {"cells": [subject.entry for subject in begun]}


def _request(config: MeasureConfig, shape: Shape, grid: GridIntensity | None) -> CellRequest:
    """The request to the measuring process of a cell."""
    c = config
    setting = CellSetting(c.model, c.phase, shape.clip_seconds, shape.clips, c.precision, c.compile, c.pue, grid)
    return CellRequest(c.model, setting, replace(c.protocol, repeats=1), c.device, c.seed, pretrained=c.pretrained)


def measure(
    config: MeasureConfig,
    *,
    command: str = "ssl_bench.measure",
    console: Console | None = None,
    bench: CellBench | None = None,
) -> tuple[RunFolder, Record]:
    """Measure every cell of a config; returns the run and its record, whose status says whether all cells were reached.

    Args:
        config: what is measured, and how; see `MeasureConfig`.
        command: the command line that the record names.
        console: where progress goes; by default stderr.
        bench: where cells are built and measured; by default a `CellServer`.

    Raises:
        BadInputError: for a model or a setting that cannot be used.
    """
    began = time.monotonic()
    config.check()
    if config.out is not None:
        require_empty(Path(config.out))
    config = config.resolved(cuda=torch.cuda.is_available())
    with ExitStack() as stack:
        if bench is None:
            bench = stack.enter_context(CellServer([config.model] if config.model in CATALOG else ()))
        grid = chosen_intensity(config.country, config.grid_intensity)
        speech, about = speech_to_measure(config.data)
        details: dict[str, Any] = {
            "speech": about,
            "disturbances": {},
            "about_weights": _about_weights(config),
            "recipes": {model: asdict(recipe) for model, recipe in config.recipes().items()},
        }
        requests = [_request(config, shape, grid) for shape in config.shapes]
        plans = bench.plans(requests)
        for plan in plans:
            if isinstance(plan, CellInputError):
                raise BadInputError(str(plan))
        run = new_run(config.out, folder_name(config.model, "measure"))
        stack.enter_context(tracked(config.track, run.path))
        session = Measuring(
            config=config, run=run, grid=grid, command=command, details=details, speech=speech, bench=bench, began=began
        )
        say = stack.enter_context(MeasureProgress(console or stderr(), session.scope))
        return session.run, session.recorded(lambda: _measure_all(session, plans, say), write_measure_report)


def _measure_all(session: Measuring, plans: list[CellPlan | CellError], say: MeasureProgress) -> None:
    """Idle power, then each cell until it has the requested repeats without a flaw, or twice as many in total."""
    config, cells, protocol = session.config, session.config.shapes, session.config.protocol
    say.open(config, len(cells), f"speech {session.details['speech']}", str(session.run.path))
    session.idle = new_meter(idle=config.idle, say=say.phase).idle
    session.ceiling = session.bench.ceiling(config.device, config.precision)
    living = LivingCells(session.bench, session.speech, say)
    for shape, plan in zip(cells, plans, strict=True):
        request = replace(_request(config, shape, session.grid), idle=session.idle)
        subject = Subject(shape, request, {"label": shape.label, "clip_seconds": shape.clip_seconds})
        subject.entry |= dict.fromkeys(("batch_seconds_asked", "batch_seconds"), subject.request.setting.batch_seconds)
        session.subjects.append(subject)
        if isinstance(plan, CellError):
            _fail(subject, str(plan), say)
        else:
            subject.plan = plan
            living.know(subject.request, plan.peak)
    visits = RepeatPlan(protocol, len(cells), session.began, config.minutes, config.device)
    for repeat in range(1, 2 * protocol.repeats + 1):
        for number, subject in enumerate(session.subjects, start=1):
            if repeat > protocol.repeats and subject.sound_repeats >= protocol.repeats:
                continue  # only disturbed cells are measured again
            if subject.failed:
                visits.skip()
            elif (window := visits.window()) is None:
                _out_of_time(subject, repeat, say)
            else:
                say.cell(number, subject.shape.label, repeat)
                with visits.timed(window):
                    _visit(session, living, subject, window, say)
            session.run.write(session.record("unfinished"))


def _visit(session: Measuring, living: LivingCells, subject: Subject, window: float, say: MeasureProgress) -> None:
    """Measure one repeat of a cell in a separate process."""
    key, began = (subject.shape.label, session.config.phase), time.monotonic()
    attempt: Callable[[CellRequest], MeasuredCell] = lambda r: living.measure(key, r, window)  # noqa: E731 - one line says it
    try:
        subject.request, measured, halvings = halved_until_it_fits(subject.request, attempt, say.phase)
    except CellError as error:
        _fail(subject, str(error), say)
        return
    finally:
        living.end(key)
        subject.entry["seconds"] = subject.entry.get("seconds", 0.0) + time.monotonic() - began
    entry, details = subject.entry, measured.details
    entry.setdefault("halved", []).extend(halvings)
    entry["batch_seconds"] = subject.request.setting.batch_seconds
    note = "; ".join(entry["halved"])
    # Later repeats have rows of the whole batch alone: the latency of a single clip is measured once.
    kept = [r for r in measured.rows if not subject.repeats or r.conditions.batch_seconds == entry["batch_seconds"]]
    subject.repeats.append([with_note(row, note) for row in kept])
    entry |= {name: details[name] for name in ("warm_up", "meter_remarks") if name in details}
    entry["repeats"] = [*entry.get("repeats", []), *details.get("repeats", [])]
    entry["repeat_seconds"] = max(entry.get("repeat_seconds", 0.0), details.get("repeat_seconds", window))
    subject.request = replace(subject.request, alone=False)
    session.run.add_trace(measured.samples, cell=subject.shape.label)
    if found := details.get("disturbances"):
        session.details["disturbances"].setdefault(subject.shape.label, []).extend(found)


def _fail(subject: Subject, reason: str, say: MeasureProgress) -> None:
    """Record why a cell has no result; one that fails after its first repeat keeps its earlier results."""
    say.phase(f"{subject.shape.label}: {reason}")
    subject.failed = reason
    if subject.repeats:
        subject.entry["ended"] = reason
    else:
        subject.entry["failed"] = reason


def _out_of_time(subject: Subject, repeat: int, say: MeasureProgress) -> None:
    """Record that `--minutes` are up: the cell has fewer repeats, or none."""
    if repeat == 1:
        _fail(subject, "left out: the time budget (--minutes) was used up", say)
    else:
        count = len(subject.repeats)
        subject.entry["ended"] = (
            f"the time budget (--minutes) was used up after {count} repeats, "
            f"{count - subject.sound_repeats} of them with a flaw"
        )


def _about_weights(config: MeasureConfig) -> list[str]:
    """Notes on what was not trained, which affects quality and not cost."""
    if config.pretrained or is_run(config.model) or is_foreign(config.model):
        return []
    lines = ["the weights are random: time and memory are as with trained weights, a GPU's power may differ slightly"]
    targets = ["the targets are not fitted and the learning rates are 0, which costs the same as real training"]
    return lines + (targets if config.phase == "training" else [])


def _size_rows(begun: list[Subject]) -> list[Measurement]:
    """The number of parameters, which is the same for all cells."""
    plan = next((subject.plan for subject in begun if subject.plan is not None), None)
    return [] if plan is None else [size_row(begun[0].request.setting.model, plan)]


def _idle_rows(session: Measuring) -> list[Measurement]:
    """Idle power of each metered part."""
    if session.idle is None:
        return []
    held = conditions(torch.device(session.config.device), session.config.precision, None)
    parts = {**session.idle.parts, "machine": session.idle.machine}
    return [Measurement(session.config.model, "power_idle", q, "idle", scope, held) for scope, q in parts.items()]

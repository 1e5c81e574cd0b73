"""`sslbench measure`: time, memory and energy of a phase, cell by cell, into a run folder."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.carbon import GridIntensity, chosen_intensity
from benchmarks.cell import CellSetting
from benchmarks.environment import conditions, environment
from benchmarks.flops import fake_tensors
from benchmarks.protocol import Protocol
from benchmarks.record import Measurement, Record, headline_scope
from models.catalog import is_foreign, is_run, load_model
from reports.measure_report import write_measure_report
from ssl_bench.cells import CellError, CellRequest, halved_until_it_fits, measured_apart
from ssl_bench.console import stderr
from ssl_bench.guarded_cell import failed_rows, guarded, with_note
from ssl_bench.measure_progress import MeasureProgress
from ssl_bench.measure_settings import MeasureConfig, Shape, check_early, resolved, shapes
from ssl_bench.measure_speech import speech_to_measure
from ssl_bench.metering import new_meter
from ssl_bench.runs import RunFolder, folder_name, new_run
from ssl_bench.session import recorded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from benchmarks.energy.idle import IdlePower


@dataclass
class Session:
    """One call of `measure`.

    Attributes:
        speech: samples that all clips are cut from.
        details: what the record holds beside its rows; "cells" has one entry for each cell.
        rows: so far.
    """

    config: MeasureConfig
    run: RunFolder
    grid: GridIntensity | None
    speech: NDArray[np.int16]
    command: str
    details: dict[str, Any]
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    machine: dict[str, Any] = field(default_factory=environment)
    rows: list[Measurement] = field(default_factory=list)
    idle: IdlePower | None = None

    @property
    def scope(self) -> str:
        """Whose joules are the headline."""
        return headline_scope(self.config.device)

    @property
    def protocol(self) -> Protocol:
        """How each cell is measured."""
        return Protocol(self.config.duration, self.config.repeats or 1)

    def record(self, status: str) -> Record:
        """As it stands."""
        config = {**asdict(self.config), "protocol": asdict(self.protocol)}
        rows = tuple(self.rows)
        name = self.run.path.name
        return Record(name, self.created, status, self.command, config, self.machine, rows, {}, self.details)

    def request(self, shape: Shape) -> CellRequest:
        """What the measuring process of a cell is told."""
        c = self.config
        setting = CellSetting(
            c.model, c.phase, shape.clip_seconds, shape.clips, c.precision, c.compile, c.pue, self.grid
        )
        return CellRequest(c.model, setting, self.protocol, c.device, c.seed, idle=self.idle, pretrained=c.pretrained)


def measure(
    config: MeasureConfig, *, command: str = "ssl_bench.measure", console: Console | None = None
) -> tuple[RunFolder, Record]:
    """Measure every cell of a config; returns the run and its record, whose status says whether all cells were reached.

    Args:
        config: what is measured, and how; see `MeasureConfig`.
        command: what the record says it was made by.
        console: where progress goes; stderr.

    Raises:
        BadInputError: for a model or a setting that cannot be used.
    """
    check_early(config)
    config = resolved(config, cuda=torch.cuda.is_available())
    grid = chosen_intensity(config.country, config.grid_intensity)
    # Published weights are held against the model before anything is begun; without them its shape is enough.
    with nullcontext() if config.pretrained else fake_tensors():
        load_model(config.model, pretrained=config.pretrained, weights=False)
    speech, about = speech_to_measure(config.data, config.seed)
    details: dict[str, Any] = {
        "cells": [],
        "speech": about,
        "grid": None if grid is None else asdict(grid),
        "disturbances": {},
    }
    details["about_weights"] = _about_weights(config)
    session = Session(config, new_run(config.out, folder_name(config.model, "measure")), grid, speech, command, details)
    with MeasureProgress(console or stderr(), session.scope) as say:
        return session.run, recorded(session, lambda: _measure_all(session, say), write_measure_report)


def _measure_all(session: Session, say: MeasureProgress) -> None:
    """Idle power, then each cell; the record is written after each."""
    cells = shapes(session.config)
    say.open(session.config, session.protocol, len(cells), f"speech {session.details['speech']}", str(session.run.path))
    session.idle = new_meter(idle=session.config.idle, say=say.phase).idle
    session.rows += _idle_rows(session)
    for number, shape in enumerate(cells, start=1):
        say.cell(number, shape.label)
        began = time.monotonic()
        entry = _measure_one(session, shape, say)
        session.details["cells"].append({**entry, "seconds": time.monotonic() - began})
        session.run.write(session.record("unfinished"))


def _about_weights(config: MeasureConfig) -> list[str]:
    """What was not trained, which changes what a model gives and not what it takes."""
    if config.pretrained or is_run(config.model) or is_foreign(config.model):
        return []
    lines = ["the weights are random: time and memory are those of trained ones, a GPU's power may differ a little"]
    targets = ["the targets are not fitted, and each learning rate is 0: both cost the same as in real training"]
    return lines + (targets if config.phase == "training" else [])


def _idle_rows(session: Session) -> list[Measurement]:
    """Power of each metered part at rest."""
    if session.idle is None:
        return []
    held = conditions(torch.device(session.config.device), session.config.precision, None)
    parts = {**session.idle.parts, "machine": session.idle.machine}
    return [Measurement(session.config.model, "power_idle", q, "idle", scope, held) for scope, q in parts.items()]


def _measure_one(session: Session, shape: Shape, say: MeasureProgress) -> dict[str, Any]:
    """Take up the rows of a cell, whatever becomes of it; returns its entry in the details."""
    request = session.request(shape)
    entry: dict[str, Any] = {"label": shape.label, "clip_seconds": shape.clip_seconds, "batch_seconds_asked": request.setting.batch_seconds}  # fmt: skip
    try:
        fitting, cell, halvings = halved_until_it_fits(
            request, lambda r: guarded(r, session.speech, say, measured_apart), say.phase
        )
    except CellError as error:
        say.phase(f"{shape.label}: {error}")
        session.rows += failed_rows(request, str(error))
        return {**entry, "batch_seconds": request.setting.batch_seconds, "failed": str(error)}
    session.rows += [with_note(row, "; ".join(halvings)) for row in cell.rows]
    session.run.add_trace(cell.trace, cell=shape.label)
    if cell.details["disturbances"]:
        session.details["disturbances"][shape.label] = cell.details["disturbances"]
    return {**entry, "batch_seconds": fitting.setting.batch_seconds, "halved": halvings, **cell.details}

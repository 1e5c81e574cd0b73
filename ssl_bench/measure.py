"""`sslbench measure`: time, memory and energy of a phase, cell by cell, into a run folder."""

from __future__ import annotations

import time
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.carbon import GridIntensity, chosen_intensity
from benchmarks.cell import CellSetting, MeasuredCell
from benchmarks.environment import conditions, environment
from benchmarks.flops import fake_tensors
from benchmarks.memory import memory_at_hand
from benchmarks.protocol import Protocol
from benchmarks.quantity import Quantity, unavailable
from benchmarks.record import Measurement, Record, headline_scope
from models.catalog import is_foreign, is_run, load_model
from reports.measure_report import write_measure_report
from ssl_bench.cells import CellError, CellMemoryError, CellRequest, halved_until_it_fits, measured_apart
from ssl_bench.interruption import terminated_as_interrupted
from ssl_bench.measure_progress import MeasureProgress
from ssl_bench.measure_settings import MeasureConfig, Shape, resolved, shapes
from ssl_bench.measure_speech import speech_to_measure
from ssl_bench.metering import new_meter
from ssl_bench.predicted import predicted_peak
from ssl_bench.runs import RunFolder, folder_name, new_run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from benchmarks.energy.idle import IdlePower

PROCESS_BYTES = 6e8
"""What Python, torch and the meter take before there is a model (0.35 GB resident, 0.55 GB with transformers)."""
UNMEASURED = (
    ("audio_seconds_per_second", "s/s", None),
    ("peak_memory", "B", None),
    ("energy_per_audio_hour", "J/h", "*"),
)
"""What a cell without a result is missing; "*" stands for the headline's scope."""


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


def measure(config: MeasureConfig, *, command: str, console: Console) -> tuple[RunFolder, Record]:
    """Measure every cell of a config; returns the run and its record, whose status says whether all cells were reached.

    Raises:
        BadInputError: for a model or a setting that cannot be used.
    """
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
    status = "finished"
    with session.run.locked(), MeasureProgress(console, session.scope) as say, terminated_as_interrupted():
        session.run.write(session.record("unfinished"))
        try:
            _measure_all(session, say)
        except KeyboardInterrupt:
            session.details["stopped"] = "by the user"
            status = "unfinished"
        record = session.record(status)
        with suppress(KeyboardInterrupt):
            write_measure_report(record, session.run.path)
        session.run.write(record)
    return session.run, record


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
        fitting, cell, halvings = halved_until_it_fits(request, lambda r: _attempt(session, r, say), say.phase)
    except CellError as error:
        say.phase(f"{shape.label}: {error}")
        session.rows += _failed_rows(session, request, str(error))
        return {**entry, "batch_seconds": request.setting.batch_seconds, "failed": str(error)}
    session.rows += [_with_note(row, "; ".join(halvings)) for row in cell.rows]
    session.run.add_trace(cell.trace, cell=shape.label)
    if cell.details["disturbances"]:
        session.details["disturbances"][shape.label] = cell.details["disturbances"]
    return {**entry, "batch_seconds": fitting.setting.batch_seconds, "halved": halvings, **cell.details}


def _attempt(session: Session, request: CellRequest, say: MeasureProgress) -> MeasuredCell:
    """One try at a cell; on a CPU only where what it is predicted to need is there."""
    peak = predicted_peak(request)
    setting, at_hand = request.setting, memory_at_hand()
    say.predicted(setting.batch_seconds, peak)
    if request.device == "cpu" and peak.value is not None and peak.value + PROCESS_BYTES > at_hand:
        needed = f"{(peak.value + PROCESS_BYTES) / 2**30:.2f} GiB needed by prediction"
        raise CellMemoryError(f"{needed}, {at_hand / 2**30:.2f} GiB at hand")
    cell = measured_apart(request, session.speech, lambda stage: say.stage(stage, setting, request.protocol))
    held = cell.rows[0].conditions
    row = Measurement(setting.model, "predicted_peak_memory", peak, setting.phase, None, held)
    return replace(cell, rows=[row, *cell.rows])


def _failed_rows(session: Session, request: CellRequest, reason: str) -> list[Measurement]:
    """What is missing of a cell, each with the reason."""
    setting = request.setting
    held = setting.held(torch.device(request.device), None)
    return [
        Measurement(setting.model, metric, unavailable(unit, reason), setting.phase, scope and session.scope, held)
        for metric, unit, scope in UNMEASURED
    ]


def _with_note(row: Measurement, note: str) -> Measurement:
    """A row that says what became of the batch that was asked for."""
    if not note or row.metric not in {metric for metric, _, _ in UNMEASURED}:
        return row
    quantity: Quantity = row.quantity
    return replace(row, quantity=replace(quantity, note="; ".join(part for part in (quantity.note, note) if part)))

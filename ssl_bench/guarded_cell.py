"""One try at a cell: predicted first, and on a CPU begun only where what it is predicted to need is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import torch

from benchmarks.cell import CellSetting, MeasuredCell
from benchmarks.memory import memory_at_hand
from benchmarks.quantity import Quantity, joined, unavailable
from benchmarks.record import Measurement, headline_scope
from benchmarks.repeats import Report, Stage
from ssl_bench.cells import CellMemoryError, CellRequest
from ssl_bench.predicted import predicted_peak

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from benchmarks.protocol import Protocol as MeasuringProtocol

PROCESS_BYTES = 6e8
"""What Python, torch and the meter take before there is a model (0.35 GB resident, 0.55 GB with transformers)."""
UNMEASURED = (
    ("audio_seconds_per_second", "s/s", None),
    ("peak_memory", "B", None),
    ("energy_per_audio_hour", "J/h", "*"),
)
"""What a cell without a result is missing; "*" stands for the headline's scope."""
Measure = Callable[["CellRequest", "NDArray[np.int16]", Report], MeasuredCell]
"""Measures a cell in a process of its own, as `measured_apart` does."""


class Listener(Protocol):
    """Whoever watches."""

    def predicted(self, batch_seconds: float, peak: Quantity) -> None:
        """What a try will need."""

    def stage(self, stage: Stage, setting: CellSetting, protocol: MeasuringProtocol) -> None:
        """Where the cell stands."""


def guarded(request: CellRequest, speech: NDArray[np.int16], say: Listener, measure: Measure) -> MeasuredCell:
    """The cell with its prediction as its first row.

    Raises:
        CellMemoryError: where it did not fit, or would not.
        CellError: where there is no result.
    """
    peak = predicted_peak(request)
    setting, at_hand = request.setting, memory_at_hand()
    say.predicted(setting.batch_seconds, peak)
    if request.device == "cpu" and peak.value is not None and peak.value + PROCESS_BYTES > at_hand:
        needed = f"{(peak.value + PROCESS_BYTES) / 2**30:.2f} GiB needed by prediction"
        raise CellMemoryError(f"{needed}, {at_hand / 2**30:.2f} GiB at hand")
    cell = measure(request, speech, lambda stage: say.stage(stage, setting, request.protocol))
    held = cell.rows[0].conditions
    row = Measurement(setting.model, "predicted_peak_memory", peak, setting.phase, None, held)
    return replace(cell, rows=[row, *cell.rows])


def failed_rows(request: CellRequest, reason: str) -> list[Measurement]:
    """What is missing of a cell, each with the reason."""
    setting, scope = request.setting, headline_scope(request.device)
    held = setting.held(torch.device(request.device), None)
    return [
        Measurement(setting.model, metric, unavailable(unit, reason), setting.phase, part and scope, held)
        for metric, unit, part in UNMEASURED
    ]


def with_note(row: Measurement, note: str) -> Measurement:
    """A row that says what became of the batch that was asked for."""
    if not note or row.metric not in {metric for metric, _, _ in UNMEASURED}:
        return row
    told = joined(row.quantity.note, note)
    return replace(row, quantity=replace(row.quantity, note=told))

"""Cells that stay built between rounds while memory allows; otherwise the largest is ended, and rebuilt when needed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from ssl_benchmarks.cells.bench import CellBench, LivingCell
from ssl_benchmarks.cells.cell import CellSetting, MeasuredCell
from ssl_benchmarks.cells.request import CellError, CellMemoryError, CellRequest
from ssl_benchmarks.comparing.rounds import Cell
from ssl_benchmarks.processes.job_limits import memory_at_hand
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement
from ssl_benchmarks.timing.repeats import Stage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ssl_benchmarks.timing.protocol import Protocol as MeasuringProtocol

PROCESS_BYTES = 6e8
"""Memory of Python, torch and the meter before there is a model (0.35 GB resident, 0.55 GB with transformers)."""


class Listener(Protocol):
    """Receives the progress of cells."""

    def predicted(self, batch_seconds: float, peak: Quantity) -> None:
        """The memory that an attempt is predicted to need."""

    def stage(self, stage: Stage, setting: CellSetting, protocol: MeasuringProtocol) -> None:
        """The stage that the cell has reached."""


class LivingCells:
    """The cells of one session.

    Attributes:
        rebuilt: a line for each cell that was ended to make room for another.
    """

    def __init__(self, bench: CellBench, speech: NDArray[np.int16], say: Listener) -> None:
        self._bench, self._speech, self._say = bench, speech, say
        self._alive: dict[Cell, LivingCell] = {}
        self._peaks: dict[tuple[str, CellSetting], Quantity] = {}
        self._needs: dict[Cell, float] = {}
        self.rebuilt: list[str] = []

    def know(self, request: CellRequest, peak: Quantity) -> None:
        """Take the predicted peak of a request from its plan."""
        self._peaks[request.source, request.setting] = peak

    def measure(self, cell: Cell, request: CellRequest, seconds: float) -> MeasuredCell:
        """Measure a cell for `seconds`, building it first if needed; the predicted peak is then the first row.

        Raises:
            CellMemoryError: if it does not fit even with no other cell in memory.
            CellError: if there is no result; the cell is ended.
        """
        while True:
            try:
                return self._measured(cell, request, seconds)
            except CellMemoryError as error:
                self.end(cell)
                if not self._make_room(cell, str(error)):
                    raise
            except BaseException:
                self.end(cell)
                raise

    def end(self, cell: Cell) -> None:
        """End a cell's process, if there is one."""
        if (process := self._alive.pop(cell, None)) is not None:
            process.close()

    def renew(self) -> None:
        """End all processes, so that each cell is built anew in its turn."""
        for cell in list(self._alive):
            self.end(cell)

    def _measured(self, cell: Cell, request: CellRequest, seconds: float) -> MeasuredCell:
        setting = request.setting
        report = lambda stage: self._say.stage(stage, setting, request.protocol)  # noqa: E731 - one line is enough
        peak = None
        if cell not in self._alive:
            peak = self._admitted(cell, request)
            self._alive[cell] = self._bench.build(request, self._speech, report)
        measured = self._alive[cell].window(seconds, report)
        if peak is None:
            return measured
        held = measured.rows[0].conditions
        row = Measurement(setting.model, "predicted_peak_memory", peak, setting.phase, None, held)
        return replace(measured, rows=[row, *measured.rows])

    def _admitted(self, cell: Cell, request: CellRequest) -> Quantity:
        """The predicted peak of a request.

        Raises:
            CellMemoryError: if the device is a CPU and less memory is available.
        """
        peak, available = self._peak(request), memory_at_hand()
        self._needs[cell] = peak.value or 0.0
        self._say.predicted(request.setting.batch_seconds, peak)
        if request.device == "cpu" and peak.value is not None and peak.value + PROCESS_BYTES > available:
            needed = f"{(peak.value + PROCESS_BYTES) / 2**30:.2f} GiB predicted to be needed"
            raise CellMemoryError(f"{needed}, {available / 2**30:.2f} GiB available")
        return peak

    def _peak(self, request: CellRequest) -> Quantity:
        key = (request.source, request.setting)
        if key not in self._peaks:
            (plan,) = self._bench.plans([request])
            if isinstance(plan, CellError):
                raise plan
            self._peaks[key] = plan.peak
        return self._peaks[key]

    def _make_room(self, cell: Cell, reason: str) -> bool:
        """End the largest of the other cells; False if there is none."""
        if not self._alive:
            return False
        largest = max(self._alive, key=lambda other: self._needs.get(other, 0.0))
        self.end(largest)
        self.rebuilt.append(f"{' '.join(largest)} ended to make room for {' '.join(cell)}: {reason}")
        return True

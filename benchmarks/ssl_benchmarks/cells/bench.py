"""Interfaces for cells (planned, built, measured window by window), and the halving of a batch until it fits."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from ssl_benchmarks.cells.cell import MeasuredCell
from ssl_benchmarks.cells.request import CellError, CellMemoryError, CellRequest
from ssl_benchmarks.record.quantity import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from ssl_benchmarks.cells.cell_plan import CellPlan
    from ssl_benchmarks.timing.repeats import Report


class LivingCell(Protocol):
    """A cell that was built in its own process, which lives until it is closed."""

    def window(self, seconds: float, report: Report) -> MeasuredCell:
        """Measure a window.

        Raises:
            CellMemoryError: if it did not fit.
            CellError: if there is no result.
        """
        ...

    def close(self) -> None:
        """End the process."""
        ...


class CellBench(Protocol):
    """A place where cells are planned, built and measured."""

    def plans(self, requests: Iterable[CellRequest]) -> list[CellPlan | CellError]:
        """The plan of each cell, or the reason why it cannot be built; nothing else may be measured meanwhile."""
        ...

    def ceiling(self, device: str, precision: str) -> Quantity:
        """FLOP/s of matrix products on the device; unavailable, with the reason, if it cannot be measured."""
        ...

    def build(self, request: CellRequest, speech: NDArray[np.int16], report: Report) -> LivingCell:
        """Build a cell in a fresh process and warm it up; clips are cut from `speech` `(n,)`.

        Raises:
            CellMemoryError: if it did not fit.
            CellError: if there is no result.
        """
        ...

    def close(self) -> None:
        """End all processes."""
        ...


def ended_because(code: int, lines: list[str]) -> str:
    """Why a process ended without a result."""
    if code == -signal.SIGKILL:
        return "killed (SIGKILL), as happens when memory runs out"
    if code < 0:
        return f"ended by {signal.Signals(-code).name}" + (f": {lines[-1]}" if lines else "")
    return lines[-1] if code and lines else f"ended with exit code {code} without a result"


def halved_until_it_fits(
    request: CellRequest, attempt: Callable[[CellRequest], MeasuredCell], say: Callable[[str], None]
) -> tuple[CellRequest, MeasuredCell, list[str]]:
    """Halve the batch after each `CellMemoryError`; returns what fitted, its result and a line for each halving.

    Raises:
        CellError: from the attempt, or if a single clip does not fit.
    """
    lines: list[str] = []
    while True:
        try:
            return request, attempt(request), lines
        except CellMemoryError as error:
            setting = request.setting
            if setting.clips == 1:
                raise CellError(f"out of memory with a single clip of {setting.clip_seconds:g} s: {error}") from error
            request = replace(request, setting=replace(setting, clips=setting.clips // 2))
            line = f"out of memory with {setting.batch_seconds:g} s per batch ({error}): halved to {request.setting.batch_seconds:g} s"
            lines.append(line)
            say(line)

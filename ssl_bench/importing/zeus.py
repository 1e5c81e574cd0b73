"""The log file of a ZeusMonitor: a line for each window that it metered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ssl_bench.importing.recorded import UNNAMED_GPU, Recorded, by_scope, moment, origin
from ssl_bench.importing.rows import MOST_ROWS, amount, read_text
from ssl_benchmarks.record.quantity import Quantity, added, unavailable
from ssl_models.errors import BadInputError

HEAD = ["start_time", "window_name", "elapsed_time"]
GPU = re.compile(r"gpu\d+_energy")
SAID = origin("zeus")
HOW = (
    "the driver's counter (samples of power on a GPU older than Volta, or for short windows if asked; it does not say)"
)


@dataclass
class _Windows:
    """The windows of one name, which a monitor opens one after another.

    Attributes:
        began: when the first did, in s since 1970.
        times: of each, in s.
        joules: of each, for every GPU.
    """

    began: float
    times: list[float] = field(default_factory=list)
    joules: list[list[float]] = field(default_factory=list)


def read_windows(path: Path) -> list[Recorded]:
    """A run for each name of windows; those of one name are added up.

    Raises:
        BadInputError: for a file that cannot be read, or is no such log.
    """
    head, *lines = read_text(path).splitlines() or [""]
    columns = [name for name in head.split(",") if name]
    gpus = columns[len(HEAD) :]
    if columns[: len(HEAD)] != HEAD or not all(map(GPU.fullmatch, gpus)):
        raise BadInputError(f"{path}: not the log file of a ZeusMonitor, which begins with {','.join(HEAD)}")
    found: dict[str, _Windows] = {}
    for number, line in enumerate(lines, start=2):
        try:
            _take(found, line, gpus)
        except ValueError as error:
            raise BadInputError(f"{path}, line {number}: {error}") from error
    if not 0 < len(found) <= MOST_ROWS:
        raise BadInputError(f"{path}: holds {len(found):,} windows; between 1 and {MOST_ROWS:,} can be read")
    return [_recorded(name, windows, gpus) for name, windows in found.items()]


def _take(found: dict[str, _Windows], line: str, gpus: Sequence[str]) -> None:
    """Add a line to the windows of its name, which may hold commas."""
    cells = line.split(",")
    after = max(1, len(gpus))  # without GPUs, a line ends with a comma
    if len(cells) < len(HEAD) + after:
        raise ValueError(f"{len(cells)} cells instead of {len(HEAD) + after}")
    name = ",".join(cells[1 : -after - 1]) or "zeus"
    windows = found.setdefault(name, _Windows(amount(cells[0], HEAD[0])))
    windows.times.append(amount(cells[-after - 1], HEAD[2]))
    windows.joules.append([amount(cell, gpu) for cell, gpu in zip(cells[-after:], gpus, strict=False)])


def _recorded(name: str, windows: _Windows, gpus: Sequence[str]) -> Recorded:
    count = len(windows.times)
    several = "" if count == 1 else f" in {count:,} windows"
    energy = {gpu: _energy(each) for gpu, *each in zip(gpus, *windows.joules, strict=True)}
    none = unavailable("J", f"{SAID}: not in its log file")
    gpu = added(energy, "J") if gpus else unavailable("J", f"{SAID}: it saw no GPU")
    return Recorded(
        name=name,
        created=moment(windows.began),
        seconds=Quantity(sum(windows.times), "s", "measured", note=f"{SAID}: its clock{several}"),
        energy=by_scope({"gpu": gpu, "cpu": none, "dram": none}, SAID),
        gpus=(UNNAMED_GPU,) * len(gpus),
    )


def _energy(joules: Sequence[float]) -> Quantity:
    """The energy of a GPU over all windows; one of 0 was shorter than the interval at which its counter is renewed."""
    whole, blind = sum(joules), joules.count(0.0)
    if not whole:
        return unavailable("J", f"{SAID}: shorter than the interval at which the counter is renewed")
    return Quantity(
        whole, "J", "measured", note=f"{SAID}: {HOW}" + (f"; 0 in {blind:,} short windows" if blind else "")
    )

"""What another tool recorded of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ssl_benchmarks.record.quantity import Quantity


@dataclass(frozen=True)
class Recorded:
    """One run of another tool.

    Attributes:
        name: its name there.
        created: when it was written, as it says.
        seconds: wall time.
        energy: in J by scope, without PUE.
        carbon: in g, of the whole.
        pue: power usage effectiveness.
        device: processor or GPUs.
        gpus: names of the GPUs.
        grid: label of the grid.
        version: of the tool.
        system, python: that it ran on; empty where it does not say.
    """

    name: str
    created: str
    seconds: Quantity
    energy: Mapping[str, Quantity]
    carbon: Quantity
    pue: float
    device: str
    gpus: tuple[str, ...]
    grid: str | None
    version: str
    system: str
    python: str

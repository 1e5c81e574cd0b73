"""What a record of `measure` holds besides its rows."""

from __future__ import annotations

from dataclasses import dataclass

from ssl_benchmarks.record.details.common import Details


@dataclass(frozen=True)
class MeasuredCell:
    """A cell of `measure`: seconds per clip and audio seconds per batch, the seconds it took, and why it has no result."""

    label: str
    clip_seconds: float
    batch_seconds: float
    seconds: float = 0.0
    failed: str = ""
    warm_up: str = ""


@dataclass(frozen=True)
class MeasurementDetails(Details):
    """Details of `measure`."""

    cells: tuple[MeasuredCell, ...] = ()
    speech: str = ""
    about_weights: tuple[str, ...] = ()

"""What every tracker answers to, and the one that a destination names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ssl_bench.exporting.figures import Moment
from ssl_bench.settings.exporting import Destination
from ssl_benchmarks.record.record import Record

if TYPE_CHECKING:
    pass


class Tracker(Protocol):
    """A run in a tracker, opened when it is made.

    Attributes:
        place: where it is found.
    """

    place: str

    def log(self, moments: Sequence[Moment]) -> None:
        """Send figures; those that are unavailable, with their reason."""

    def close(self, record: Record, folder: Path) -> None:
        """Send the record as it stands at the end, and mark the run as ended."""


def opened(destination: Destination, record: Record, folder: Path) -> Tracker:
    """The run of a record in a tracker; each call begins another.

    Raises:
        Exception: whatever the tracker's library raises.
    """
    match destination.tool:
        case "mlflow":
            from ssl_bench.exporting.mlflow import MlflowTracker

            return MlflowTracker(destination, record)
        case "tensorboard":
            from ssl_bench.exporting.tensorboard import TensorboardTracker

            return TensorboardTracker(destination, record, folder)
        case "wandb":
            from ssl_bench.exporting.wandb import WandbTracker

            return WandbTracker(destination, record, folder)

"""A cell as a process is asked for it, and why it may have no result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ssl_benchmarks.cells.cell import CellSetting
from ssl_benchmarks.energy.carbon import GridIntensity
from ssl_benchmarks.energy.idle import IdlePower
from ssl_benchmarks.record.quantity import quantity_of
from ssl_benchmarks.timing.protocol import Protocol as MeasuringProtocol


class CellError(RuntimeError):
    """A cell that has no result; the message is the reason."""


class CellMemoryError(CellError):
    """A cell that did not fit into memory."""


class CellInputError(CellError):
    """A cell of a model or of weights that cannot be used."""


@dataclass(frozen=True)
class CellRequest:
    """What the measuring process is told.

    Attributes:
        source: the model as `load_model` takes it.
        setting: of the cell.
        protocol: how it is measured.
        device: "cpu" or "cuda".
        seed: of random weights.
        alone: whether latency of one clip is wanted beside that of the batch.
        idle: power measured before, or None.
        pretrained: published weights for a catalog model, or None.
    """

    source: str
    setting: CellSetting
    protocol: MeasuringProtocol
    device: str
    seed: int = 0
    alone: bool = True
    idle: IdlePower | None = None
    pretrained: str | None = None

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> CellRequest:
        """The inverse of `dataclasses.asdict` through JSON."""
        grid, idle = document["setting"].pop("grid"), document.pop("idle")
        setting = CellSetting(**document.pop("setting"), grid=None if grid is None else GridIntensity(**grid))
        power = (
            None
            if idle is None
            else IdlePower(
                {scope: quantity_of(part) for scope, part in idle["parts"].items()}, tuple(idle["disturbances"])
            )
        )
        protocol = MeasuringProtocol(**document["protocol"])
        return cls(**{**document, "setting": setting, "protocol": protocol, "idle": power})

"""The description of a cell that is sent to its process, and the errors for a cell without a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ssl_benchmarks.cells.cell import CellSetting
from ssl_benchmarks.energy.carbon import GridIntensity
from ssl_benchmarks.energy.idle import IdlePower
from ssl_benchmarks.record.quantity import quantity_of
from ssl_benchmarks.timing.protocol import Protocol as MeasuringProtocol


class CellError(RuntimeError):
    """A cell without a result; the message is the reason."""


class CellMemoryError(CellError):
    """A cell that did not fit into memory."""


class CellInputError(CellError):
    """A cell whose model or weights cannot be used."""


@dataclass(frozen=True)
class CellRequest:
    """The settings that the measuring process receives.

    Attributes:
        source: the model, as `load_model` takes it.
        setting: settings of the cell.
        protocol: how to measure it.
        device: "cpu" or "cuda".
        seed: for random weights.
        alone: whether to measure the latency of one clip besides that of the batch.
        idle: idle power measured before, or None.
        pretrained: published weights for a catalogue model, or None.
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

"""Figures of a cell that need no run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ssl_benchmarks.record.quantity import Quantity, quantity_of

if TYPE_CHECKING:
    from ssl_benchmarks.cells.rows import Row


@dataclass(frozen=True)
class CellPlan:
    """Figures of a cell that need no run.

    Attributes:
        peak: predicted peak memory in B.
        parameters: number in the encoder.
        counts: rows of MACs and FLOPs of one clip.
    """

    peak: Quantity
    parameters: Quantity
    counts: tuple[Row, ...]

    @property
    def flops_per_audio_second(self) -> Quantity:
        """FLOP/s."""
        return next(q for name, _, q in self.counts if name == "flops_per_audio_second")

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> CellPlan:
        """The inverse of `dataclasses.asdict` through JSON."""
        counts = tuple((name, scope, quantity_of(q)) for name, scope, q in document["counts"])
        return cls(quantity_of(document["peak"]), quantity_of(document["parameters"]), counts)

    def document(self) -> dict[str, Any]:
        """The plan as a JSON object."""
        return {**asdict(self), "counts": [(name, scope, asdict(q)) for name, scope, q in self.counts]}

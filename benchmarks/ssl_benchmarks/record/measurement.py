"""The rows of a record: quantities with what they are of, and under which conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import Quantity
from ssl_models.documents import typed

PHASES = frozenset({"inference", "training", "targets", "finetuning", "evaluation", "idle"})
SCOPES = frozenset({"gpu", "cpu", "dram", "machine", "module"})


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must be equal before two rows may be compared; None where it does not apply.

    Attributes:
        device: name of the GPU or processor.
        driver: version of the GPU's driver.
        power_limit: of the GPU, W.
        dtype: precision of the computation.
        attention: how the model computes it; compared nowhere.
        clip_seconds: clip length, s.
        batch_seconds: audio per batch, s.
        compile: whether torch.compile was used.
        threads: of torch on a CPU.
        torch: its version.
        pue: power usage effectiveness.
        grid: country, year and g CO2e per kWh.
        task: of an error rate, what was learned.
        head: of an error rate, what learned it.
        labels: of an error rate, how much labelled speech there was.
        tested_on: of an error rate, the folder of the test speech.
    """

    device: str | None = None
    driver: str | None = None
    power_limit: float | None = None
    dtype: str | None = None
    attention: str | None = None
    clip_seconds: float | None = None
    batch_seconds: float | None = None
    compile: bool | None = None
    threads: int | None = None
    torch: str | None = None
    pue: float | None = None
    grid: str | None = None
    task: str | None = None
    head: str | None = None
    labels: str | None = None
    tested_on: str | None = None


LATER_COLUMNS = frozenset({"task", "head", "labels", "tested_on", "flaw"})
"""Columns that records of version 0.1 lack."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row of the long table.

    Attributes:
        model: name of the model, run or system.
        metric: one of `ssl_benchmarks.record.metrics.METRICS`.
        quantity: the number.
        phase: one of `PHASES`; None where none applies.
        scope: part of the machine, one of `SCOPES`; None where none applies.
        conditions: under which it was measured.

    Raises:
        ValueError: if the schema has no such metric, phase or scope.
    """

    model: str
    metric: str
    quantity: Quantity
    phase: str | None = None
    scope: str | None = None
    conditions: Conditions = field(default_factory=Conditions)

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise ValueError(f"unknown metric {self.metric!r}")
        if self.phase is not None and self.phase not in PHASES:
            raise ValueError(f"unknown phase {self.phase!r}")
        if self.scope is not None and self.scope not in SCOPES:
            raise ValueError(f"unknown scope {self.scope!r}")

    def row(self) -> dict[str, Any]:
        """All columns, in the schema's order; `ci95` is [low, high]."""
        q = self.quantity
        return {
            "model": self.model,
            "phase": self.phase,
            "metric": self.metric,
            "scope": self.scope,
            "value": q.value,
            "unit": q.unit,
            "method": q.method,
            "ci95": None if q.ci95 is None else list(q.ci95),
            "n": q.n,
            "note": q.note,
            **asdict(self.conditions),
            "flaw": q.flaw,
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Measurement:
        """The inverse of `row`; columns unknown to this version are ignored.

        Raises:
            ValueError: if the row does not follow the schema.
        """
        return measurements([row])[0]


def measurements(rows: Sequence[Mapping[str, Any]]) -> tuple[Measurement, ...]:
    """Rows of the long table from parsed JSON.

    Raises:
        ValueError: if a row does not follow the schema.
    """
    held: dict[Conditions, Conditions] = {}  # most rows of a record share theirs
    found = typed(tuple[Measurement, ...], [_nested(row) for row in rows])
    return tuple(replace(m, conditions=held.setdefault(m.conditions, m.conditions)) for m in found)


COLUMNS = frozenset({"model", "phase", "metric", "scope"})
OF_QUANTITY, OF_CONDITIONS = (frozenset(f.name for f in fields(kind)) for kind in (Quantity, Conditions))


def _nested(row: object) -> dict[str, Any]:
    """A row with its quantity and its conditions nested, as `Measurement` takes them."""
    if not isinstance(row, Mapping):
        raise ValueError(f"a row must be an object, not {row!r:.40}")  # noqa: TRY004 - the file is wrong, not the call
    if missing := (COLUMNS | OF_QUANTITY | OF_CONDITIONS) - LATER_COLUMNS - set(row):
        raise ValueError(f"columns {', '.join(sorted(missing))} are missing")
    nested = {name: row[name] for name in COLUMNS}
    parts = {"quantity": OF_QUANTITY, "conditions": OF_CONDITIONS}
    return nested | {part: {n: v for n, v in row.items() if n in names} for part, names in parts.items()}

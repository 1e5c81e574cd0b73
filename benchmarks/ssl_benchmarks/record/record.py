"""A run on disk: one JSON document whose measurements are a long table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.record.details.common import Details
from ssl_benchmarks.record.details.comparison import ComparisonDetails
from ssl_benchmarks.record.details.kinds import DETAILS, Kind, kind_of_older
from ssl_benchmarks.record.flaws import DISTURBED, NOT_STEADY, flawed
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.surroundings import Machine, Settings
from ssl_models.documents import read_json, typed
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    import pandas as pd

D = TypeVar("D", bound=Details)
SCHEMA = "sslbench.run/1"
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


@dataclass(frozen=True, repr=False)
class Record:
    """Everything recorded about a run.

    Attributes:
        id: the run's name.
        created: ISO 8601, UTC.
        status: "finished" or "unfinished".
        command: as typed.
        config: every setting that was used.
        environment: hardware and software.
        measurements: the long table.
        artifacts: sha256 by file name in the run folder.
        details: whatever does not fit into a row: data and split, attempts, skipped files, warnings; as in the file.
        kind: which command made it; it decides what the details are, see `ssl_benchmarks.record.details`.
    """

    id: str
    created: str
    status: str
    command: str
    config: dict[str, Any]
    environment: dict[str, Any]
    measurements: tuple[Measurement, ...] = ()
    artifacts: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    kind: Kind = field(kw_only=True)

    @cached_property
    def settings(self) -> Settings:
        """The settings in `config` that readers use."""
        return typed(Settings, self.config)

    @cached_property
    def machine(self) -> Machine:
        """The part of `environment` that readers use."""
        return typed(Machine, self.environment)

    @cached_property
    def _typed_details(self) -> Details:
        return typed(DETAILS[self.kind], self.details)

    def told(self, kind: type[D]) -> D:
        """The details of a record of a known kind.

        Raises:
            TypeError: if the record is of another kind.
        """
        if not isinstance(self._typed_details, kind):
            raise TypeError(f"{self.id} is a {self.kind}, not a {kind.__name__}")
        return self._typed_details

    def document(self) -> dict[str, Any]:
        """The JSON document of the record."""
        rest = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "measurements"}
        return {"schema": SCHEMA, **rest, "measurements": [m.row() for m in self.measurements]}

    def find(
        self, metric: str, phase: str | None = None, scope: str | None = None, model: str | None = None
    ) -> Quantity | None:
        """The first matching row, or None."""
        for m in self.measurements:
            if (m.metric, m.phase, m.scope) == (metric, phase, scope) and model in (None, m.model):
                return m.quantity
        return None

    def frame(self) -> pd.DataFrame:
        """The long table: a row for each measurement, with its quantity and its conditions."""
        import pandas as pd

        return pd.DataFrame([m.row() for m in self.measurements])

    def __repr__(self) -> str:
        models = ", ".join(dict.fromkeys(m.model for m in self.measurements)) or "no model"
        return f"<{self.kind} {self.id}, {self.status}: {models}; {len(self.measurements)} measurements>"

    def _repr_html_(self) -> str:
        """For notebooks: the record's name and its first rows."""
        from html import escape

        shown = ["model", "phase", "metric", "scope", "value", "unit", "method", "flaw"]
        table = self.frame()[shown].to_html(index=False, max_rows=20, na_rep="") if self.measurements else ""
        return f"<p>{escape(repr(self))}</p>{table}"

    def extended(self, measurements: Iterable[Measurement]) -> Record:
        """The record with more rows."""
        return replace(self, measurements=(*self.measurements, *measurements))


def headline_scope(device: object) -> str:
    """The scope of headlines and budgets in joules on this device: the GPU if it does the work, else the machine."""
    return "gpu" if device == "cuda" else "machine"


def write_record(record: Record, path: Path) -> None:
    """Write atomically: a reader sees the old document or the new one. Unfinished records are one line long."""
    indent = 1 if record.status == "finished" else None  # json is ten times as fast without
    write_atomically(path, json.dumps(record.document(), indent=indent, allow_nan=False) + "\n")


def read_record(path: Path) -> Record:
    """Read a run's document.

    Raises:
        BadInputError: if the file is missing, broken or of another schema.
    """
    if not path.exists():
        raise BadInputError(f"{path}: no such file; a run folder contains a run.json")
    document = read_document(path, "record", SCHEMA)
    try:
        return _record(document)
    except ValueError as error:
        raise BadInputError(f"{path}: not a record of schema {SCHEMA} ({error})") from error


def read_run(path: str | Path) -> Record:
    """The record of a run's folder, or of a `run.json`.

    Raises:
        BadInputError: if it is missing, broken or of another schema.
    """
    path = Path(path)
    return read_record(path / "run.json" if path.is_dir() else path)


@dataclass(frozen=True)
class Head:
    """A record's document without the parts that depend on its kind; see `Record`."""

    id: str
    created: str
    status: Literal["finished", "unfinished"]
    command: str
    kind: Kind
    config: Settings
    environment: Machine
    artifacts: dict[str, str]
    details: dict[str, Any]
    measurements: list[dict[str, Any]]


def _record(document: dict[str, Any]) -> Record:
    """A record from a document that follows the schema; fields unknown to this version are ignored.

    Raises:
        ValueError: at the first part that does not follow the schema.
    """
    details = document.get("details")
    if isinstance(details, dict):
        document = {"kind": kind_of_older(details), **document}
    written = typed(Head, document).measurements
    rows = measurements(written)
    record = Record(**{f.name: document[f.name] for f in fields(Record)} | {"measurements": rows})
    told = record.told(Details)
    if isinstance(told, ComparisonDetails):
        for cell in (cell for each in told.rounds for cell in each.cells):
            measurements(cell.rows)
    if all("flaw" in row for row in written):
        return record
    return replace(record, measurements=_flawed_of_old(rows, told.disturbances))


def _flawed_of_old(rows: tuple[Measurement, ...], disturbances: Iterable[str]) -> tuple[Measurement, ...]:
    """Rows of a record from before rows had flaws: taken from their notes and from the record's list of disturbances."""
    parts = tuple(disturbances)

    def disturbed(row: Measurement) -> bool:
        clip, batch = row.conditions.clip_seconds, row.conditions.batch_seconds
        names = (
            f"{row.model} {row.phase}",
            str(row.phase),
            f"clip-seconds={clip:g}" if clip else "\n",
            f"batch-seconds={batch:g}" if batch else "\n",
        )
        return METRICS[row.metric].disturbable and any(part.startswith(names) for part in parts)

    def as_now(row: Measurement) -> Measurement:
        found = (DISTURBED * disturbed(row), NOT_STEADY * ("NOT STEADY" in row.quantity.note))
        modelled = row.quantity.method == "modelled" and (
            row.metric != "co2e" or "energy modelled" in row.quantity.note
        )
        return replace(row, quantity=flawed(replace(row.quantity, ci95=None) if modelled else row.quantity, *found))

    return tuple(map(as_now, rows))


def read_document(path: Path, kind: str, schema: str) -> dict[str, Any]:
    """A JSON object of a schema, without the schema's name; `kind` is its name in messages.

    Raises:
        BadInputError: if the file is unreadable, broken or of another schema.
    """
    try:
        document = read_json(path)
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(document, dict) or document.pop("schema", None) != schema:
        raise BadInputError(f"{path}: not a {kind} of schema {schema}")
    return document

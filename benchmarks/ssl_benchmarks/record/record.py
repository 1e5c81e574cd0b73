"""A run on disk: one JSON document whose measurements are a long table."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.record.details.common import Details
from ssl_benchmarks.record.details.comparison import ComparisonDetails
from ssl_benchmarks.record.details.kinds import DETAILS, Kind, kind_of_older
from ssl_benchmarks.record.measurement import PHASES, SCOPES, Conditions, Measurement, measurements
from ssl_benchmarks.record.older import as_now, with_flaws
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.surroundings import Machine, Settings
from ssl_models.documents import read_json, typed
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "PHASES",
    "SCHEMA",
    "SCOPES",
    "Conditions",
    "Head",
    "Measurement",
    "Record",
    "headline_scope",
    "measurements",
    "read_document",
    "read_record",
    "read_run",
    "write_record",
]

D = TypeVar("D", bound=Details)
SCHEMA = "sslbench.run/1"


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
    rows = as_now(rows)
    older = not all("flaw" in row for row in written)
    return replace(record, measurements=with_flaws(rows, told.disturbances) if older else rows)


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

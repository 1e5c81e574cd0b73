"""The rows of several records, each with the record it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ssl_benchmarks.energy.trace_file import read_trace
from ssl_benchmarks.record.details.common import Details
from ssl_benchmarks.record.details.study import StudyDetails
from ssl_benchmarks.record.flaws import STOPPED, flawed
from ssl_benchmarks.record.learned import doubts
from ssl_benchmarks.record.metrics import RATES
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions, Measurement, Record, headline_scope, read_record
from ssl_benchmarks.record.run_names import told_apart
from ssl_benchmarks.record.stated import recipe_of
from ssl_models.errors import BadInputError
from ssl_models.recipes import Recipe

if TYPE_CHECKING:
    import pandas as pd


def with_flaws(row: Measurement, record: Record) -> Measurement:
    """A row with the flaws that its record or note implies: a stopped run, a head that learned nothing useful."""
    if row.metric not in RATES or row.quantity.elsewhere:
        return with_status(row, record)
    marked, found = with_status(row, record), doubts(row.quantity)
    return replace(marked, quantity=flawed(marked.quantity, *found)) if found else marked


def with_status(row: Measurement, record: Record) -> Measurement:
    """A row, with a flaw if its run was stopped; figures from elsewhere belong to no run."""
    if record.status == "finished" or row.quantity.elsewhere:
        return row
    return replace(row, quantity=flawed(row.quantity, STOPPED))


@dataclass(frozen=True)
class Found:
    """A row with its record.

    Attributes:
        row: a row of the long table.
        record: the record that has it.
        label: the record's name among the others.
    """

    row: Measurement
    record: Record
    label: str

    @property
    def quantity(self) -> Quantity:
        """The row's quantity, with the flaws that its record implies; see `with_flaws`."""
        return with_flaws(self.row, self.record).quantity

    @property
    def conditions(self) -> Conditions:
        """The row's conditions."""
        return self.row.conditions

    @property
    def on_gpu(self) -> bool:
        """Whether it was measured on a CUDA GPU."""
        names = {gpu.name for gpu in self.record.machine.gpus}
        return self.conditions.driver is not None or self.conditions.device in names


@dataclass(frozen=True)
class Evidence:
    """Records in the order given.

    Attributes:
        records: each once, however often it was named.
        folders: the records' folders, None for a record not on disk; empty for records made in memory.
    """

    records: tuple[Record, ...]
    folders: tuple[Path | None, ...] = field(default=())

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The records' names, made unique where several share one."""
        return told_apart([record.id for record in self.records], self.folders)

    @cached_property
    def rows(self) -> tuple[Found, ...]:
        """All rows of all records."""
        pairs = zip(self.records, self.labels, strict=True)
        return tuple(Found(row, record, label) for record, label in pairs for row in record.measurements)

    @cached_property
    def traces(self) -> dict[int, pd.DataFrame]:
        """The power samples of each record on disk that has any, by the record's number; or why they were not read."""
        read = {number: read_trace(folder) for number, folder in enumerate(self.folders) if folder is not None}
        return {number: trace for number, trace in read.items() if len(trace) or trace.attrs["unread"]}

    @cached_property
    def _by_model_and_metric(self) -> dict[tuple[str, str], list[Found]]:
        index: dict[tuple[str, str], list[Found]] = {}
        for found in self.rows:
            index.setdefault((found.row.model, found.row.metric), []).append(found)
        return index

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Every model's name, in order of appearance."""
        return tuple(dict.fromkeys(found.row.model for found in self.rows))

    @cached_property
    def recipes(self) -> dict[str, Recipe]:
        """The recipes that the user stated for models of the runs; the latest run decides."""
        return {model: r for record in self.records for model, r in record.told(Details).recipes.items()}

    def find(
        self, model: str, metric: str, phase: str | None = None, scope: str | None = None, task: str | None = None
    ) -> list[Found]:
        """The matching rows, in order; a phase, scope or task of None matches rows without one."""
        rows = self._by_model_and_metric.get((model, metric), [])
        wanted = (phase, scope, task)
        return [f for f in rows if (f.row.phase, f.row.scope, f.conditions.task) == wanted]


@dataclass(frozen=True)
class Setting:
    """The rows of one model, phase and set of conditions in one record: one row of a table.

    Attributes:
        label: the record's name.
        record: the record.
        model, phase: those of the rows.
        conditions: those that the rows share.
        rows: the first row of each metric and scope.
    """

    label: str
    record: Record
    model: str
    phase: str | None
    conditions: Conditions
    rows: dict[tuple[str, str | None], Found]

    @property
    def scope(self) -> str:
        """The scope whose energy is reported."""
        on_gpu = any(found.on_gpu for found in self.rows.values())
        return "gpu" if on_gpu else headline_scope(self.record.settings.device)

    @property
    def recipe(self) -> Recipe | None:
        """How the model was pretrained, as the user stated it or as it was published."""
        return recipe_of(self.model, self.record.told(Details).recipes)

    def find(self, metric: str, scope: str | None = None) -> Quantity | None:
        """The quantity, None if it was not asked for."""
        found = self.rows.get((metric, scope))
        return None if found is None else found.quantity


def settings(evidence: Evidence, phase: str) -> Iterator[Setting]:
    """The settings of a phase, in the order measured, without error rates."""
    for record, label in zip(evidence.records, evidence.labels, strict=True):
        lines: dict[tuple[str, Conditions], dict[tuple[str, str | None], Found]] = {}
        for row in record.measurements:
            if row.phase == phase and row.metric not in RATES:
                held = lines.setdefault((row.model, row.conditions), {})
                held.setdefault((row.metric, row.scope), Found(row, record, label))
        for (model, conditions), rows in lines.items():
            yield Setting(label, record, model, phase, conditions, rows)


def distinct(records: Sequence[Record], folders: Sequence[Path | None]) -> Evidence:
    """Evidence in which a record that was named twice occurs once."""
    kept: dict[str, tuple[Record, Path | None]] = {}
    for record, folder in zip(records, folders, strict=True):
        kept.setdefault(repr((record.id, record.created, record.command, record.measurements)), (record, folder))
    return Evidence(tuple(r for r, _ in kept.values()), tuple(f for _, f in kept.values()))


def shown_models(record: Record) -> list[str]:
    """The models of a study, by the names that its rows use."""
    names = record.told(StudyDetails).study.names
    return [names.get(model, model) for model in record.settings.models]


def read_evidence(runs: Sequence[str]) -> Evidence:
    """The records of run folders, of `run.json` files, or of folders of runs, in the order named; those of a folder by name.

    Raises:
        BadInputError: naming the first that cannot be read.
    """
    paths = [path for run in runs for path in _record_paths(Path(run))]
    return distinct([read_record(path) for path in paths], [path.parent for path in paths])


def _record_paths(path: Path) -> list[Path]:
    if not path.exists():
        raise BadInputError(f"{path}: no such run; name the folder of a run")
    if not path.is_dir():
        return [path]
    if (path / "run.json").is_file():
        return [path / "run.json"]
    found = sorted(path.glob("*/run.json"))
    if not found:
        raise BadInputError(f"{path}: neither it nor a folder in it contains a run.json; name the folder of a run")
    return found

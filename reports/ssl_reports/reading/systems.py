"""The models of each record with their rows, indexed by metric, phase and scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ssl_benchmarks.record.details.study import StudyDetails
from ssl_benchmarks.record.record import Measurement, Record, headline_scope
from ssl_benchmarks.record.run_names import told_apart
from ssl_reports.reading.evidence import with_flaws
from ssl_reports.reading.published import published_rows

Key = tuple[str, str | None, str | None]


@dataclass(frozen=True)
class System:
    """A model in a record.

    Attributes:
        run: the record's name among the others.
        model: the model's name.
        scope: the scope of energy in the headlines.
        rows: by metric, phase and scope.
        elsewhere: whether the rows come from publications, not from a record.
        seeds: with how many seeds it was trained.
        has_gpu: whether the machine has a GPU, as far as is recorded.
    """

    run: str
    model: str
    scope: str
    rows: dict[Key, list[Measurement]]
    elsewhere: bool = False
    seeds: int = 1
    has_gpu: bool = True

    @property
    def trained(self) -> bool:
        """Whether it was trained for real, not just for the window of a measurement."""
        return ("audio_hours_seen", "training", None) in self.rows

    def one(self, metric: str, phase: str | None = None, scope: str | None = None) -> Measurement | None:
        """The only matching row; None if there is none, or if there are several, as in a sweep."""
        found = self.rows.get((metric, phase, scope), [])
        return found[0] if len(found) == 1 else None


def published_systems() -> list[System]:
    """The models of publications, with the figures that these report."""
    models: dict[str, dict[Key, list[Measurement]]] = {}
    for row in published_rows():
        models.setdefault(row.model, {}).setdefault((row.metric, row.phase, row.scope), []).append(row)
    return [System("published", model, "gpu", rows, elsewhere=True) for model, rows in models.items()]


def arranged(systems: Sequence[System], names: Mapping[str, str], order: Sequence[str]) -> list[System]:
    """The systems by the names that they are to be called, those of `order` first.

    A name may be given to a model, or to a model of one run as `MODEL (RUN)`.
    """

    def key(system: System) -> tuple[str, str]:
        return f"{system.model} ({system.run})", system.model

    def place(system: System) -> int:
        return min((order.index(each) for each in key(system) if each in order), default=len(order))

    return [
        replace(system, model=next((names[each] for each in key(system) if each in names), system.model))
        for system in sorted(systems, key=place)
    ]


def systems_of(records: Sequence[Record], runs: Sequence[str] | None = None) -> list[System]:
    """The systems in the order of the records and their rows; `runs` are the records' names, by default made unique."""
    found = []
    for record, run in zip(records, runs or told_apart([record.id for record in records]), strict=True):
        models: dict[str, dict[Key, list[Measurement]]] = {}
        for row in (with_flaws(m, record) for m in record.measurements):
            models.setdefault(row.model, {}).setdefault((row.metric, row.phase, row.scope), []).append(row)
        scope, has_gpu = headline_scope(record.settings.device), bool(record.environment.get("gpus", True))
        seeds = _seeds(record)
        found += [System(run, model, scope, rows, seeds=seeds, has_gpu=has_gpu) for model, rows in models.items()]
    return found


def _seeds(record: Record) -> int:
    """The seeds of a study with a finished run; 1 for other records."""
    runs = record.told(StudyDetails).study.runs if record.kind == "study" else ()
    return max(1, len({run.seed for run in runs if run.status == "finished"}))

"""Each run of a page, and the environments in which they took place."""

from __future__ import annotations

from dataclasses import dataclass

from ssl_benchmarks.record.record import Record
from ssl_reports.paper.methods import said_of
from ssl_reports.reading.evidence import Evidence
from ssl_reports.summaries.machine import QUANTITIES
from ssl_reports.units import method_word


@dataclass(frozen=True)
class Environment:
    """The surroundings of runs.

    Attributes:
        said: headings and texts.
        ways: what could be measured there: the quantity, the method, and how, or why not.
    """

    said: tuple[tuple[str, str], ...]
    ways: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        label: its name among the others.
        record: the record.
        environment: its number, from 1.
    """

    label: str
    record: Record
    environment: int


def runs_and_environments(evidence: Evidence) -> tuple[list[Run], list[Environment]]:
    """Every run, and each environment once."""
    numbers: dict[Environment, int] = {}
    runs = [
        Run(label, record, numbers.setdefault(_environment(record), len(numbers) + 1))
        for record, label in zip(evidence.records, evidence.labels, strict=True)
    ]
    return runs, list(numbers)


def _environment(record: Record) -> Environment:
    ways = record.machine.capabilities.measurable
    return Environment(
        tuple(said_of(record)),
        tuple((QUANTITIES.get(key, key), method_word(way.method), way.how) for key, way in ways.items()),
    )

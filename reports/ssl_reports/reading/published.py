"""Published figures of models, as rows of method "published", each with its reference."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ssl_benchmarks.record.quantity import DERIVED, Quantity, joined
from ssl_benchmarks.record.record import Conditions, Measurement
from ssl_models.documents import typed
from ssl_reports.reading.references import REFERENCES

TABLE = Path(__file__).with_name("published.toml")


@dataclass(frozen=True)
class Remark:
    """A claim of a publication.

    Attributes:
        id: of the claim.
        text: the claim in our words.
        reference: a key of `ssl_reports.reading.references.REFERENCES`.
    """

    id: str
    text: str
    reference: str


@dataclass(frozen=True)
class Figure:
    """A published figure in SI units; `derived` says how it follows from what is printed."""

    model: str
    metric: str
    phase: str
    value: float
    unit: str
    reference: str
    device: str | None = None
    derived: str = ""


@dataclass(frozen=True)
class Rates:
    """Word error rates in per cent on LibriSpeech's two test sets, after fine-tuning on the `labels` named."""

    labels: str
    clean: float
    other: float


@dataclass(frozen=True)
class ErrorRates:
    """The published error rates of a model, and how they were reached."""

    model: str
    reference: str
    rates: tuple[Rates, ...]
    how: str


@dataclass(frozen=True)
class Published:
    """The content of `published.toml`."""

    figure: tuple[Figure, ...]
    error_rate: tuple[ErrorRates, ...]
    claim: tuple[Remark, ...]


def published_rows() -> list[Measurement]:
    """Every published figure in SI units; its `note` is the citation and how it follows from what is printed."""
    found = _published()
    return [*map(_row, found.figure), *(row for entry in found.error_rate for row in _error_rates(entry))]


def published_claims() -> list[Remark]:
    """C1 to C6 of arXiv:2406.07696."""
    return list(_published().claim)


def reference_of(row: Measurement) -> str | None:
    """The key of a published row's reference; None for any other row."""
    if row.quantity.method != "published":
        return None
    return next((key for key, entry in REFERENCES.items() if row.quantity.note.startswith(entry.cited)), None)


@cache
def _published() -> Published:
    return typed(Published, tomllib.loads(TABLE.read_text(encoding="utf-8")))


def _row(figure: Figure) -> Measurement:
    derived = figure.derived and DERIVED + figure.derived
    note = joined(REFERENCES[figure.reference].cited, derived)
    quantity = Quantity(figure.value, figure.unit, "published", note=note)
    return Measurement(figure.model, figure.metric, quantity, figure.phase, None, Conditions(device=figure.device))


def _error_rates(entry: ErrorRates) -> Iterator[Measurement]:
    for rate in entry.rates:
        for part, value in (("clean", rate.clean), ("other", rate.other)):
            note = joined(REFERENCES[entry.reference].cited, entry.how)
            quantity = Quantity(value / 100, "1", "published", note=note)
            test = Conditions(task="asr-finetune", labels=rate.labels, tested_on=f"test-{part}")
            yield Measurement(entry.model, "wer", quantity, "finetuning", None, test)

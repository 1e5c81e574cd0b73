"""What others publish of their models, as rows of method "published", each with its reference."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions, Measurement
from ssl_reports.reading.references import REFERENCES

TABLE = Path(__file__).with_name("published.toml")


@dataclass(frozen=True)
class Remark:
    """What a publication says in words.

    Attributes:
        about: a model, or a claim's number.
        text: what it says, in our words.
        reference: key of `ssl_reports.reading.references.REFERENCES`.
    """

    about: str
    text: str
    reference: str


def published_rows() -> list[Measurement]:
    """Every published figure in SI units; `note` is its citation, and how it was derived from what is printed."""
    document = _document()
    figures = [_row(figure) for figure in document["figure"]]
    return figures + [row for entry in document["error_rate"] for row in _error_rates(entry)]


def published_claims() -> list[Remark]:
    """C1 to C6 of arXiv 2406.07696."""
    return [Remark(each["id"], each["text"], each["reference"]) for each in _document()["claim"]]


def reference_of(row: Measurement) -> str | None:
    """The key of a published row's reference; None for any other row."""
    if row.quantity.method != "published":
        return None
    return next((key for key, entry in REFERENCES.items() if row.quantity.note.startswith(entry.cited)), None)


@cache
def _document() -> dict[str, Any]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def _note(entry: dict[str, Any]) -> str:
    derived = f"; {entry['derived']}" if "derived" in entry else ""
    return REFERENCES[entry["reference"]].cited + derived


def _row(figure: dict[str, Any]) -> Measurement:
    quantity = Quantity(figure["value"], figure["unit"], "published", note=_note(figure))
    conditions = Conditions(device=figure.get("device"))
    return Measurement(figure["model"], figure["metric"], quantity, figure["phase"], None, conditions)


def _error_rates(entry: dict[str, Any]) -> Iterator[Measurement]:
    for rate in entry["rates"]:
        for part in ("clean", "other"):
            quantity = Quantity(rate[part] / 100, "1", "published", note=_note(entry))
            test = Conditions(task="asr-finetune", labels=rate["labels"], tested_on=f"test-{part}")
            yield Measurement(entry["model"], "wer", quantity, "finetuning", None, test)

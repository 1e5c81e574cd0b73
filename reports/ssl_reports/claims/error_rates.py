"""Claim C4 of arXiv:2406.07696: at the same budget the efficient model has a lower downstream error than its baseline, essL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from ssl_benchmarks.record.details.common import SAMPLE
from ssl_benchmarks.record.details.study import StudyDetails
from ssl_benchmarks.record.learned import UNCONVERGED
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement, Record
from ssl_models.catalog import HEADLINE
from ssl_reports.claims.needs import lacking
from ssl_reports.reading.evidence import Found, shown_models
from ssl_reports.units import percent, plain
from ssl_reports.words import budget_of

Verdict = Literal["holds", "fails", "not decided"]


def verdict(efficient: Quantity, baseline: Quantity, *, lower_is_better: bool) -> Verdict:
    """Decided only if both heads converged and both rates have intervals, which do not overlap."""
    if efficient.ci95 is None or baseline.ci95 is None or any(UNCONVERGED in q.note for q in (efficient, baseline)):
        return "not decided"
    below, above = efficient.ci95[1] < baseline.ci95[0], efficient.ci95[0] > baseline.ci95[1]
    if not below and not above:
        return "not decided"
    return "holds" if below == lower_is_better else "fails"


def c4_line(record: Record) -> str | None:
    """A study's verdict on the claim in three sentences: what was compared, the rates with the verdicts, the reasons; None if it has no say."""
    pairs = list(_pairs(record))
    if not pairs:
        return None
    models = list(_compared(record))
    sizes = " against ".join(
        f"{model} ({_size(record, model)})" for model in sorted(models, key=lambda name: name.startswith("essl"))
    )
    others = "" if {HEADLINE, "essl"} <= set(models) else " at other sizes than the claim's"
    study, seeds = record.told(StudyDetails).study, record.settings.seeds or 1
    budget = "" if study.equal is None else f", {budget_of(study.equal, study.budget or 0.0)} each"
    trained = f"{_speech(record)}{budget}, {seeds} seed{'s' if seeds > 1 else ''}"
    reasons = dict.fromkeys(filter(None, (lacking("error rate", pair) for pair in pairs)))
    return (
        f"C4 (lower downstream error than essL){others}: {sizes}; trained on {trained}. "
        f"{'; '.join(_rates(*pair) for pair in pairs)}."
        + (f" Not decided because: {'; '.join(reasons)}." if reasons else "")
    )


def sample_was_synthetic(record: Record) -> bool:
    """Whether the sample was synthetic when the record was made, by the name of the folder that was evaluated on."""
    return not any((row.conditions.tested_on or "").startswith(SAMPLE) for row in record.measurements)


def _speech(record: Record) -> str:
    asked = str(record.settings.training.get("data", "sample"))
    if asked != "sample":
        return asked
    return "the synthetic sample" if sample_was_synthetic(record) else "the sample of LibriSpeech train-clean-5"


def _compared(record: Record) -> Iterator[str]:
    """The baselines and the efficient models of a study."""
    models = shown_models(record)
    for kind in ("efficient-", "essl"):
        yield from (model for model in models if model.startswith(kind))


def _pairs(record: Record) -> Iterator[tuple[Found, Found]]:
    """The rates of a baseline and of an efficient model in the same test."""
    rated = [row for row in record.measurements if METRICS[row.metric].rate and row.conditions.task is not None]
    names = list(_compared(record))
    for row in rated:
        if row.model not in names or not row.model.startswith("efficient-"):
            continue
        for other in rated:
            if other.model in names and other.model.startswith("essl") and _same_test(row, other):
                yield Found(other, record, ""), Found(row, record, "")


def _same_test(row: Measurement, other: Measurement) -> bool:
    return (row.metric, row.phase, row.conditions) == (other.metric, other.phase, other.conditions)


def _rates(other: Found, ours: Found) -> str:
    c = ours.conditions
    alone = verdict(ours.quantity, other.quantity, lower_is_better=METRICS[ours.row.metric].better == "low")
    decided = f"not decided (the intervals alone: {alone})" if lacking("error rate", (other, ours)) else alone
    test = ", ".join(part for part in (c.task, c.head) if part)
    return f"{METRICS[ours.row.metric].label} ({test}) of {ours.row.model} {_rate(ours)}, of {other.row.model} {_rate(other)}: {decided}"


def _rate(found: Found) -> str:
    """Without the sign of a flaw, which is among the reasons."""
    return percent(replace(found.quantity, flaw=""))


def _size(record: Record, model: str) -> str:
    quantity = record.find("parameters", "inference", None, model)
    known = None if quantity is None else quantity.value
    return "size not recorded" if known is None else f"{plain(known / 1e6)} M parameters"

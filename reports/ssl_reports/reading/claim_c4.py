"""Claim C4 of arXiv 2406.07696: at the same budget the efficient model has a lower downstream error than its baseline, essL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ssl_benchmarks.record.details.common import SAMPLE
from ssl_benchmarks.record.details.study import StudyDetails
from ssl_benchmarks.record.learned import UNCONVERGED, doubts
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement, Record
from ssl_reports.reading.claim_evidence import lacking
from ssl_reports.reading.evidence import Found, shown_models
from ssl_reports.units import percent, plain

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
    """A study's verdict on the claim, per task and metric, with data and sizes; None if it has no say."""
    found = list(_verdicts(record))
    if not found:
        return None
    told, settings = record.told(StudyDetails), record.settings
    study, seeds = told.study, settings.seeds or 1
    budget = "the budget given" if study.equal is None else f"{study.budget or 0:g} {study.equal} each"
    sizes = ", ".join(f"{model} {_size(record, model)}" for model in dict.fromkeys(_compared(record)))
    asked = settings.training.get("data", "sample")
    speech = _sample(record) if asked == "sample" else asked
    labelled = None if told.speech is None or told.speech.train is None else told.speech.train.hours
    learned = "" if labelled is None else f", heads trained on {60 * labelled:.3g} min of it"
    return (
        f"C4 (lower downstream error than essL) under {budget}: {'; '.join(found)}. "
        f"Trained on {speech}{learned}, {seeds} seed{'s' if seeds > 1 else ''}; parameters: {sizes}."
    )


def _sample(record: Record) -> str:
    """What the sample was when the record was made, by the name of the folder that was rated on."""
    real = any((row.conditions.tested_on or "").startswith(SAMPLE) for row in record.measurements)
    return "the sample of LibriSpeech train-clean-5" if real else "sample (synthetic)"


def _compared(record: Record) -> Iterator[str]:
    """The baselines and the efficient models of a study."""
    models = shown_models(record)
    for kind in ("efficient-", "essl"):
        yield from (model for model in models if model.startswith(kind))


def _verdicts(record: Record) -> Iterator[str]:
    rated = [row for row in record.measurements if METRICS[row.metric].rate and row.conditions.task is not None]
    names = list(_compared(record))
    for row in rated:
        if row.model not in names or not row.model.startswith("efficient-"):
            continue
        for other in rated:
            if other.model in names and other.model.startswith("essl") and _same_test(row, other):
                yield _said(Found(row, record, ""), Found(other, record, ""))


def _same_test(row: Measurement, other: Measurement) -> bool:
    return (row.metric, row.phase, row.conditions) == (other.metric, other.phase, other.conditions)


def _said(ours: Found, other: Found) -> str:
    c, row, missing = ours.conditions, ours.row, lacking("error rate", (other, ours))
    result = verdict(ours.quantity, other.quantity, lower_is_better=METRICS[row.metric].better == "low")
    decided = f"not decided ({missing}; the intervals alone: {result})" if missing else result
    what = ", ".join(part for part in (c.task, c.head, c.labels and f"{c.labels} of labels") if part)
    return (
        f"{METRICS[row.metric].label} ({what}, on {c.tested_on or 'test'}): {decided}, "
        f"{row.model} {_rate(ours.quantity)} against {other.row.model} {_rate(other.quantity)}"
    )


def _rate(quantity: Quantity) -> str:
    """A rate with the remarks that weaken it."""
    found = doubts(quantity)
    return percent(quantity) + (f" ({', '.join(found)})" if found else "")


def _size(record: Record, model: str) -> str:
    quantity = record.find("parameters", "inference", None, model)
    return "not available" if quantity is None or quantity.value is None else f"{plain(quantity.value / 1e6)} M"

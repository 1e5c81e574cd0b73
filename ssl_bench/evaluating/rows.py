"""The rows of an evaluation: a rate for each system, task, head and metric over all seeds, and each system's cost."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ssl_bench.evaluating.systems import named, record_of
from ssl_bench.settings.evaluating import OF_TEXT
from ssl_benchmarks.downstream.outcome import FINAL, NO_BETTER
from ssl_benchmarks.downstream.seeds import over_seeds
from ssl_benchmarks.energy.cost_rows import cost_rows
from ssl_benchmarks.energy.phase_cost import PhaseCost
from ssl_benchmarks.record.intervals import student_half_width
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import Quantity, joined, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_benchmarks.record.seed_rows import study_rows

if TYPE_CHECKING:
    from ssl_bench.evaluating.speech import EvaluationSpeech
    from ssl_bench.evaluating.subject import Finding
    from ssl_benchmarks.energy import EnergyReading
    from ssl_benchmarks.energy.carbon import GridIntensity

FEWEST_PAIRS = 3
"""Fewest seeds: the interval of two differences is 13 times as wide as their distance."""
OF_PRETRAINING = frozenset({"targets", "training"})
COUNTED = "matrix products of encoder and heads, 1 MAC = 2 FLOPs, counted on 10 s clips; all seeds, learning rates and controls"


def rate_rows(findings: Sequence[Finding], held: Conditions, speech: EvaluationSpeech) -> list[Measurement]:
    """One row per system, task, head and metric; its note says where it does not beat its own random weights."""
    groups: dict[tuple[str, str, str | None], list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.system.name, finding.task, finding.head].append(finding)
    rows = []
    for (system, task, head), found in groups.items():
        shortened = "" if task == "ks" else speech.shortened
        labels = speech.labels_taken if task in OF_TEXT else None
        tested_on = found[0].tested_on or speech.test_taken
        conditions = replace(held, task=task, head=head, labels=labels, tested_on=tested_on)
        for metric in found[0].outcome.rates:
            quantity = over_seeds([finding.outcome for finding in found], metric)
            if speech.final and found[0].tested_on is None:
                quantity = replace(quantity, note=joined(FINAL, quantity.note))
            remarks = dict.fromkeys(finding.system.remark for finding in found)
            taken = "" if quantity.value is None else shortened
            quantity = replace(quantity, note=joined(quantity.note, *remarks, taken))
            phase = "finetuning" if task == "asr-finetune" else "evaluation"
            rows.append(Measurement(system, metric, quantity, phase, None, conditions))
    by_seed: dict[tuple[object, ...], dict[int, Quantity]] = defaultdict(dict)
    for finding in findings:
        if finding.outcome.converged is not False:
            for metric, rate in finding.outcome.rates.items():
                by_seed[finding.system.name, metric, finding.task, finding.head][finding.system.seed] = rate
    return marked(rows, {finding.system.name: finding.system.control for finding in findings}, by_seed)


Rates = Mapping[int, Quantity]
"""Rates of one system, task, head and metric, by seed, for seeds whose head converged."""


def marked(
    rows: Sequence[Measurement], controls: Mapping[str, str], by_seed: Mapping[tuple[object, ...], Rates]
) -> list[Measurement]:
    """The rows, with a mark on each model that does not clearly beat its own random weights.

    A model does where the two intervals do not overlap, or where the interval of the difference paired by seed excludes 0
    (see `paired_gain`): random weights differ between seeds by more than training adds.
    """
    found = {_of(row): row.quantity for row in rows}

    def checked(row: Measurement) -> Measurement:
        name, metric, task, head = _of(row)
        twin = (controls[row.model], metric, task, head)
        control = found.get(twin)
        if control is None or _beats(row.quantity, control, row.metric):
            return row
        gain = paired_gain(by_seed.get((name, metric, task, head), {}), by_seed.get(twin, {}), row.metric)
        note = gain or NO_BETTER
        return replace(row, quantity=replace(row.quantity, note=joined(note, row.quantity.note)))

    return [checked(row) for row in rows]


def _of(row: Measurement) -> tuple[str, str, str | None, str | None]:
    return row.model, row.metric, row.conditions.task, row.conditions.head


def paired_gain(trained: Rates, random: Rates, metric: str) -> str:
    """The gain of training over random weights of the same seeds, in words; empty where its 95 % interval reaches 0.

    The half-width combines in quadrature Student's t half-width over the differences by seed and the mean half-widths over
    test speakers of both, as if independent; both were tested on the same speech, so this is conservative.
    """
    both = sorted(seed for seed in trained.keys() & random.keys())
    pairs = [(q, o) for q, o in ((trained[seed], random[seed]) for seed in both) if None not in (q.value, o.value)]
    sign = 1.0 if METRICS[metric].better == "low" else -1.0
    gains = [sign * ((other.value or 0.0) - (own.value or 0.0)) for own, other in pairs]
    if len(gains) < FEWEST_PAIRS:
        return ""
    halves = [
        statistics.fmean((q.ci95[1] - q.ci95[0]) / 2 if q.ci95 else 0.0 for q in side)
        for side in zip(*pairs, strict=True)
    ]
    mean, half = statistics.fmean(gains), math.hypot(student_half_width(gains), *halves)
    if mean <= half:
        return ""
    ends = f"[{100 * (mean - half):.1f}, {100 * (mean + half):.1f}]"
    return f"better than its own random weights by {100 * mean:.1f} percentage points {ends}, paired over {len(gains)} seeds"


def _beats(quantity: Quantity, control: Quantity, metric: str) -> bool:
    """Whether the intervals do not overlap and the first is the better one; a missing value beats nothing."""
    if quantity.value is None or control.value is None:
        return control.value is None
    lower, upper = (quantity, control) if METRICS[metric].better == "low" else (control, quantity)
    high = lower.ci95[1] if lower.ci95 else lower.value
    low = upper.ci95[0] if upper.ci95 else upper.value
    return high is not None and low is not None and high < low


def bill_rows(
    windows: Mapping[str, EnergyReading], flops: Mapping[str, float], held: Conditions, grid: GridIntensity | None
) -> list[Measurement]:
    """Time, energy, carbon and FLOPs of each window `SYSTEM: PHASE` of the meter."""
    rows = []
    for window, reading in windows.items():
        system, _, phase = window.rpartition(": ")
        rows += cost_rows(system, phase, PhaseCost.of(reading), held, grid)
        rows.append(Measurement(system, "flops", _computed(flops.get(window)), phase, None, held))
    return rows


def _computed(flops: float | None) -> Quantity:
    """The FLOPs of a window, given as NaN where part of its work could not be counted."""
    if flops is None:
        return unavailable("FLOP", "nothing was counted")
    if math.isnan(flops):
        return unavailable(
            "FLOP", "part of the work could not be counted; sslbench profile lists the encoder's uncounted operators"
        )
    return Quantity(flops, "FLOP", "analytic", note=COUNTED)


def pretraining_rows(models: Sequence[str]) -> list[Measurement]:
    """Pretraining costs of the models that are runs, over the seeds of each, so that one table has cost and quality."""
    finished: dict[tuple[str, int], Record] = {}
    for model, name in named(models).items():
        if (record := record_of(model)) is not None:
            seed = record.settings.seed
            finished[name, len(finished) if seed is None else seed] = record
    rows = study_rows(tuple(dict.fromkeys(name for name, _ in finished)), finished, {}, "machine")
    return [row for row in rows if row.phase in OF_PRETRAINING]


def documents(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Each finding for the record: seed, rates, what was tried."""
    return [
        {
            "system": finding.system.name,
            "seed": finding.system.seed,
            "task": finding.task,
            "head": finding.head,
            "converged": finding.outcome.converged,
            "rates": {metric: [q.value, list(q.ci95 or ())] for metric, q in finding.outcome.rates.items()},
            **finding.outcome.details,
        }
        for finding in findings
    ]

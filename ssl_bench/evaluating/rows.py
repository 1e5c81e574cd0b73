"""The rows of an evaluation: a rate for each system, task, head and metric over all seeds, and each system's cost."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ssl_bench.evaluating.systems import named, record_of
from ssl_bench.settings.evaluating import OF_TEXT
from ssl_benchmarks.downstream.seeds import over_seeds
from ssl_benchmarks.energy.cost_rows import cost_rows
from ssl_benchmarks.energy.phase_cost import PhaseCost
from ssl_benchmarks.record.learned import FINAL, against_random
from ssl_benchmarks.record.quantity import Quantity, joined, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_benchmarks.record.seed_rows import study_rows

if TYPE_CHECKING:
    from ssl_bench.evaluating.speech import EvaluationSpeech
    from ssl_bench.evaluating.subject import Finding
    from ssl_benchmarks.energy import EnergyReading
    from ssl_benchmarks.energy.carbon import GridIntensity

OF_PRETRAINING = frozenset({"targets", "training"})
COUNTED = "matrix products and convolutions of encoder and heads, 1 MAC = 2 FLOPs, counted on 10 s clips; all seeds, learning rates and controls"


def rate_rows(findings: Sequence[Finding], held: Conditions, speech: EvaluationSpeech) -> list[Measurement]:
    """One row per system, task, head and metric; its note says whether it is shown to beat its own random weights."""
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
    """The rows, each model's with what it shows against its own random weights; see `ssl_benchmarks.record.learned`."""
    found = {_of(row): row.quantity for row in rows}

    def checked(row: Measurement) -> Measurement:
        name, metric, task, head = _of(row)
        twin = (controls[row.model], metric, task, head)
        if twin not in found:
            return row
        own, other = by_seed.get((name, metric, task, head), {}), by_seed.get(twin, {})
        pairs = [(own[seed], other[seed]) for seed in sorted(own.keys() & other.keys())]
        said = against_random(row.quantity, found[twin], metric, pairs)
        return replace(row, quantity=replace(row.quantity, note=joined(said, row.quantity.note)))

    return [checked(row) for row in rows]


def _of(row: Measurement) -> tuple[str, str, str | None, str | None]:
    return row.model, row.metric, row.conditions.task, row.conditions.head


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

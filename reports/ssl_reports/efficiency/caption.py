"""The caption of an efficiency table: what was measured, of how many models, on what."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from ssl_benchmarks.record.record import Measurement
from ssl_reports.efficiency.columns import EfficiencyColumn, Phase
from ssl_reports.paper.prose import enumeration
from ssl_reports.words import capital

Filled = Mapping[str, Mapping[str, Measurement]]
"""By column, the row that fills each model's cell."""


def caption(filled: Filled, columns: Mapping[str, EfficiencyColumn], phase: Phase, models: Collection[str]) -> str:
    """Such as "Cost of a training step, cost of pretraining and error rates of 5 models on NVIDIA H100"."""
    what = enumeration(_shown({columns[key].phase for key in filled}, phase)) or "size"
    rows = [row for key, found in filled.items() if columns[key].phase == "asked" for row in found.values()]
    devices = {row.conditions.device for row in rows if row.quantity.value is not None and not row.quantity.elsewhere}
    device = re.sub(r" x (\d+)$", r" (\1 cores)", next(iter(devices)) or "") if len(devices) == 1 else ""
    of = f"{len(models)} model{'s' if len(models) > 1 else ''}"
    return f"{capital(what)} of {of}" + (f" on {device}" if device else "")


def _shown(phases: Collection[str], phase: Phase) -> Iterator[str]:
    if "asked" in phases:
        yield "cost of a training step" if phase == "training" else "cost of inference"
    if "pretraining" in phases:
        yield "cost of pretraining"
    if "rated" in phases:
        yield "error rates"

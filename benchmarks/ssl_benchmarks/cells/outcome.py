"""Rows of a cell that has no result, or whose batch was reduced."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from ssl_benchmarks.cells.rows import mfu
from ssl_benchmarks.comparing.side_by_side import SPEED
from ssl_benchmarks.record.quantity import Quantity, joined, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, headline_scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssl_benchmarks.cells.cell_plan import CellPlan
    from ssl_benchmarks.cells.request import CellRequest

UNMEASURED = (
    ("audio_seconds_per_second", "s/s", None),
    ("peak_memory", "B", None),
    ("energy_per_audio_hour", "J/h", "*"),
)
"""The metrics listed as missing for a cell without a result; "*" stands for the headline's scope."""


def counted_rows(plan: CellPlan, ceiling: Quantity | None, rows: Sequence[Measurement]) -> list[Measurement]:
    """MACs and FLOPs of a clip, and the share of the device's matrix-product rate that the step reached."""
    speed = next((row for row in rows if row.metric == SPEED), None)
    if speed is None:
        return []
    named = [*plan.counts]
    if ceiling is not None:
        named.append(("mfu", None, mfu(speed.quantity, plan.flops_per_audio_second, ceiling)))
    return [replace(speed, metric=name, scope=scope, quantity=quantity) for name, scope, quantity in named]


def size_row(model: str, plan: CellPlan) -> Measurement:
    """The number of parameters of a cell's model."""
    return Measurement(model, "parameters", plan.parameters, "inference", None, Conditions())


def failed_rows(request: CellRequest, reason: str) -> list[Measurement]:
    """The missing metrics of a cell, each with the reason."""
    setting, scope = request.setting, headline_scope(request.device)
    held = setting.held(torch.device(request.device), None)
    return [
        Measurement(setting.model, metric, unavailable(unit, reason), setting.phase, part and scope, held)
        for metric, unit, part in UNMEASURED
    ]


def with_note(row: Measurement, note: str) -> Measurement:
    """A row with a note on what became of the requested batch."""
    if not note or row.metric not in {metric for metric, _, _ in UNMEASURED}:
        return row
    noted = joined(row.quantity.note, note)
    return replace(row, quantity=replace(row.quantity, note=noted))

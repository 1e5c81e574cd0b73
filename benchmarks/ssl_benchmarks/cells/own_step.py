"""A user's opaque training step in a cell: what one real step shows before it is measured, and the step to measure."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch

from ssl_benchmarks.cells.cell import Step
from ssl_benchmarks.cells.cell_plan import CellPlan
from ssl_benchmarks.cells.rows import COUNT_NOTE, Row
from ssl_benchmarks.counting.counted import UNITS, counted
from ssl_benchmarks.counting.flops import FlopCount, opaque_flops
from ssl_benchmarks.memory.peak import bytes_of, gradient_bytes, optimiser_bytes
from ssl_benchmarks.record.quantity import Quantity, joined, unavailable
from ssl_models.errors import BadInputError
from ssl_models.loading.user_code import contained

if TYPE_CHECKING:
    from ssl_benchmarks.cells.request import CellRequest
    from ssl_models.loading.user_step import OpaqueStep

UNPREDICTED = "a step of your own is opaque: its peak is measured, not predicted"
NOT_FOUND = "nothing of the kind was found in the step's closure, attributes and globals"
UNSEEN = "the counter saw no matrix product; work in other threads and processes, in captured graphs and outside torch is not seen"
MOST_NAMED = 30
"""Operators named in a note."""


def opaque_plan(request: CellRequest, step: OpaqueStep) -> CellPlan:
    """FLOPs of one real step on one clip, and the parameters that are found after it.

    Raises:
        BadInputError: for a step that is to be compiled from outside.
    """
    if request.setting.compile:
        raise BadInputError(f"{request.source}: a step of your own compiles itself: leave out --compile")
    device, seconds = torch.device(request.device), request.setting.clip_seconds
    try:
        with contained(request.source, "counting one step of it"):
            figures = _figures(opaque_flops(step.to(device), seconds, device), seconds)
    except Exception as error:  # noqa: BLE001 - whatever the user's step raises; it is measured nevertheless
        reason = f"counting a step failed: {error}"
        figures = {name: unavailable(unit, reason) for name, unit in UNITS.items()}
    counts: tuple[Row, ...] = tuple((name, None, quantity) for name, quantity in figures.items())
    return CellPlan(unavailable("B", UNPREDICTED), _parameters(step), counts)


def _figures(count: FlopCount, seconds: float) -> dict[str, Quantity]:
    """The count as metrics, with the operators that it leaves out."""
    if not count.flops:
        return {name: unavailable(unit, UNSEEN) for name, unit in UNITS.items()}
    uncounted = {name: calls for name, calls in count.uncounted.items() if not name.startswith("profiler.")}
    names = [f"{name.removeprefix('aten.')} x {calls}" for name, calls in uncounted.items()]
    listed = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if names[MOST_NAMED:] else "")
    note = joined(COUNT_NOTE, "the step's own optimiser included", f"not counted: {listed}" if listed else "")
    return counted(count, seconds, note)


def _parameters(step: OpaqueStep) -> Quantity:
    found = step.held.parameters
    if not found:
        return unavailable("1", f"parameters: {NOT_FOUND}")
    return Quantity(float(sum(p.numel() for p in found)), "1", "analytic", note="all that the step holds")


def opaque_step(step: OpaqueStep, request: CellRequest, waveforms: torch.Tensor) -> Step:
    """The step on the same `(B, T)` batch each time; for bfloat16 under autocast, unless it sets its own."""
    device = waveforms.device
    step.to(device)
    lengths = torch.full((len(waveforms),), waveforms.shape[1], device=device)
    half = request.setting.precision == "bfloat16"

    def run() -> None:
        # No cache: a step changes the weights that it would hold.
        with torch.autocast(device.type, torch.bfloat16, enabled=half, cache_enabled=False):
            step(waveforms, lengths)

    return Step(run=run, one_clip=None, context=nullcontext(), sizes=lambda: _sizes(step), attention=None)


def _sizes(step: OpaqueStep) -> dict[str, Quantity]:
    """Bytes of what was found in the step; unavailable where nothing was."""
    held = step.held
    found = {
        "weights": bytes_of([*held.parameters, *held.buffers]) if held.parameters else None,
        "gradients": gradient_bytes(held.parameters) if held.parameters else None,
        "optimizer": optimiser_bytes(*held.optimisers) if held.optimisers else None,
    }
    return {part: unavailable("B", f"{part}: {NOT_FOUND}") if size is None else size for part, size in found.items()}

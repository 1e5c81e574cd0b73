"""The training curve in `metrics.jsonl`: a line for every few steps."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ssl_benchmarks.record.quantity import Quantity
from ssl_models.documents import parsed, typed


@dataclass(frozen=True)
class CurvePoint:
    """The fields of a line that are read back, not its means over steps; older lines lack some."""

    step: int
    first_step: int = 0
    attempt: int = 1
    seconds: float = 0.0
    attempt_steps: int = 0
    attempt_audio_seconds: float = 0.0
    training_energy: dict[str, Quantity] = field(default_factory=dict)


def curve_lines(text: bytes) -> list[dict[str, Any]]:
    """The lines of a curve; one left half-written by a killed run is skipped."""
    rows = []
    for line in text.splitlines():
        with suppress(ValueError):
            row = parsed(line)
            typed(CurvePoint, row)
            rows.append(row)
    return rows


def standing(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of the steps that led to the model, as an uninterrupted run would have written them.

    An attempt that resumes from a checkpoint rewrites the lines that an earlier one wrote for later steps.
    """
    kept: list[dict[str, Any]] = []
    for line in lines:
        while kept and kept[-1]["step"] >= line.get("first_step", line["step"]):
            kept.pop()
        kept.append(line)
    return kept

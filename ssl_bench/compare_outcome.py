"""What follows from the rows of a comparison, as its record holds it: ratios, projections, ledger, and what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from benchmarks.comparison import Prices, SideBySide, Trained, differing, ledger, projected_rows, projections, ratios
from benchmarks.flops import fake_tensors
from benchmarks.life_cycle import Life
from benchmarks.quantity import Quantity
from benchmarks.record import Conditions, Measurement
from models.catalog import card, is_foreign, load_model
from models.errors import BadInputError


def outcome(
    sides: SideBySide, prices: Prices, life: Life, trained: Mapping[str, Trained] | None = None
) -> tuple[list[Measurement], dict[str, Any]]:
    """The rows of the recipes' projections, and the details; `trained` are models whose pretraining is on record."""
    projected = projections(sides, prices)
    details = {
        "models": list(sides.models),
        "phases": list(sides.phases),
        "baseline": sides.baseline,
        "scope": sides.scope,
        "ratios": [asdict(ratio) for ratio in ratios(sides)],
        "projections": [asdict(projection) for projection in projected],
        "ledger": asdict(ledger(sides, life, trained or {})),
        "differences": [difference.line for difference in differing(sides)],
        "price_per_gpu_hour": prices.per_hour,
    }
    return projected_rows(sides, projected), details


def parameter_row(name: str, model: str) -> list[Measurement]:
    """The size of an encoder in a row of that name, none where it cannot be built."""
    try:
        count = _counted(model) if is_foreign(model) else card(model).parameters
    except (BadInputError, RuntimeError, ImportError):
        return []
    quantity = Quantity(float(count), "1", "analytic", note="encoder")
    return [Measurement(name, "parameters", quantity, "inference", None, Conditions())]


def _counted(model: str) -> int:
    with fake_tensors():
        return sum(weight.numel() for weight in load_model(model, weights=False).parameters())

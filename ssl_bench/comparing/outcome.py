"""What a record derives from the rows of a comparison: ratios, projections, ledger and differing conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ssl_benchmarks.comparing.side_by_side import (
    Prices,
    SideBySide,
    Trained,
    differing,
    ledger,
    projected_rows,
    projections,
    ratios,
)
from ssl_benchmarks.record.details.life import Life
from ssl_benchmarks.record.record import Measurement


def outcome(
    sides: SideBySide, prices: Prices, life: Life, trained: Mapping[str, Trained] | None = None
) -> tuple[list[Measurement], dict[str, Any]]:
    """Rows of the recipes' projected costs, and the details; `trained` are models whose pretraining is on record."""
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
        "recipes": {model: asdict(recipe) for model, recipe in sides.recipes.items()},
    }
    return projected_rows(sides, projected), details

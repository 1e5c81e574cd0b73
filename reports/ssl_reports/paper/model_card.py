"""The energy and carbon of a pretraining as a model card for the Hugging Face Hub."""

from __future__ import annotations

from typing import Any

from huggingface_hub import ModelCardData

from ssl_benchmarks.record.details.common import Details
from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.flaw_marks import noted
from ssl_reports.paper.surroundings import hardware_of
from ssl_reports.paper.tables import whole_run
from ssl_reports.reading.evidence import Evidence, Setting, settings
from ssl_reports.tables.grid import markdown_table
from ssl_reports.tables.markdown import escape_markdown
from ssl_reports.units import worded

MOST = 1000
"""The most cards."""


def model_cards(evidence: Evidence) -> dict[str, str]:
    """Cards by file name: `model_card.md` for the first pretraining, or why there is none; others in `model_cards/`."""
    runs = [
        s
        for s in settings(evidence, "training")
        if (hours := s.find("audio_hours_seen")) and hours.method == "measured"
    ]
    if not runs:
        return {
            "model_card.md": "# Model card\n\nNone of these records is of a pretraining, so there is no energy or "
            "CO2e to report.\n"
        }
    more = f"\nOf {len(runs):,} pretrainings, the first {MOST:,} have a card.\n" if len(runs) > MOST else ""
    cards = {"model_card.md": model_card(runs[0]) + more}
    for number, run in enumerate(runs[1:MOST], start=2):
        cards[f"model_cards/{number:04d}.md"] = model_card(run)
    return cards


def model_card(run: Setting) -> str:
    """YAML metadata, with strings as in JSON, and a table; unavailable CO2e is left out of the metadata."""
    scope = run.scope
    lines = [
        ("device-hours", whole_run(run, "device_hours", None)),
        ("audio hours seen", run.find("audio_hours_seen")),
        *((f"energy, {part}", whole_run(run, "energy", part)) for part in ("machine", "gpu", "cpu", "dram")),
        *((f"CO2e, {part}", whole_run(run, "co2e", part)) for part in ("machine", "gpu")),
        ("peak memory of training", run.find("peak_memory")),
    ]
    table = [(name, worded(q), q.method, escape_markdown(noted(q))) for name, q in lines if q is not None]
    return (
        f"---\n{_metadata(run, whole_run(run, 'co2e', scope)).to_yaml()}\n---\n\n# "
        f"{escape_markdown(run.model)}\n\nPretrained in run {escape_markdown(run.label)}, started "
        f"{run.record.created}, on {escape_markdown(hardware_of(run.record))}. Metered by sslbench, target fitting "
        "included.\n\n" + markdown_table(("what", "value", "method", "note"), table)
    )


def _metadata(run: Setting, carbon: Quantity | None) -> ModelCardData:
    """Tags and `co2_eq_emissions`, in grams."""
    emissions: dict[str, Any] | None = None
    if carbon is not None and carbon.value is not None:
        grid = run.record.told(Details).grid
        emissions = {
            "emissions": carbon.value,
            "source": f"sslbench, energy of the {run.scope}, {carbon.method}",
            "training_type": "pre-training",
            "geographical_location": str((grid.country if grid is not None else None) or "given as a grid intensity"),
            "hardware_used": hardware_of(run.record),
        }
    return ModelCardData(tags=["speech", "self-supervised-learning"], co2_eq_emissions=emissions)

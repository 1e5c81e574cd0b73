"""Model cards as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from models.catalog import ModelCard
from reports.units import with_prefix


def card_table(cards: Sequence[ModelCard]) -> Table:
    """One row a model, or one line a field where there is one model only."""
    if len(cards) == 1:
        table = Table(show_header=False)
        table.add_column("field")
        table.add_column("value")
        for name, value in _fields(cards[0]).items():
            table.add_row(name, escape(value))
        return table
    table = Table()
    listed = ("name", "parameters", "frames a second", "MACs per audio second", "objective")
    for name in listed:
        table.add_column(name)
    for card in cards:
        fields = _fields(card)
        table.add_row(*(escape(fields[name]) for name in listed))
    return table


def _fields(card: ModelCard) -> dict[str, str]:
    return {
        "name": card.name,
        "parameters": with_prefix(card.parameters, ""),
        "frames a second": f"{card.frame_rate:g}",
        "MACs per audio second": with_prefix(card.macs_per_audio_second, "MAC"),
        "objective": card.objective,
        "licence": card.licence,
        "about": card.about,
    }

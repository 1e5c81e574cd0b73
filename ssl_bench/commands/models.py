"""`sslbench models`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ssl_bench.console import Json, print_json, print_summary


def models_command(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A catalogue name or a run folder.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """List the catalogue, or show one model: a catalogue name or a run folder."""
    from ssl_models.catalog import CATALOG, card

    cards = [card(each) for each in ([name] if name else CATALOG)]
    if as_json:
        from ssl_benchmarks.profile.card_rows import card_rows

        rows = [row.row() for each in cards for row in card_rows(each)]
        print_json("models", {"models": [asdict(each) for each in cards], "measurements": rows})
        return
    from ssl_reports.summaries.cards import card_table

    print_summary([card_table(cards)], [f"next: sslbench profile {name or 'hubert-base'}"])

"""What goes to the terminal says what the record says, letter by letter."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console, RenderableType

from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Record
from ssl_models.catalog import ModelCard, card
from ssl_reports.summaries.cards import card_table
from ssl_reports.summaries.terminal import run_tables


def printed(*tables: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=200, color_system=None)
    console.print(*tables, sep="\n")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_names_that_look_like_markup_are_names(record: Record) -> None:
    cost, gives = run_tables(record)
    assert "cost of efficient-[bold]tiny" in printed(cost)
    assert "efficient-[bold]tiny" in printed(gives)
    assert "not available: no [/words]" in printed(gives)


def test_each_line_of_the_summary_is_there_with_its_unit_and_method(record: Record) -> None:
    text = printed(run_tables(record)[0])
    assert all(
        word in text for word in ("energy of training, machine", "2.00", "Wh", "modelled", "not available", "GiB")
    )


def test_marks_are_explained_under_the_table(record: Record) -> None:
    marked = replace(record.measurements[-2], quantity=Quantity(0.5, "1", "measured", note="did not converge; x"))
    text = printed(run_tables(replace(record, measurements=(*record.measurements[:-2], marked)))[1])
    assert "50.0 % +" in text
    assert "+ did not converge" in text


def test_without_an_evaluation_there_is_one_table(record: Record) -> None:
    kept = tuple(m for m in record.measurements if m.phase != "evaluation")
    assert len(run_tables(replace(record, measurements=kept))) == 1


ODD = ModelCard("runs/[red]x", 2_012_345, 25.0, "masked prediction", 4.6e7, "Apache-2.0", "an [i]odd[/i] one")


def test_a_card_shows_every_field() -> None:
    text = printed(card_table([ODD]))
    for word in ("runs/[red]x", "2.01 M", "25", "46.0 MMAC", "masked prediction", "Apache-2.0", "an [i]odd[/i] one"):
        assert word in text


def test_cards_side_by_side_show_what_tells_them_apart() -> None:
    text = printed(card_table([ODD, card("efficient-small")]))
    for word in ("runs/[red]x", "2.01 M", "46.0 MMAC", "efficient-small", "28"):
        assert word in text

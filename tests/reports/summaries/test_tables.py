"""The summary of a run, and the shape of its tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Record, headline_scope
from ssl_reports.summaries.cost import quality, summary
from ssl_reports.tables.grid import markdown_table
from ssl_reports.units import percent


def test_the_summary_by_hand(record: Record) -> None:
    """1.5 GFLOP a second are 5.4 TFLOP an hour; 7200 J are 2 Wh; the encoder has 2 M parameters."""
    lines = [(x.name, x.value, x.unit, x.method) for x in summary(record)]
    assert lines == [
        ("parameters of the encoder", "2.00", "M", "counted"),
        ("inference FLOPs per audio hour", "5.40", "TFLOP", "counted"),
        ("training peak memory", "1.00", "GiB", "measured"),
        ("energy of training, machine", "2.00", "Wh", "modelled"),
        ("energy of training, gpu", "not available", "", ""),
        ("final loss", "2.50", "nat", "measured"),
    ]


def test_the_headline_is_the_gpus_only_where_one_did_the_work(record: Record) -> None:
    assert headline_scope(record.config["device"]) == "machine"
    assert headline_scope("cuda") == "gpu"


def test_error_rates_in_per_cent_with_their_intervals(record: Record) -> None:
    rows, legend = quality(record)
    assert rows == [
        ("efficient-[bold]tiny", "CER", "63.9 % [63.1, 64.6]"),
        ("log-mel", "CER", "75.0 %"),
        ("log-mel", "WER", "not available: no [/words]"),
    ]
    assert legend == []


def test_a_rate_to_be_wary_of_is_marked_and_the_mark_explained(record: Record) -> None:
    note = "not shown to be better than its own random weights; did not converge in any of 2 seeds; a linear head"
    held = replace(record.measurements[-3], quantity=Quantity(0.5, "1", "measured", note=note))
    rows, legend = quality(replace(record, measurements=(held, *record.measurements[-2:])))
    assert [row[2] for row in rows] == ["50.0 % * +", "75.0 %", "not available: no [/words]"]
    assert legend == ["* not shown to be better than its own random weights", "+ did not converge"]


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (Quantity(1.0, "1", "measured", (0.999, 1.0)), "100.0 % [99.9, 100.0]"),
        (Quantity(0.0, "1", "measured"), "0.0 %"),
        (Quantity(1.234, "1", "measured"), "123.4 %"),
        (unavailable("1", "too few speakers"), "not available: too few speakers"),
    ],
)
def test_per_cent_by_hand(quantity: Quantity, text: str) -> None:
    assert percent(quantity) == text


def test_a_markdown_table_by_hand() -> None:
    assert markdown_table(("a", "b"), [("1", "x|y"), ("two\nlines", "")]) == (
        "| a | b |\n|---|---|\n| 1 | x\\|y |\n| two lines |  |\n"
    )

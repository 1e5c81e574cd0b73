"""Tables of a comparison: figures and ratios in words, what is projected, and a record of which nothing is known."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ssl_benchmarks.comparing.side_by_side import COMPARED, Prices, SideBySide, ledger, projections, ratios
from ssl_benchmarks.record.details.life import Life
from ssl_benchmarks.record.flaws import NOT_STEADY
from ssl_benchmarks.record.quantity import Quantity, quantity_of, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_models.recipes import Recipe
from ssl_reports.reading.published import published_rows
from ssl_reports.summaries.comparing import compare_tables, write_compare_report
from ssl_reports.summaries.comparison_tables import (
    break_even_lines,
    figure,
    ledger_grid,
    phase_grid,
    projection_grid,
    times,
    with_interval,
)

MODELS = ("essl", "hubert-base")
PHASES = ("inference", "training")


def compared(values: dict[str, tuple[float, float, float, float]] | None, **details: Any) -> Record:
    """FLOPs, speed, joules and bytes of each model in both phases; None is a record without a single figure."""
    held = Conditions(clip_seconds=15.0)
    units = ("FLOP/s", "s/s", "J/h", "B")
    rows = []
    for model in MODELS:
        for phase in PHASES:
            for metric, unit, place in zip(COMPARED, units, range(4), strict=True):
                q = (
                    unavailable(unit, "killed [bold]")
                    if values is None
                    else Quantity(values[model][place], unit, "measured")
                )
                rows.append(Measurement(model, metric, q, phase, "gpu" if unit == "J/h" else None, held))
    sides = SideBySide(MODELS, PHASES, "essl", "gpu", rows)
    found = {
        "models": MODELS, "phases": PHASES, "baseline": "essl", "scope": "gpu", "differences": [], "grid": None,
        "ratios": [asdict(r) for r in ratios(sides)], "projections": [asdict(p) for p in projections(sides, Prices())],
        "ledger": asdict(ledger(sides, Life(), {})), "price_per_gpu_hour": None, "rounds": [], "sources": [], **details,
    }  # fmt: skip
    return Record(
        "c", "2026-11-20", "finished", "sslbench compare", {"device": "cuda"}, {"gpus": []}, tuple(rows), {}, found,
        kind="comparison",
    )  # fmt: skip


VALUES = {"essl": (2e9, 1000.0, 100.0, 2.0**30), "hubert-base": (16e9, 500.0, 400.0, 2.0**32)}


def test_numbers_in_words() -> None:
    assert figure(Quantity(6316.0, "s/s", "measured", (6290.0, 6342.0))) == "6,316 ± 26"
    assert figure(Quantity(3.6, "s/s", "measured", (1.6, 7.8))) == "3.60 [1.60, 7.80]"
    assert figure(Quantity(2.0**30, "B", "measured")) == "1.00 GiB"
    assert figure(unavailable("B", "x")) == "not available"
    assert times(Quantity(2.0, "1", "measured", (1.9, 2.1))) == "2.00× [1.90, 2.10]"
    assert with_interval(Quantity(7.2e6, "J", "projected", (3.6e6, 1.08e7))) == "2.0 ± 1.0"
    assert quantity_of(asdict(Quantity(2.0, "1", "measured", (1.0, 3.0), 4, "n"))) == Quantity(
        2.0, "1", "measured", (1.0, 3.0), 4, "n"
    )


def test_a_phase_has_figures_and_ratios_to_the_baseline() -> None:
    grid = phase_grid(compared(VALUES), "inference")
    assert grid.header[2:] == ("FLOP per audio s", "× real time", "J per audio hour (gpu, measured)", "peak memory")
    assert grid.rows[0][2:] == ("2.00 GFLOP", "1,000", "100", "1.00 GiB")
    assert grid.rows[1][2:] == ("16.0 GFLOP\n8.00×", "500\n0.500×", "400\n4.00×", "4.00 GiB\n4.00×")


def test_projections_stand_beside_what_is_published_and_are_never_divided_by_it() -> None:
    """18,000 h at 1,000 x are 18 h and 18,000 x 100 J = 0.5 kWh; HuBERT's 1,976 GPU-hours are of other chips."""
    record = compared(VALUES)
    rows = projection_grid(record).rows
    assert rows[0] == ("essl", "18,000 (recipe)", "18.0", "0.500", "not available")
    beside = projection_grid(record.extended(published_rows()))
    assert beside.header[-1] == "published GPU-hours, other chips"
    (hubert,) = [row for row in beside.rows if row[0] == "hubert-base" and "recipe" in row[1]]
    assert hubert[-1] == "1,980"
    assert any(line.startswith("published, hubert-base: ") for line in beside.legend)


def test_stated_hours_are_marked_with_their_source() -> None:
    record = compared(VALUES)
    (work,) = (
        p["work"] for p in record.details["projections"] if (p["model"], p["work"]["name"]) == ("essl", "recipe")
    )
    stated = Recipe(audio_hours=900.0, source="our log", origin="stated")
    work |= {"hours": 900.0, "source": stated.cited}
    grid = projection_grid(replace(record, details={**record.details, "recipes": {"essl": asdict(stated)}}))
    assert grid.rows[0][:2] == ("essl", "900 (stated)")
    assert "essl: its hours are stated by the user: our log" in grid.legend


def test_what_follows_from_a_flawed_step_is_marked_though_the_record_does_not_repeat_the_flaw() -> None:
    """Older records have the flaws of projections and life cycles in the rows of the steps alone."""
    known = compared(VALUES)
    rows = (
        replace(m, quantity=replace(m.quantity, flaw=NOT_STEADY)) if (m.model, m.phase) == ("essl", "training") else m
        for m in known.measurements
    )
    record = replace(known, measurements=tuple(rows))
    assert projection_grid(record).rows[0][2:4] == ("18.0†", "0.500†")
    assert ledger_grid(record, "J").rows[0] == ("essl", "0.500†", "0.0278†", "27.8", "28.3†")
    assert not any("†" in cell for cell in (*projection_grid(record).rows[1], *ledger_grid(record, "J").rows[1]))
    assert projection_grid(record).legend[-1].startswith(f"† {NOT_STEADY}")
    assert "†" not in str(ledger_grid(record, "FLOP").rows)


def test_the_ledger_adds_up_and_says_who_pays_back() -> None:
    """essL: 0.5 kWh + 1,000 h x 100 J + a million hours x 100 J = 28.3 kWh; it is the cheaper one all along."""
    record = compared(VALUES)
    assert ledger_grid(record, "J").rows[0] == ("essl", "0.500", "0.0278", "27.8", "28.3")
    assert break_even_lines(record, "J") == [
        "essl and hubert-base: none: essl costs no more, either to train or to run"
    ]


@pytest.mark.parametrize("values", [None, VALUES])
def test_any_record_makes_tables_and_a_report(tmp_path: Path, values: dict[str, Any] | None) -> None:
    record = compared(values, failed={"essl training": "killed [bold]"} if values is None else {})
    write_compare_report(record, tmp_path)
    console = Console(width=100, record=True, file=(tmp_path / "terminal").open("w"))
    for table in compare_tables(record):
        console.print(table)
    text = console.export_text()
    console.file.close()
    assert "hubert-base" in text
    if values is None:
        assert "not available" in text
        assert "essl training: killed [bold]" in text
        assert "killed [bold]" in (tmp_path / "report.md").read_text()

"""The tables of a profile made by hand: what they say, that they fit, and that names are no markup."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from ssl_benchmarks.counting.flops import FlopCount
from ssl_benchmarks.counting.operators import Work
from ssl_benchmarks.memory.forecast import PeakForecast
from ssl_benchmarks.profile.profile import PhaseCount, Profile, ProfileSetting
from ssl_benchmarks.profile.second_opinion import SecondOpinion
from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.summaries.profile import profile_tables, remarks

MODEL = "file[bold].py:[/red]build"
FORWARD = {Work("front[/x]", "aten.mm", "forward"): 6e9, Work("blocks.0.linear", "aten.bmm", "forward"): 4e9}
"""10 GFLOP = 5 GMAC in two seconds."""

BACKWARD = {Work(w.module, w.operator, "backward"): 2 * flops for w, flops in FORWARD.items()}
AGAIN = {Work("blocks.0.linear", "aten.bmm", "recomputed"): 4e9}


def size(gigabytes: float) -> Quantity:
    return Quantity(gigabytes * 1e9, "B", "analytic", note="by hand")


def made(device: str = "cuda", peak: float = 23.0, opinion: SecondOpinion | str | None = None) -> Profile:
    inference = FlopCount(dict(FORWARD), {"aten.gelu": 7, "aten.exp": 2})
    under = {Work(f"encoder.{w.module}", w.operator, w.phase): n for w, n in {**FORWARD, **BACKWARD, **AGAIN}.items()}
    training = FlopCount(under, {"aten._int_mm": 3, "aten.gelu": 9})
    counts = (PhaseCount("inference", 2.0, inference, 5.001e9), PhaseCount("training", 2.0, training, None))
    memory = {
        "inference": PeakForecast(size(1.5), size(1.0), None, None, size(0.5), size(0.2)),
        "training": PeakForecast(size(peak), size(1.0), size(1.0), size(2.0), size(20.0), size(90.0)),
    }
    sizes = {"encoder": 250_000_000, "trainable": 250_000_000}
    setting = ProfileSetting(seconds=(2.0,), device=device)  # type: ignore[arg-type]
    return Profile(MODEL, setting, None, sizes, counts, memory, None, opinion, 5_000_000_000)


def printed(profile: Profile, width: int = 140) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width)
    for table in profile_tables(profile, depth=4):
        console.print(table)
    return out.getvalue()


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]


def test_the_cost_by_hand() -> None:
    """10 GFLOP in two seconds are 5 a second; a step is three forwards; 5 of 5.001 GMAC are 0.02 % less."""
    rows = cells(printed(made()))
    assert ["2 s", "inference", "5 G", "10 G", "5.000", "1.00", "-0.02 %"] in [
        [*row[:2], *map(tidy, row[2:])] for row in rows
    ]
    assert ["2 s", "training", "≥ 15.00 G", "≥ 30.00 G", "≥ 15.00", "", "none known"] in rows, "a lower bound"


def tidy(cell: str) -> str:
    """5.000 G as 5 G, which is a matter of digits shown."""
    number, _, unit = cell.partition(" ")
    whole = number.rstrip("0").rstrip(".") if "." in number else number
    return f"{whole} {unit}" if unit else number


def test_names_are_no_markup() -> None:
    text = printed(made())
    assert MODEL in text
    assert "encoder.front[/x]" in text


def test_modules_are_seen_from_pretraining() -> None:
    """Both phases share a line, and shares are of the phase."""
    row = next(row for row in cells(printed(made())) if row[0] == "encoder.front[/x]")
    assert row[-2:] == ["60.0", "60.0"]
    assert [tidy(cell) for cell in row[1:3]] == ["3 G", "9 G"]


def test_a_module_that_inference_runs_as_a_whole_has_all_its_work() -> None:
    """As in HuBERT, whose encoder holds one model: all of inference, and not 0 with children of its own."""
    phases = {"inference": "model", "training": "encoder.model"}
    counts = tuple(
        PhaseCount(phase, 2.0, FlopCount({  # type: ignore[arg-type]
            Work(f"{path}.front", "aten.mm", "forward"): 6e9, Work(f"{path}.blocks", "aten.mm", "forward"): 4e9,
            **({Work("head", "aten.mm", "forward"): 2e9} if phase == "training" else {}),
        }, {}), None) for phase, path in phases.items()
    )  # fmt: skip
    text = printed(replace(made(), counts=counts))
    rows = {row[0]: [tidy(cell) for cell in row[1:]] for row in cells(text)}
    assert rows["encoder.model"] == ["5 G", "5 G", "100.0", "83.3"]
    assert rows["encoder.model.front"][0] == "3 G"
    assert rows["head"][0] == "0"
    assert "a module includes those whose names begin with its own" in text


@pytest.mark.parametrize("width", [100, 140])
def test_the_tables_fit_the_terminal(width: int) -> None:
    assert max(map(len, printed(made(), width).splitlines())) <= width


@pytest.mark.parametrize(
    ("peak", "words"), [(22.7, "training fits on a 24 GB card"), (22.9, "training does not fit on a 24 GB card")]
)
def test_a_card_keeps_a_twentieth_free(peak: float, words: str) -> None:
    """95 % of 24 GB are 22.8."""
    said = remarks(made(peak=peak), 24.0)
    assert any(line.startswith(words) for line in said)
    assert any(line.startswith("inference fits on a 24 GB card (1.5 GB") for line in said)


def test_a_cpu_has_no_card() -> None:
    assert not any("card" in line for line in remarks(made(device="cpu"), 24.0))


def test_what_has_to_be_said() -> None:
    said = "\n".join(remarks(made(), 24.0))
    missed = "aten._int_mm x 3 may hide uncounted matrix products"
    assert f"WARNING, training: the count is a lower bound: {missed}" in said
    assert "WARNING, inference" not in said
    assert "2 kinds, 9 calls): gelu × 7, exp × 2" in said
    assert "training: 34" in said.replace("34.0", "34")
    assert "second opinion" not in said


def test_the_second_opinion_with_its_reasons() -> None:
    """5.2 GMAC of which 0.1 for norms are 2 % more than our 5; or why there is none."""
    said = remarks(made(opinion=SecondOpinion(5_200_000_000, 100_000_000, {"lstm": 2}, ())), 24.0)[-1]
    assert "+2.00 % relative to our count, norms aside" in said
    assert "without lstm × 2, which it cannot count" in said
    assert remarks(made(opinion="it [/b] fell over"), 24.0)[-1] == "second opinion: none, it [/b] fell over"

"""A gate fails only where the whole interval of a ratio lies beyond it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ssl_bench.comparing.gate import parse_gate
from ssl_benchmarks.record.details.comparison import Ratio
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_models.errors import BadInputError


def energy(quantity: Quantity) -> Ratio:
    return Ratio("new", "training", "energy_per_audio_hour", "gpu", quantity)


@pytest.mark.parametrize(
    ("quantity", "fails"),
    [
        (Quantity(1.10, "1", "measured", (1.06, 1.14)), True),
        (Quantity(1.10, "1", "measured", (1.04, 1.16)), False),
        (Quantity(1.10, "1", "measured", (1.05, 1.16)), False),
        (Quantity(1.10, "1", "measured"), False),
        (Quantity(1.10, "1", "measured", (1.06, 1.14), flaw="disturbed"), False),
        (Quantity(1.10, "1", "analytic"), True),
        (Quantity(0.90, "1", "measured", (0.88, 0.92)), False),
        (unavailable("1", "no counter"), False),
    ],
    ids=["beyond", "reaches", "touches", "no interval", "disturbed", "counted", "cheaper", "unavailable"],
)
def test_a_rise_fails_by_its_whole_interval(quantity: Quantity, fails: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert parse_gate("energy>+5%").beyond(energy(quantity)) is fails


def test_a_fall_fails_below_its_limit() -> None:
    gate = parse_gate(" speed < -10 % ")
    assert (gate.metric, gate.above, gate.limit) == ("audio_seconds_per_second", False, pytest.approx(0.9))
    slow = Ratio("new", "training", gate.metric, None, Quantity(0.8, "1", "measured", (0.75, 0.85)))
    assert gate.beyond(slow)


@pytest.mark.parametrize("text", ["energy", "energy>5", "energy=5%", "engery>5%", ">5%", ""], ids=repr)
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="--fail-if"):
        parse_gate(text)


RECORD = Path(__file__).parents[3] / "docs" / "results" / "compare-cpu" / "run.json"


@pytest.mark.parametrize(
    ("condition", "code"),
    [("flops>+5%", 1), ("flops>+50%", 0), ("flops<-5%", 0)],
    ids=["beyond", "within", "other side"],
)
def test_the_command_ends_with_1_beyond_a_gate(
    sslbench: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, condition: str, code: int
) -> None:
    document = json.loads(RECORD.read_text())
    for name, factor in (("main", 1.0), ("branch", 1.2)):
        rows = [dict(row) for row in document["measurements"] if row["model"] == "essl"]
        for row in rows:
            row["value"] = factor * row["value"] if row["metric"].startswith("flops") else row["value"]
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(json.dumps({**document, "id": name, "measurements": rows}))
    done = sslbench("compare", "main", "branch", "--fail-if", condition, "--out", "gate", cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert ("essl (branch), training: 1.2 times the baseline" in done.stderr) == bool(code)
    assert (tmp_path / "gate" / "run.json").is_file()

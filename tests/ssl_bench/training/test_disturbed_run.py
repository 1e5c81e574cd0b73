"""A disturbed measurement is named in the record; with `--strict` it is an error, and the record is there all the same."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ssl_bench.closing import disturbances
from ssl_bench.commands.train_and_measure import train_and_measure_command
from ssl_bench.settings.training import TrainAndMeasureConfig
from ssl_bench.training import train_and_measure as job
from ssl_benchmarks.record.record import Record

Run = Callable[..., subprocess.CompletedProcess[str]]
SEEN = {"training, attempt 1": ["cpu: other processes took 1.00 of 2 cores (50 % of the machine)"]}


def record(*, strict: bool, seen: dict[str, list[str]]) -> Record:
    return Record(
        "x",
        "t",
        "finished",
        "c",
        {"strict": strict},
        {},
        (),
        {},
        {"disturbances": seen} if seen else {},
        kind="training",
    )


@pytest.mark.parametrize(
    ("strict", "seen", "code"), [(True, SEEN, 1), (False, SEEN, None), (True, {}, None), (False, {}, None)]
)
def test_strict_makes_a_disturbance_an_error_after_the_record(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    seen: dict[str, list[str]],
    code: int | None,
    *,
    strict: bool,
) -> None:
    """The document is printed first, then one line, then exit code 1."""
    asked: dict[str, Any] = {}

    def done(settings: TrainAndMeasureConfig, **_: object) -> tuple[Any, Record]:
        asked.update(settings.changed)
        return SimpleNamespace(path=Path("runs/x")), record(strict=strict, seen=seen)

    monkeypatch.setattr(job, "train_and_measure", done)
    try:
        train_and_measure_command(TrainAndMeasureConfig(strict=strict, idle=False), given={}, as_json=True)
        ended = None
    except SystemExit as end:
        ended = end.code
    assert ended == code
    assert asked == {"idle": False} | ({"strict": True} if strict else {})
    out, err = capsys.readouterr()
    assert json.loads(out)["details"] == ({"disturbances": seen} if seen else {})
    assert len(err.splitlines()) == (code or 0)
    assert ("runs/x: --strict: " in err and SEEN["training, attempt 1"][0] in err) == bool(code)


def test_each_disturbance_is_told_with_its_part() -> None:
    assert disturbances(record(strict=False, seen=SEEN)) == [f"training, attempt 1: {SEEN['training, attempt 1'][0]}"]
    assert disturbances(record(strict=False, seen={})) == []


@pytest.mark.cc
@pytest.mark.slow
def test_a_hot_gpu_beside_a_run_is_in_its_record_and_its_report(
    sslbench: Run, tmp_path: Path, speech: Path, small_toml: Path, scripted_driver: Path
) -> None:
    """A scripted GPU that throttles: measured, named, and with --strict the end of the command, though not of the run."""
    script = {"LD_LIBRARY_PATH": str(scripted_driver), "SCRIPT_REASONS": "68", "SCRIPT_TICK": "0.02"}
    done = sslbench(
        "train-and-measure", "--config", small_toml, "--data", speech, "--steps", 3, "--out", tmp_path / "run", "--no-idle",
        "--strict", "--no-evaluate", cwd=tmp_path, env=script,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("sslbench: ")
    assert "gpu0: thermal slowdown by the hardware" in line
    document = json.loads((tmp_path / "run" / "run.json").read_text())
    assert document["status"] == "finished"
    assert (document["config"]["idle"], document["config"]["strict"]) == (False, True)
    assert any("thermal slowdown" in line for line in document["details"]["disturbances"]["training, attempt 1"])
    assert any("at its power limit" in line for line in document["details"]["meter_remarks"]["training, attempt 1"])
    rows = [row for row in document["measurements"] if (row["metric"], row["phase"]) == ("energy_net", "training")]
    assert sorted(row["scope"] for row in rows) == ["cpu", "dram", "gpu", "machine"]
    assert all(row["value"] is None for row in rows)
    assert "--no-idle skips it" in next(row["note"] for row in rows if row["scope"] == "machine")
    (gpu,) = (
        r for r in document["measurements"] if (r["metric"], r["phase"], r["scope"]) == ("energy", "training", "gpu")
    )
    assert gpu["method"] == "measured"
    assert document["environment"]["capabilities"]["gpus"][0]["throttles"] == ["thermal slowdown by the hardware"]
    assert "thermal slowdown" in (tmp_path / "run" / "report.md").read_text()

"""What all tools recorded stands in one table, each figure with its method and its tool, beside a run of ours."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from torch.utils.tensorboard import SummaryWriter

from ssl_bench.importing.run import READERS, import_runs
from ssl_bench.settings.importing import ImportConfig, Tool
from ssl_benchmarks.record.flaws import WHOLE_NODES
from ssl_models.errors import BadInputError

pytestmark = pytest.mark.filterwarnings("ignore")  # those of MLflow's dependencies about each other
FILES = Path(__file__).with_name("files")
OURS = Path(__file__).parents[3] / "docs" / "results" / "three-seeds" / "efficient-tiny-seed0"
METHODS = {
    "codecarbon": "modelled", "carbontracker": "sampled", "zeus": "measured", "mlflow": "sampled", "tensorboard": "sampled",
    "wandb": "measured", "sacct": "sampled", "csv": "stated",
}  # fmt: skip
"""Of the headline's energy in the sources below."""


def sources(tmp_path: Path) -> dict[Tool, ImportConfig]:
    """A source of each tool, with a name of its own."""
    from mlflow import MlflowClient

    with SummaryWriter(str(tmp_path / "events")) as writer:
        for step in range(11):
            writer.add_scalar("watts", 200.0, step, 1.7e9 + step)
    client = MlflowClient((tmp_path / "mlruns").as_uri())
    run = client.create_run("0", start_time=1_700_000_000_000).info.run_id
    for step in range(1, 11):
        client.log_metric(run, "system/gpu_0_power_usage_watts", 100.0, 1_700_000_000_000 + 10_000 * step, step)
    client.set_terminated(run, end_time=1_700_000_100_000)
    (tmp_path / "costs.csv").write_text("seconds,kwh,n,wer\n3600,1.5,4,5.1\n")
    given: dict[Tool, dict[str, object]] = {
        "codecarbon": {"source": FILES / "codecarbon-3.3.2.csv"},
        "carbontracker": {"source": FILES / "gpu-2.4.7_carbontracker.log"},
        "zeus": {"source": FILES / "zeus-0.16.0.csv", "run": "training"},
        "mlflow": {"source": tmp_path / "mlruns", "run": run},
        "tensorboard": {"source": tmp_path / "events", "mapping": ("power.gpu=watts",)},
        "wandb": {"source": FILES / "wandb-0.31.0", "mapping": ("wer=eval/wer:%",)},
        "sacct": {"source": "4", "saved": str(FILES / "sacct-batch.txt")},
        "csv": {"source": tmp_path / "costs.csv", "mapping": ("duration=seconds", "energy.gpu=kwh:kWh", "gpus=n", "wer=wer:%")},
    }  # fmt: skip
    return {
        tool: ImportConfig(
            tool=tool, name=f"by {tool}", audio_hours=2.0, out=str(tmp_path / "runs" / tool),
            **{**options, "source": str(options["source"])},  # type: ignore[arg-type] # options of many types
        )
        for tool, options in given.items()
    }  # fmt: skip


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run of each tool, and one of ours."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    for config in sources(tmp_path).values():
        config.check()
        import_runs(config, "sslbench import")
    shutil.copytree(OURS, tmp_path / "runs" / "ours")
    return tmp_path / "runs"


Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_one_table_holds_what_every_tool_recorded(runs: Path, sslbench: Run) -> None:
    refused = sslbench("table", "runs", cwd=runs.parent)
    assert (refused.returncode, "not comparable, column" in refused.stderr) == (2, True)
    look = ("--mark-differences", "--baseline", "efficient-tiny", "--country", "FRA")
    done = sslbench("table", "runs", *look, "--json", cwd=runs.parent)
    assert done.returncode == 0, done.stderr
    rows = {row["Model"]: row for row in json.loads(done.stdout)["rows"]}
    assert set(rows) == {*(f"by {tool}" for tool in get_args(Tool)), "efficient-tiny"}
    for tool, method in METHODS.items():
        energy = rows[f"by {tool}"]["Energy"]
        assert (energy["value"] > 0, energy["method"], "ratio" in energy) == (True, method, False)
        assert f"imported from {'a csv table' if tool == 'csv' else tool}" in energy["note"].lower()
        assert rows[f"by {tool}"]["CO2e"]["value"] > 0
    assert rows["by csv"]["Energy"]["value"] == pytest.approx(1500.0)
    assert rows["by wandb"]["WER"]["value"] == pytest.approx(39.0)
    shown = sslbench("table", "runs", *look, cwd=runs.parent).stdout
    assert shown.count("imported from") >= len(METHODS)
    assert WHOLE_NODES in rows["by sacct"]["Energy"]["flaw"]


@pytest.mark.slow
def test_report_and_compare_take_them(runs: Path, sslbench: Run) -> None:
    done = sslbench("report", "runs", "--mark-differences", "--out", "paper", cwd=runs.parent)
    assert done.returncode == 0, done.stderr
    methods = (runs.parent / "paper" / "methods.tex").read_text()
    assert "recorded by a CSV table" in methods
    assert "recorded by zeus" in methods
    compared = sslbench(
        "compare", "runs/zeus", "runs/wandb", "--mark-differences", "--phases", "training", cwd=runs.parent
    )
    assert compared.returncode == 0, compared.stderr
    assert "device: GPU not recorded (zeus-0.16.0.csv) (by zeus); Scripted GPU (by wandb)" in compared.stdout


@pytest.mark.parametrize("tool", get_args(Tool))
def test_a_source_that_is_not_there_is_one_line(tool: Tool, tmp_path: Path) -> None:
    config = ImportConfig(
        tool=tool, source="4" if tool == "sacct" else str(tmp_path / "gone"), saved=str(tmp_path / "gone") if tool == "sacct" else None,
        run="x" if tool == "mlflow" else None, mapping=("wer=x",) if tool == "csv" else (), out=str(tmp_path / "run"),
    )  # fmt: skip
    with pytest.raises(BadInputError, match="gone") as refused:
        import_runs(config, "")
    assert len(str(refused.value).splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_every_tool_has_a_reader() -> None:
    assert set(READERS) == set(get_args(Tool)) == set(METHODS)

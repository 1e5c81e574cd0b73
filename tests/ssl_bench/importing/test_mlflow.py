"""Runs of a real MLflow, in a folder, in a database and on a server, by its own client; the power is hand-worked."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ssl_bench.importing.mlflow import read_mlflow
from ssl_bench.importing.recorded import Recorded
from ssl_bench.settings.importing import Naming, mapped
from ssl_benchmarks.record.flaws import PARTLY_SAMPLED, STOPPED
from ssl_models.errors import BadInputError

pytestmark = pytest.mark.filterwarnings("ignore")  # those of MLflow's dependencies about each other
BEGAN = 1_700_000_000_000
GPU = "system/gpu_{}_power_usage_watts"
NO_NAMES = Naming((), "stated")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty store in a folder, as MLflow's earlier versions keep them."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    return (tmp_path / "mlruns").as_uri()


def logged(
    store: str, *, seconds: int = 100, ended: str | None = "FINISHED", powers: dict[str, Any] | None = None
) -> str:
    """A run of 100 s with 200 W on one GPU and 100 W on another, sampled every 10 s; its ID."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    client = MlflowClient(store)
    run = client.create_run(client.create_experiment(f"speech {ended} {seconds}"), start_time=BEGAN, run_name="tiny")
    powers = {GPU.format(0): 200.0, GPU.format(1): 100.0} if powers is None else powers
    samples = [
        Metric(name, watts, BEGAN + 10_000 * k, k)
        for name, watts in powers.items()
        for k in range(1, seconds // 10 + 1)
    ]
    own = [Metric("eval/wer", 50.0 - k, BEGAN + 20_000 * k, k) for k in range(4)]
    client.log_batch(run.info.run_id, metrics=[*samples, *own])
    if ended is not None:
        client.set_terminated(run.info.run_id, ended, BEGAN + 100_000)
    return str(run.info.run_id)


def read(store: str, run: str | None, *texts: str) -> Recorded:
    (found,) = read_mlflow(store, run, Naming(mapped(texts, ("power",)), "stated"))
    return found


def test_system_metrics_are_integrated_over_their_times(store: str) -> None:
    """300 W over 90 s between the samples, and over the 10 s before the first."""
    found = read(store, logged(store))
    assert (found.name, found.created) == ("tiny", "2023-11-14T22:13:20+00:00")
    assert (found.seconds.value, found.seconds.method) == (100.0, "measured")
    gpu = found.energy["gpu"]
    assert (gpu.value, gpu.method, gpu.flaw) == (pytest.approx(30_000.0), "sampled", "")
    assert "10 samples of each of 2 devices, 10 s apart, over 100 % of the time; all GPUs of the machine" in gpu.note
    assert found.gpus == ("GPU not recorded",) * 2
    assert found.figures["device_hours", None].value == pytest.approx(200 / 3600)
    assert found.remarks == ("not imported without --map: eval/wer",)
    assert found.others == {}


def test_power_of_a_part_of_the_time_is_marked(store: str) -> None:
    found = read(store, logged(store, seconds=60))
    assert found.energy["gpu"].value == pytest.approx(300.0 * 70)
    assert found.energy["gpu"].flaw == PARTLY_SAMPLED


def test_nodes_have_gpus_of_their_own_and_none_is_no_zero(store: str) -> None:
    nodes = {f"system/{node}/gpu_0_power_usage_watts": 100.0 for node in ("node-0", "node-1")}
    found = read(store, logged(store, powers=nodes))
    assert found.energy["gpu"].value == pytest.approx(20_000.0)
    blind = read(store, logged(store, ended="KILLED", powers={"system/cpu_utilization_percentage": 3.0}))
    assert blind.energy["gpu"].note == "imported from MLflow: it sampled no power of a GPU"
    assert blind.figures["device_hours", None].value is None
    assert blind.flaw == STOPPED


def test_a_run_without_an_end_lasted_until_its_last_figure(store: str) -> None:
    found = read(store, logged(store, seconds=80, ended=None))
    assert (found.seconds.value, found.flaw) == (80.0, STOPPED)
    assert found.seconds.note.endswith("from the run's start to its last figure")


def test_figures_of_the_user_s_are_those_that_are_named(store: str) -> None:
    found = read(store, logged(store), "wer=eval/wer:%", "power.cpu=eval/wer")
    wer = found.others["wer", None]
    assert (wer.value, wer.method, wer.note) == (
        pytest.approx(0.47),
        "stated",
        "imported from MLflow: the last value logged as eval/wer",
    )
    assert found.energy["cpu"].method == "sampled"
    with pytest.raises(BadInputError, match="unknown logged figure 'wer'"):
        read(store, logged(store, ended="FAILED"), "wer=wer")


def test_unknown_runs_and_other_places_are_refused(store: str, tmp_path: Path) -> None:
    run = logged(store)
    with pytest.raises(BadInputError, match=f"name a run by its ID after {store}: the latest are {run} .tiny."):
        read_mlflow(store, None, NO_NAMES)
    for wrong in ("0" * 32, "../../x", ""):
        with pytest.raises(BadInputError, match=r"mlruns: .*(not found|[Ii]nvalid)"):
            read_mlflow(store, wrong, NO_NAMES)
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "gone", tmp_path / "empty", "postgresql://host/db"):
        with pytest.raises(BadInputError, match="no store of MLflow; give a folder such as mlruns, a SQLite file"):
            read_mlflow(str(place), run, NO_NAMES)
    assert list((tmp_path / "empty").iterdir()) == []
    with pytest.raises(BadInputError, match="give a password in MLFLOW_TRACKING_PASSWORD"):
        read_mlflow("https://me:secret@host", run, NO_NAMES)
    with pytest.raises(BadInputError, match="not an address"):
        read_mlflow("file://[", run, NO_NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlflow.db", "my runs.db", "a#b?c%20.db"])
def test_a_database_of_any_name_is_read_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    run = logged(f"sqlite:///{tmp_path}/made.db")
    path = (tmp_path / "made.db").rename(tmp_path / name)
    before = path.read_bytes()
    assert read(name, run).energy["gpu"].value == pytest.approx(30_000.0)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 5000, b"SQLite format 3\0" + b"\1" * 5000], ids=["empty", "zeros", "head"]
)
def test_other_files_are_refused_and_left_as_they_are(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mlflow.db"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"mlflow.db: no readable database of MLflow"):
        read_mlflow(str(path), "x", NO_NAMES)
    assert path.read_bytes() == content


def test_a_server_that_is_not_there_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(BadInputError, match=f"{uri}: API request .* failed"):
        read_mlflow(uri, "x", NO_NAMES)


@pytest.fixture
def server(tmp_path: Path, wait_for: Callable[..., None]) -> Iterator[str]:
    """The address of a real server on this machine, over a database."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db"], stdout=log, stderr=log, cwd=tmp_path,
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        )  # fmt: skip

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=1) as reply:  # noqa: S310 - our own server
                return bool(reply.status == 200)
        except OSError:
            return False

    wait_for(answers, process)
    yield uri
    for child in psutil.Process(process.pid).children(recursive=True):
        child.kill()
    process.kill()
    process.wait()


@pytest.mark.slow
@pytest.mark.ci
def test_a_run_comes_from_a_server_and_from_its_database(
    server: str, sslbench: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    run = logged(server)
    done = sslbench("import", "mlflow", server, run, "--map", "wer=eval/wer:%", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = {(row["metric"], row["scope"]): row["value"] for row in json.loads(done.stdout)["measurements"]}
    assert rows["energy", "gpu"] == pytest.approx(30_000.0)
    assert rows["wer", None] == pytest.approx(0.47)
    for source in (f"{tmp_path}/mlflow.db", f"sqlite:///{tmp_path}/mlflow.db"):
        assert read(source, run).energy["gpu"].value == rows["energy", "gpu"]
    for source in (server, f"{tmp_path}/mlflow.db"):
        with pytest.raises(BadInputError, match="not found"):
            read(source, "0" * 32)


@pytest.mark.slow
@pytest.mark.cc
def test_what_mlflow_itself_samples_is_found(wider_driver: Path, tmp_path: Path) -> None:
    """Its own monitor on scripted GPUs of 100 W and 200 W."""
    code = (
        "import mlflow, time\n"
        "mlflow.set_tracking_uri('sqlite:///mlflow.db')\n"
        "with mlflow.start_run(log_system_metrics=True) as run:\n"
        "    time.sleep(6)\n"
        "print(run.info.run_id)"
    )
    environment = {
        **os.environ, "LD_LIBRARY_PATH": str(wider_driver), "SCRIPT_GPUS": "2", "SCRIPT_LIMIT": "300",
        "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL": "1", "MLFLOW_DISABLE_TELEMETRY": "true",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = read(str(tmp_path / "mlflow.db"), done.stdout.split()[-1])
    seconds, joules = found.seconds.value or 0.0, found.energy["gpu"].value or 0.0
    assert joules / seconds == pytest.approx(300.0, rel=0.25)
    assert len(found.gpus) == 2

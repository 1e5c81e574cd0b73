"""A real MLflow server on this machine: a run exported to it, and a training that goes on when the server is gone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ssl_bench.sessions.run_folder import RunFolder

pytestmark = [pytest.mark.slow, pytest.mark.ci, pytest.mark.filterwarnings("ignore")]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def stop(process: subprocess.Popen[bytes]) -> None:
    for child in psutil.Process(process.pid).children(recursive=True):
        child.kill()
    process.kill()
    process.wait()


@pytest.fixture
def server(tmp_path: Path, wait_for: Callable[..., None]) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Its address, once it answers, and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    uri = f"http://127.0.0.1:{port}"
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--backend-store-uri",
        f"sqlite:///{tmp_path}/m.db",
        "--workers",
        "1",
    ]
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)], stdout=log, stderr=log, cwd=tmp_path,
            env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        )  # fmt: skip

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{uri}/health", timeout=1) as reply:  # noqa: S310 - our own server
                return bool(reply.status == 200)
        except OSError:
            return False

    wait_for(answers, process)
    yield uri, process
    if process.poll() is None:
        stop(process)


def test_a_run_arrives_whole(server: tuple[str, object], run: Path, sslbench: Run, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    uri = server[0]
    done = sslbench("export", run, "--to", "mlflow", "--json", cwd=tmp_path, env={"MLFLOW_TRACKING_URI": uri})
    assert done.returncode == 0, done.stderr
    client = MlflowClient(uri)
    number = json.loads(done.stdout)["place"].rpartition("/")[2]
    found = client.get_run(number)
    record = RunFolder(run).read()
    assert (found.info.run_name, found.info.status) == (record.id, "FINISHED")
    energy = record.find("energy", "training", "machine")
    assert energy is not None
    assert found.data.metrics["efficient-tiny/training/energy/machine"] == energy.value
    assert json.loads(found.data.tags["efficient-tiny/training/energy/machine"])["method"] == "modelled"
    assert [each.step for each in client.get_metric_history(number, "training/loss")] == [5, 10, 15, 20]


def test_a_training_is_shown_live_and_outlasts_its_server(
    server: tuple[str, subprocess.Popen[bytes]], start_sslbench: Callable[..., subprocess.Popen[str]],
    wait_for: Callable[..., None], speech: Path, small_toml: Path, tmp_path: Path,
) -> None:  # fmt: skip
    """The steps go on after the server was killed, and the command ends with a whole record."""
    from mlflow import MlflowClient

    uri, process = server
    client = MlflowClient(uri)
    training = start_sslbench(
        "train-and-measure", "--config", small_toml, "--data", speech, "--no-evaluate", "--out", "run",
        "--track", f"mlflow:{uri}", cwd=tmp_path,
    )  # fmt: skip
    folder = RunFolder(tmp_path / "run")

    def arrived() -> bool:
        experiment = client.get_experiment_by_name("sslbench")
        runs = client.search_runs([experiment.experiment_id]) if experiment else []
        return bool(runs) and {"training/loss", "training/energy/machine"} <= set(runs[0].data.metrics)

    wait_for(arrived, training)
    stop(process)
    before = len(folder.metrics())
    wait_for(lambda: len(folder.metrics()) > before + 3, training)
    training.terminate()  # an orderly end, with a checkpoint and a record
    _, said = training.communicate(timeout=90)
    assert training.returncode == 1
    assert folder.read().status == "unfinished"
    assert said.count("sslbench: tracked: ") == 1
    assert f"to send what is missing: sslbench export run --to mlflow --uri {uri}" in said

"""What a tracker got is read back by its own library (wandb's file by its own messages)."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ssl_bench.exporting.export import export
from ssl_bench.exporting.figures import figures_of
from ssl_bench.exporting.follower import TrackerError
from ssl_bench.settings.exporting import ExportConfig
from ssl_benchmarks.record.record import Record
from ssl_models.errors import BadInputError

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the trackers' own dependencies
ENERGY = "efficient-tiny/training/energy/machine"
NO_GPU = "efficient-tiny/training/energy/gpu"


def exported(run: Path, to: str, **options: Any) -> tuple[Record, str]:
    return export(ExportConfig(run=str(run), to=to, **options))  # type: ignore[arg-type] # one of the trackers


def words(record: Record, name: str) -> dict[str, Any]:
    """What has to be known of a row besides its number."""
    return next(figure.words for figure in figures_of(record.measurements) if figure.name == name)


def test_tensorboard_reads_scalars_their_descriptions_and_the_long_table(run: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    record, place = exported(run, "tensorboard", out=str(tmp_path / "logs"))
    assert Path(place) == tmp_path / "logs" / run.name
    found = EventAccumulator(place, size_guidance={"tensors": 0}).Reload()
    numbers = {name for figure in figures_of(record.measurements) for name in figure.numbers}
    assert numbers <= set(found.Tags()["tensors"])
    (energy,) = found.Tensors(ENERGY)
    assert energy.tensor_proto.float_val[0] == pytest.approx(16638.574625)
    assert json.loads(found.SummaryMetadata(ENERGY).summary_description) == words(record, ENERGY)
    assert NO_GPU not in found.Tags()["tensors"]
    losses = found.Tensors("training/loss")
    assert [(each.step, each.tensor_proto.float_val[0]) for each in losses] == [
        (5, 2.5),
        (10, 2.0),
        (15, 1.5),
        (20, 1.0),
    ]
    assert losses[1].wall_time - losses[0].wall_time == pytest.approx(1.0)
    (table,) = found.Tensors("measurements")
    text = table.tensor_proto.string_val[0].decode()
    assert text.count("\n") == len(record.measurements) + 2
    assert r"no NVIDIA driver library (libnvidia-ml.so.1) on this machine" in text
    assert b"| country | FRA |" in found.Tensors("settings")[0].tensor_proto.string_val[0]


def test_an_mlflow_store_has_params_series_metrics_and_how_each_was_obtained(run: Path, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/m.db"
    record, place = exported(run, "mlflow", uri=uri, project="mine")
    assert place.startswith(f"{uri}, run ")
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("mine")
    assert experiment is not None
    (found,) = client.search_runs([experiment.experiment_id])
    assert (found.info.run_name, found.info.status) == (record.id, "FINISHED")
    assert (found.data.params["country"], found.data.params["minutes"]) == ("FRA", "10.0")
    assert found.data.tags["sslbench.command"] == record.command
    for figure in figures_of(record.measurements):
        assert json.loads(found.data.tags[figure.name]) == figure.words
        assert {name: found.data.metrics.get(name) for name in figure.numbers} == figure.numbers
    assert NO_GPU not in found.data.metrics
    assert json.loads(found.data.tags[NO_GPU])["method"] == "unavailable"
    losses = client.get_metric_history(found.info.run_id, "training/loss")
    assert [(each.step, each.value) for each in losses] == [(5, 2.5), (10, 2.0), (15, 1.5), (20, 1.0)]


def messages(path: Path) -> Iterator[Any]:
    """The messages in a file of wandb: pieces in blocks of 32 KiB, each with a checksum, a length and a kind."""
    from wandb.proto.wandb_internal_pb2 import Record as Message

    data, at, held = path.read_bytes(), 7, b""
    assert data[:4] == b":W&B"
    while at + 7 <= len(data):
        if (left := 32768 - at % 32768) < 7:
            at += left
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        held += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in {1, 4}:  # a whole one, or the last piece
            yield Message.FromString(held)
            held = b""


def test_wandb_s_offline_file_has_settings_series_and_how_each_was_obtained(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import wandb

    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
    record, place = exported(run, "wandb", project="mine")
    wandb.teardown()  # its own process has written everything
    assert Path(place).parent.parent == run
    (file,) = Path(place).glob("*.wandb")
    found = list(messages(file))
    (begun,) = (each.run for each in found if each.HasField("run"))
    config = {item.key: json.loads(item.value_json) for item in begun.config.update}
    assert (begun.project, begun.display_name, config["country"]) == ("mine", record.id, "FRA")
    series, summary = [], {}
    for each in found:
        items = {"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in each.history.item}
        series += [(items["step"], items["training/loss"])] if "training/loss" in items else []
        summary |= {"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in each.summary.update}
    assert series == [(5, 2.5), (10, 2.0), (15, 1.5), (20, 1.0)]
    for figure in figures_of(record.measurements):
        assert {name: summary.get(name) for name in figure.numbers} == figure.numbers
        assert summary[f"about/{figure.name}"] == figure.words
    assert NO_GPU not in summary
    (table,) = Path(place).rglob("*.table.json")
    assert len(json.loads(table.read_text())["data"]) == len(record.measurements)


def test_wandb_sends_for_nobody_who_is_not_logged_in(
    run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with pytest.raises(BadInputError, match="wandb login"):
        exported(run, "wandb", online=True)
    assert not (run / "wandb").exists()


def test_a_server_that_is_not_there_is_one_line(run: Path) -> None:
    with pytest.raises(TrackerError) as caught:
        exported(run, "mlflow", uri="http://localhost:1")
    assert str(caught.value) == "mlflow at http://localhost:1: Connection refused"

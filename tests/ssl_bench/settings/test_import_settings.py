"""What `--map` says: a metric, a scope, a name and a unit, each checked before any file is read."""

from __future__ import annotations

import pytest

from ssl_bench.settings.importing import ImportConfig, Mapped, mapped
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.units import UNITS
from ssl_models.errors import BadInputError


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("duration=secs", Mapped("duration", None, "secs", "s", 1.0)),
        ("duration=minutes:min", Mapped("duration", None, "minutes", "s", 60.0)),
        ("energy=kwh:kWh", Mapped("energy", "machine", "kwh", "J", 3.6e6)),
        ("energy.gpu=the GPU's energy:Wh", Mapped("energy", "gpu", "the GPU's energy", "J", 3600.0)),
        ("wer=eval/wer:%", Mapped("wer", None, "eval/wer", "1", 0.01)),
        ("wer=eval:wer:1", Mapped("wer", None, "eval:wer", "1", 1.0)),
        ("flops=f:PFLOP", Mapped("flops", None, "f", "FLOP", 1e15)),
        ("peak_memory=m:GiB", Mapped("peak_memory", None, "m", "B", 2.0**30)),
        ("device_hours=t:d", Mapped("device_hours", None, "t", "h", 24.0)),
        ("power.gpu=p:kW", Mapped("power", "gpu", "p", "W", 1e3)),
        ("energy_per_audio_hour=e:kWh/h", Mapped("energy_per_audio_hour", "machine", "e", "J/h", 3.6e6)),
        ("name=a:b", Mapped("name", None, "a:b", "", 1.0)),
        ("co2e=c:t", Mapped("co2e", "machine", "c", "g", 1e6)),
        ("loss=l", Mapped("loss", None, "l", "nat", 1.0)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_figure_has_a_metric_a_scope_a_name_and_a_unit(text: str, meaning: Mapped) -> None:
    assert mapped([text], ("power", "name", "device", "gpus")) == (meaning,)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["wer"], "write METRIC=NAME:UNIT"),
        (["=x"], "write METRIC=NAME:UNIT"),
        (["wer="], "write METRIC=NAME:UNIT"),
        (["wer=:%"], "write METRIC=NAME:UNIT"),
        (["wr=x"], "did you mean wer"),
        (["wer=x:kWh"], "'kWh' is no unit of wer; give one of 1, %"),
        (["energy=x:kwh"], "'kwh' is no unit of energy"),
        (["energy.tpu=x"], "unknown scope of --map energy 'tpu'"),
        (["wer.gpu=x"], "wer has no scope"),
        (["wer=x", "wer=y"], "wer is given twice"),
        (["stated_cost=x"], "unknown --map 'stated_cost'"),
        (["name=x"], "unknown --map 'name'"),
        (["loss=x:bit"], "'bit' is no unit of loss; give one of nat"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, list) else "",
)
def test_what_says_nothing_is_refused(texts: list[str], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        mapped(texts)


def test_energies_of_two_scopes_and_powers_of_two_devices_are_no_repetition() -> None:
    assert len(mapped(["energy=a", "energy.gpu=b", "power.gpu=c", "power.gpu=d"], ("power",))) == 4


def test_every_metric_has_its_own_unit_among_those_that_may_be_given() -> None:
    for metric in METRICS.values():
        assert UNITS.get(metric.unit, {metric.unit: 1.0})[metric.unit] == 1.0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tool": "codecarbon", "mapping": ("wer=x",)}, "--map and --method are for mlflow, tensorboard, wandb, csv"),
        ({"tool": "sacct", "method": "measured"}, "--map and --method are for"),
        ({"tool": "zeus", "saved": "x.txt"}, "--file is for sacct"),
        ({"tool": "csv"}, "csv: say what its columns are"),
        ({"tool": "csv", "mapping": ("power=x",)}, "unknown --map 'power'"),
        ({"tool": "tensorboard", "mapping": ("gpus=x",)}, "unknown --map 'gpus'"),
        ({"tool": "excel"}, "excel"),
        ({"tool": "csv", "mapping": ("wer=x",), "method": "guessed"}, "guessed"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_options_belong_to_their_tools(options: dict[str, object], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        ImportConfig(source="x", **options).check()  # type: ignore[arg-type] # wrong on purpose


def test_a_missing_library_is_named_before_any_work(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr("ssl_bench.settings.exporting.find_spec", lambda name: None)
    for tool in ("mlflow", "tensorboard", "wandb"):
        with pytest.raises(BadInputError, match=rf'import {tool} needs {tool}, .*: pip install "sslbench\[{tool}\]"'):
            ImportConfig(tool=tool, source="gone").check()  # type: ignore[arg-type] # one of the tools
    ImportConfig(tool="zeus", source="gone").check()

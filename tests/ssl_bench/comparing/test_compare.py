"""`sslbench compare` with made-up cells: order, end of the rounds, failures, a stop; and once with real ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import save_file

from ssl_bench.comparing.compare import compare
from ssl_bench.sessions.run_folder import RunFolder, resumable
from ssl_bench.settings.comparing import CompareConfig
from ssl_benchmarks.cells.cell import MeasuredCell
from ssl_benchmarks.cells.cell_plan import CellPlan
from ssl_benchmarks.cells.request import CellError, CellMemoryError, CellRequest
from ssl_benchmarks.comparing.rounds import order_of
from ssl_benchmarks.record.quantity import Method, Quantity
from ssl_benchmarks.record.record import Measurement, Record
from ssl_models.catalog import load_model
from ssl_models.efficient.config import EFFICIENT
from ssl_models.families import family_of
from ssl_models.loading.checkpoints import save_pretraining

MODELS = ("efficient-tiny", "efficient-small")
SPEEDS = {"efficient-tiny": 200.0, "efficient-small": 100.0}
Cell = tuple[str, str]


class Clock:
    """Time that passes only where a cell is measured."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Cells:
    """A bench that measures nothing: `seconds` per window, speeds that scatter by `scatter` around `SPEEDS`, 10 W.

    Attributes:
        begun: each window in the order begun, with its clips.
        built: each cell that was built.
        heard: the arrays of speech that clips were to be cut from.
        refuse: called with a request before it is measured.
        flops: of an audio second, which forecasts are made of.
        build_seconds: to build a cell.
        apart: standard deviation of the logs of a cell's processes.
    """

    def __init__(self, clock: Clock, scatter: float, method: Method = "measured", seconds: float = 10.0) -> None:
        self.clock, self.scatter, self.method, self.seconds = clock, scatter, method, seconds
        self.begun: list[tuple[str, str, int]] = []
        self.built: list[tuple[str, str]] = []
        self.heard: set[int] = set()
        self.refuse: Callable[[CellRequest], None] = lambda _: None
        self.flops = 1e11
        self.build_seconds = self.apart = 0.0
        self.draw = np.random.default_rng(0)

    def plans(self, requests: Iterable[CellRequest]) -> list[CellPlan | CellError]:
        """A peak memory of 1 B."""
        return [self._plan(request) for request in requests]

    def _plan(self, request: CellRequest) -> CellPlan:
        count = Quantity(self.flops / SPEEDS[request.setting.model], "FLOP/s", "analytic")
        one = Quantity(1.0, "B", "analytic")
        return CellPlan(one, replace(one, unit="1"), (("flops_per_audio_second", None, count),))

    def ceiling(self, device: str, precision: str) -> Quantity:
        """A TFLOP/s."""
        del device, precision
        return Quantity(1e12, "FLOP/s", "measured")

    def build(self, request: CellRequest, speech: Any, report: Any) -> CellMade:
        """Takes `build_seconds`."""
        del report
        self.clock.now += self.build_seconds
        self.heard.add(id(speech))
        self.built.append((request.setting.model, request.setting.phase))
        return CellMade(self, request, float(np.exp(self.apart * self.draw.standard_normal())))

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class CellMade:
    """A cell of `Cells`."""

    bench: Cells
    request: CellRequest
    own: float
    windows: int = 0

    def window(self, seconds: float, report: Any) -> MeasuredCell:
        """Rows as of a real one; memory in the first."""
        import pandas as pd

        del seconds, report
        bench, setting = self.bench, self.request.setting
        bench.begun.append((setting.model, setting.phase, setting.clips))
        bench.clock.now += bench.seconds
        bench.refuse(self.request)
        noise = float(np.exp(bench.scatter * bench.draw.standard_normal()))
        speed = SPEEDS[setting.model] * self.own * noise / (3 if setting.phase == "training" else 1)
        own = None if bench.method == "modelled" else (0.999, 1.001)
        joules = 3600 / speed * 10
        found: list[tuple[str, str | None, Quantity]] = [
            ("audio_seconds_per_second", None, Quantity(speed, "s/s", "measured", (0.999 * speed, 1.001 * speed), 9)),
            ("energy_per_audio_hour", "machine",
             Quantity(joules, "J/h", bench.method, own and (own[0] * joules, own[1] * joules))),
            ("energy", "machine", Quantity(7.0, "J", bench.method)),
        ]  # fmt: skip
        if not self.windows:
            found.append(("peak_memory", None, Quantity(1e9 + len(bench.begun), "B", "measured")))
        self.windows += 1
        held = setting.held(torch.device("cpu"), None)
        rows = [Measurement(setting.model, name, q, setting.phase, scope, held) for name, scope, q in found]
        repeats = [{"calls": 1, "seconds": bench.seconds}]
        details = {"disturbances": [], "warm_up": "steady", "repeats": repeats}
        return MeasuredCell(rows, pd.DataFrame({"power": [10.0]}), details)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(autouse=True)
def _no_speech_no_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ssl_bench.comparing.compare.speech_to_measure", lambda *_: (np.zeros(10, dtype=np.int16), "none")
    )
    monkeypatch.setattr("ssl_benchmarks.machine.environment.environment", lambda: {"cpu": "a processor", "gpus": []})


@pytest.fixture
def clock() -> Iterator[Clock]:
    return Clock()  # type: ignore[return-value]


def compared(tmp_path: Path, cells: Cells, **options: Any) -> Record:
    config = CompareConfig(
        **{"models": MODELS, "device": "cpu", "idle": False, "out": str(tmp_path / "run"), **options}
    )
    run, record = compare(
        config, command="sslbench compare", console=Console(quiet=True), bench=cells, clock=cells.clock
    )
    assert run.read().document() == json.loads(json.dumps(record.document())), "what is returned is what is written"
    return record


def test_rounds_go_on_until_all_is_known_well_enough(tmp_path: Path, clock: Clock) -> None:
    """At a scatter of 0.1 % the interval of two rounds is 13 times half their difference: the third or fourth suffices."""
    cells = Cells(clock, 0.001)
    record = compared(tmp_path, cells, minutes=600.0)
    target, rounds = record.details["target"], record.details["rounds"]
    assert target["met"]
    assert target["ended"] == "the target was reached"
    assert 2 <= len(rounds) <= 5
    assert all(each["time"] <= 0.02 and each["energy"] <= 0.02 for each in record.details["reached"])
    for number, entry in enumerate(rounds, start=1):
        expected = order_of([(m, p) for p in ("inference", "training") for m in MODELS], 0, number)
        assert [tuple(cell) for cell in entry["order"]] == expected
        assert [(cell["model"], cell["phase"]) for cell in entry["cells"]] == expected
    assert [cell[:2] for cell in cells.begun[:4]] == order_of(
        [(m, p) for p in ("inference", "training") for m in MODELS], 0, 1
    )
    raw = [Measurement.from_row(row) for cell in rounds[1]["cells"] for row in cell["rows"]]
    assert len(cells.heard) == 1, "all models hear the same"
    assert len({(m.conditions.dtype, m.conditions.clip_seconds, m.conditions.batch_seconds) for m in record.measurements if m.metric == "peak_memory"}) == 1  # fmt: skip
    assert {row.metric for row in raw} >= {"energy", "energy_per_audio_hour"}, "raw rows of every round are kept"
    assert len(cells.built) == len(set(cells.built)) == 4, "each cell stays between rounds"


def test_fresh_processes_measure_after_some_rounds_and_are_what_an_interval_counts(
    tmp_path: Path, clock: Clock
) -> None:
    """Building takes three rounds here, so each set of processes measures three; four sets are four observations."""
    cells = Cells(clock, 0.001, seconds=1.0)
    cells.build_seconds, cells.apart = 3.0, 0.05
    record = compared(tmp_path, cells, minutes=2.0, precision_target=1e-6)
    sets = [entry["processes"] for entry in record.details["rounds"]]
    assert sets == sorted(sets)
    assert {number: sets.count(number) for number in sets[:-3]} == dict.fromkeys(range(1, max(sets)), 3)
    assert len(cells.built) == 4 * max(sets)
    (speed,) = (
        r["ratio"]
        for r in record.details["ratios"]
        if (r["phase"], r["metric"]) == ("inference", "audio_seconds_per_second")
    )
    assert (speed["n"], speed["note"]) == (max(sets), f"paired in {max(sets)} processes")
    assert speed["ci95"][0] < 0.5 < speed["ci95"][1]
    assert (speed["ci95"][1] - speed["ci95"][0]) / 2 > 0.01  # the rounds alone would say 0.001


def test_one_set_of_processes_measures_where_three_do_not_fit(tmp_path: Path, clock: Clock) -> None:
    cells = Cells(clock, 0.001, seconds=1.0)
    cells.build_seconds = 8.0
    record = compared(tmp_path, cells, minutes=1.0, precision_target=1e-6)
    assert {entry["processes"] for entry in record.details["rounds"]} == {1}
    assert len(cells.built) == 4


@pytest.mark.parametrize(("minutes", "rounds"), [(1.3, 1), (1.4, 2), (2.1, 3)])
def test_a_round_that_cannot_end_in_time_is_not_begun(
    tmp_path: Path, clock: Clock, minutes: float, rounds: int
) -> None:
    """Four cells of 10 s: rounds end at 40, 80, 120 s, and some seconds are for the report."""
    record = compared(tmp_path, Cells(clock, 0.3), minutes=minutes)
    assert len(record.details["rounds"]) == rounds
    assert not record.details["target"]["met"]
    assert record.details["target"]["ended"] == "the time budget left no room for another round"
    assert record.status == "finished"
    report = (tmp_path / "run" / "report.md").read_text()
    assert f"not reached in {rounds} round" in report


def test_a_model_without_which_a_round_fits_is_left_out_by_name_before_anything_starts(
    tmp_path: Path, clock: Clock
) -> None:
    """A call of 5 s of audio at 0.3 of 1 TFLOP/s: 4 s of the first model, 8 s of the second; 36 s hold only one of them."""
    cells = Cells(clock, 0.3)
    cells.flops = 0.3e12 / 5 * 4 * SPEEDS["efficient-tiny"]
    record = compared(tmp_path, cells, minutes=0.1, clip_seconds=5.0)
    assert {model for model, *_ in cells.begun} == {"efficient-tiny"}, "the baseline stays"
    assert set(record.details["failed"]) == {"efficient-small inference", "efficient-small training"}
    missing = record.find("audio_seconds_per_second", "training", None, "efficient-small")
    assert missing is not None
    assert missing.value is None
    assert missing.note.startswith("left out: no round that includes it fits into --minutes")
    assert "left out" in (tmp_path / "run" / "report.md").read_text()


def test_clips_are_shorter_where_a_round_of_the_default_does_not_fit(tmp_path: Path, clock: Clock) -> None:
    """The same models with no length asked for: at 2 s nobody is left out."""
    cells = Cells(clock, 0.3, seconds=2.0)
    cells.flops = 0.3e12 / 5 * 1.6 * SPEEDS["efficient-tiny"]
    record = compared(tmp_path, cells, minutes=0.1)
    assert record.details["failed"] == {}
    assert record.config["clip_seconds"] in {2.0, 3.0}
    rows = [m for m in record.measurements if m.metric == "audio_seconds_per_second"]
    assert {m.conditions.clip_seconds for m in rows} == {record.config["clip_seconds"]}


def test_what_the_first_round_has_no_time_for_is_left_out_by_name(tmp_path: Path, clock: Clock) -> None:
    """That a window takes 20 s is unknown beforehand: the limit of 36 s leaves room for one of four, and three have a reason."""
    cells = Cells(clock, 0.3, seconds=20.0)
    record = compared(tmp_path, cells, minutes=0.1)
    assert len(cells.begun) == 1
    assert len(record.details["failed"]) == 3
    assert all("first round took longer" in reason for reason in record.details["failed"].values())
    assert clock.now <= 36


def test_a_modelled_energy_is_not_waited_for(tmp_path: Path, clock: Clock) -> None:
    record = compared(tmp_path, Cells(clock, 0.001, "modelled"), minutes=600.0)
    assert record.details["target"]["met"]
    assert {each["energy"] for each in record.details["reached"]} == {None}
    joules = record.find("energy_per_audio_hour", "inference", "machine", "efficient-small")
    assert joules is not None
    assert (joules.method, joules.ci95) == ("modelled", None)


def test_figures_ratios_projections_and_ledger_are_in_the_record(tmp_path: Path, clock: Clock) -> None:
    """Twice as slow, twice the joules and FLOPs; 18,000 h at 100/3 × real time are 540 h on the device."""
    record = compared(tmp_path, Cells(clock, 0.001), minutes=600.0, baseline="efficient-tiny", price_per_gpu_hour=2.0)
    ratios = {(r["phase"], r["metric"]): r["ratio"] for r in record.details["ratios"]}
    assert ratios["inference", "audio_seconds_per_second"]["value"] == pytest.approx(0.5, rel=0.01)
    assert ratios["training", "energy_per_audio_hour"]["value"] == pytest.approx(2.0, rel=0.01)
    assert ratios["training", "flops_per_audio_second"]["value"] == 2.0
    low, high = ratios["inference", "audio_seconds_per_second"]["ci95"]
    assert low < 0.5 < high or low == pytest.approx(0.5, rel=0.02)
    assert ratios["inference", "peak_memory"]["value"] == pytest.approx(1.0)
    found = {p["model"]: p for p in record.details["projections"] if p["work"]["name"] == "recipe"}
    assert found["efficient-small"]["device_hours"]["value"] == pytest.approx(540, rel=0.01)
    assert found["efficient-small"]["price"]["value"] == pytest.approx(1080, rel=0.01)
    hours = record.find("device_hours", "training", None, "efficient-small")
    assert hours is not None
    assert hours.method == "projected"
    (even,) = [e for e in record.details["ledger"]["break_evens"] if e["unit"] == "J"]
    assert (even["dearer"], even["hours"]["value"]) == (None, None)
    assert "efficient-tiny costs no more" in even["hours"]["note"]


def test_a_model_that_fails_is_a_row_and_not_tried_again(tmp_path: Path, clock: Clock) -> None:
    """One cell has no result from the start, one dies in the third round: the first is a row with its reason, the other keeps two rounds."""
    cells = Cells(clock, 0.3)

    def refuse(request: CellRequest) -> None:
        cell = (request.setting.model, request.setting.phase)
        if cell == ("efficient-small", "training"):
            raise CellError("no objective here")
        if cell == ("efficient-tiny", "inference") and len(cells.begun) > 7:
            raise CellMemoryError("killed")

    cells.refuse = refuse
    record = compared(tmp_path, cells, minutes=2.2)
    begun = [(model, phase) for model, phase, _ in cells.begun]
    assert begun.count(("efficient-small", "training")) == 1
    assert record.status == "finished"
    assert record.details["failed"]["efficient-small training"] == "no objective here"
    assert record.details["failed"]["efficient-tiny inference"] == "in round 3: killed"
    missing = record.find("audio_seconds_per_second", "training", None, "efficient-small")
    assert missing is not None
    assert (missing.value, missing.note) == (None, "no objective here")
    kept = record.find("audio_seconds_per_second", "inference", None, "efficient-tiny")
    assert kept is not None
    assert kept.n == 2
    projected = {p["model"]: p["energy"] for p in record.details["projections"]}
    assert projected["efficient-small"]["note"] == "no objective here"
    assert "efficient-small training: no objective here" in (tmp_path / "run" / "report.md").read_text()


def test_one_clip_that_does_not_fit_is_a_row_with_its_reason(tmp_path: Path, clock: Clock) -> None:
    """Halved down to a clip, and then given up; the other model goes on."""
    cells = Cells(clock, 0.3)

    def refuse(request: CellRequest) -> None:
        if request.setting.model == "efficient-small":
            raise CellMemoryError("CUDA out of memory")

    cells.refuse = refuse
    record = compared(tmp_path, cells, phases=("training",), clip_seconds=5.0, batch_seconds=20.0, minutes=2.0)
    reason = "out of memory with a single clip of 5 s: CUDA out of memory"
    assert record.details["failed"] == {"efficient-small training": reason}
    assert [clips for model, _, clips in cells.begun if model == "efficient-small"] == [4, 2, 1]
    for metric, scope in (
        ("audio_seconds_per_second", None),
        ("peak_memory", None),
        ("energy_per_audio_hour", "machine"),
    ):
        missing = record.find(metric, "training", scope, "efficient-small")
        assert missing is not None
        assert (missing.value, missing.note) == (None, reason)
    kept = record.find("audio_seconds_per_second", "training", None, "efficient-tiny")
    assert kept is not None
    assert kept.n == len(record.details["rounds"]) > 1


def test_nothing_that_can_be_measured_is_the_end_of_the_rounds(tmp_path: Path, clock: Clock) -> None:
    cells = Cells(clock, 0.3)

    def refuse(_: CellRequest) -> None:
        raise CellError("broken")

    cells.refuse = refuse
    record = compared(tmp_path, cells, phases=("inference",))
    assert len(cells.begun) == 2
    assert record.details["target"]["ended"] == "no model is left that can be measured"


def test_a_halved_batch_stays_halved_and_its_cells_are_marked(tmp_path: Path, clock: Clock) -> None:
    cells = Cells(clock, 0.3)

    def refuse(request: CellRequest) -> None:
        if request.setting.model == "efficient-small" and request.setting.clips > 2:
            raise CellMemoryError("too large")

    cells.refuse = refuse
    record = compared(tmp_path, cells, phases=("inference",), clip_seconds=5.0, batch_seconds=40.0, minutes=2.0)
    clips = [clips for model, _, clips in cells.begun if model == "efficient-small"]
    assert clips == [8, 4, *[2] * (len(record.details["rounds"]))]
    assert record.details["differences"] == ["batch seconds: 40 (efficient-tiny); 10 (efficient-small)"]
    assert "halved to 10 s" in record.details["halved"]["efficient-small inference"][1]
    report = (tmp_path / "run" / "report.md").read_text()
    assert "- a: batch seconds 10, not 40" in report
    assert "(a)" in report


def test_a_stop_leaves_a_record_of_what_is_done(tmp_path: Path, clock: Clock) -> None:
    """The fourth cell of the second round is interrupted."""
    cells = Cells(clock, 0.3)

    def refuse(_: CellRequest) -> None:
        if len(cells.begun) == 8:
            raise KeyboardInterrupt

    cells.refuse = refuse
    record = compared(tmp_path, cells, minutes=60.0)
    assert (record.status, record.details["stopped"]) == ("unfinished", "by the user")
    assert [len(entry["cells"]) for entry in record.details["rounds"]] == [4, 3]
    assert sorted(each["rounds"] for each in record.details["reached"]) == [1, 2, 2, 2]
    assert record.find("audio_seconds_per_second", "training", None, "efficient-tiny") is not None
    assert (tmp_path / "run" / "report.md").is_file()
    assert not resumable(record)
    assert RunFolder(tmp_path / "run").read().artifacts.keys() == {"power.csv.gz", "report.md"}


def test_what_others_publish_stands_beside_it_marked(tmp_path: Path, clock: Clock) -> None:
    record = compared(tmp_path, Cells(clock, 0.001), minutes=1.0, published=True)
    told = [row for row in record.measurements if row.quantity.method == "published"]
    assert told
    assert all(row.quantity.note for row in told)


def test_weights_and_the_compiler_reach_every_cell(tmp_path: Path, clock: Clock) -> None:
    """In each round; the rows say that they are of compiled steps, and whose weights were random."""
    cells = Cells(clock, 0.3)
    told: list[CellRequest] = []
    cells.refuse = told.append
    record = compared(tmp_path, cells, minutes=1.4, compile=True, pretrained="efficient-small=/weights")
    assert len(told) == 8
    assert {request.source: request.pretrained for request in told} == {"efficient-tiny": None, "efficient-small": "/weights"}  # fmt: skip
    assert all(request.setting.compile for request in told)
    speed = next(row for row in record.measurements if row.metric == "audio_seconds_per_second")
    assert speed.conditions.compile
    (about,) = record.details["about_weights"]
    assert about.startswith("weights of efficient-tiny are random")


def test_a_run_is_called_by_its_model_and_folder_and_keeps_the_recipe(tmp_path: Path, clock: Clock) -> None:
    """Two of one name are named by how their folders differ; the worker gets the path."""
    runs = []
    for part in ("one", "two"):
        folder = tmp_path / part / "run" / "checkpoints" / "step-000000001"
        folder.mkdir(parents=True)
        config = EFFICIENT["efficient-tiny"]
        save_pretraining(family_of(config).pretraining(config), "efficient-tiny", config, folder)
        runs.append(str(tmp_path / part / "run"))
    SPEEDS.update({"efficient-tiny (one/run)": 200.0, "efficient-tiny (two/run)": 210.0})
    cells = Cells(clock, 0.001)
    told: list[CellRequest] = []
    cells.refuse = told.append
    record = compared(tmp_path, cells, models=tuple(runs), baseline=runs[1], minutes=1.0)
    assert record.details["models"] == ["efficient-tiny (one/run)", "efficient-tiny (two/run)"]
    assert record.details["baseline"] == "efficient-tiny (two/run)"
    assert {request.source for request in told} == set(runs)
    assert record.details["about_weights"] == []
    assert {p["work"]["hours"] for p in record.details["projections"]} == {18_000.0}
    assert record.find("parameters", "inference", None, "efficient-tiny (one/run)") is not None
    assert str(tmp_path) not in json.dumps([row.row() for row in record.measurements])


@pytest.mark.slow
def test_weights_that_do_not_fit_are_a_row_and_the_compiled_step_is_measured(
    sslbench: Callable[..., Any], tmp_path: Path
) -> None:
    """Weights of one model of transformers, asked of two: the other is a row with the reason, as is one without its file."""
    torch.manual_seed(0)
    save_file(dict(load_model("hubert-tiny").model.state_dict()), tmp_path / "hubert.safetensors")
    quick = (
        "--clip-seconds",
        1,
        "--minutes",
        4,
        "--precision-target",
        "90%",
        "--device",
        "cpu",
        "--no-idle",
        "--phases",
        "inference",
    )
    done = sslbench(
        "compare", "--models", "hubert-tiny,efficient-tiny", "--pretrained", "hubert.safetensors", "--compile", *quick,
        "--out", "run", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert set(document["details"]["failed"]) == {"efficient-tiny inference"}
    rows = {(row["model"], row["metric"]): row for row in document["measurements"]}
    assert "only models from transformers" in rows["efficient-tiny", "audio_seconds_per_second"]["note"]
    assert rows["hubert-tiny", "audio_seconds_per_second"]["value"] > 1
    assert rows["hubert-tiny", "audio_seconds_per_second"]["compile"] is True
    assert "torch.compile" in rows["hubert-tiny", "peak_memory"]["note"]
    missing = sslbench(
        "compare",
        "--models",
        "hubert-tiny,essl-tiny",
        "--pretrained",
        "hubert-tiny=gone.safetensors",
        *quick,
        cwd=tmp_path,
    )
    assert missing.returncode == 0, missing.stderr
    assert "hubert-tiny inference: --pretrained gone.safetensors" in missing.stdout
    assert "weights of essl-tiny are random" in missing.stdout


@pytest.mark.slow
def test_two_models_on_this_machine(sslbench: Callable[..., Any], tmp_path: Path) -> None:
    """A model of the user's has no objective, so its training is a row with the reason; the tiny one is measured in both phases."""
    import pandas as pd

    (tmp_path / "mine.py").write_text(
        "from torch import nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.conv = nn.Conv1d(1, 8, 400, 320)\n\n    def forward(self, waveforms, lengths=None):\n"
        "        return self.conv(waveforms[:, None]).mT\n\ndef build():\n    return Net()\n"
    )
    done = sslbench(
        "compare", "--models", "efficient-tiny,mine.py:build", "--clip-seconds", 1, "--minutes", 4, "--precision-target", "90%",
        "--device", "cpu", "--no-idle", "--grid-intensity", 56, "--out", "run", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for words in (
        "efficient-tiny",
        "× real time",
        "projected full pretraining",
        "no objective here",
        "inference (baseline efficient-tiny)",
        "pretraining step (baseline efficient-tiny)",
        "precision:  target of 90 % was ",  # not reached beside other work, which makes rounds be measured again
        "widest intervals: time ±",
        "sslbench report run --out paper/",
    ):
        assert words in done.stdout, words
    document = json.loads((tmp_path / "run" / "run.json").read_text())
    assert set(document["details"]["failed"]) == {"mine.py:build training"}
    frame = pd.DataFrame(document["measurements"]).set_index(["model", "phase", "metric"])
    speed = frame.loc[("efficient-tiny", "inference", "audio_seconds_per_second")]
    assert speed["value"].item() > 1
    assert frame.loc[("mine.py:build", "inference", "flops_per_audio_second")]["value"].item() > 0
    assert frame.loc[("mine.py:build", "inference", "parameters")]["value"].item() == 8 * 401
    again = sslbench("compare", "run", "--json", "--out", "second", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    second = {
        (m["model"], m["phase"], m["metric"], m["scope"]): m["value"] for m in json.loads(again.stdout)["measurements"]
    }
    first = {(m["model"], m["phase"], m["metric"], m["scope"]): m["value"] for m in document["measurements"]}
    assert second == first

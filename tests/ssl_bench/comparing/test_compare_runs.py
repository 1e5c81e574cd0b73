"""Finished runs side by side: names, what a trained model's pretraining cost, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ssl_bench.closing import disturbances
from ssl_bench.comparing.runs import compare_runs
from ssl_bench.settings.comparing import CompareConfig
from ssl_benchmarks.record.details.comparison import ComparisonDetails
from ssl_benchmarks.record.details.life import Life
from ssl_benchmarks.record.flaws import DISTURBED, STOPPED, flawed
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import Method, Quantity
from ssl_benchmarks.record.record import Conditions, Measurement, Record, read_record, write_record
from ssl_models.errors import BadInputError
from ssl_reports.flaw_marks import SIGN
from ssl_reports.reading.published import reference_of
from ssl_reports.reading.references import REFERENCES

HELD = Conditions(
    device="a processor x 2", dtype="float32", clip_seconds=5.0, batch_seconds=5.0, threads=2, torch="2.13", pue=1.0
)
PAIR = ("one", "two")


def made(
    tmp_path: Path, run: str, model: str, speed: float, held: Conditions = HELD, method: Method = "measured"
) -> Path:
    """A run of `measure` in both phases, at 10 W."""
    rows = []
    for phase, rate in (("inference", speed), ("training", speed / 3)):
        joules = 36_000 / rate
        found: tuple[tuple[str, str | None, Quantity], ...] = (
            ("audio_seconds_per_second", None, Quantity(rate, "s/s", "measured", (rate / 1.03, rate * 1.03))),
            ("energy_per_audio_hour", "machine", Quantity(joules, "J/h", method)),
            ("energy", "machine", Quantity(50.0, "J", method)),
            ("peak_memory", None, Quantity(1e9, "B", "measured")),
            ("flops_per_audio_second", None, Quantity(1e12 / speed, "FLOP/s", "analytic")),
        )
        rows += [Measurement(model, name, q, phase, scope, held) for name, scope, q in found]
    return written(tmp_path, run, rows)


def written(tmp_path: Path, run: str, rows: list[Measurement], **details: Any) -> Path:
    folder = tmp_path / run
    folder.mkdir(parents=True)
    config = {"device": "cpu", "pue": 1.0}
    machine = {"cpu": "a processor", "gpus": []}
    details = {"grid": None, **details}
    record = Record(
        folder.name, "2026-11-20T08:00:00+00:00", "finished", f"made {run}", config, machine, tuple(rows), {}, details,
        kind="measurement",
    )  # fmt: skip
    write_record(record, folder / "run.json")
    return folder


def compared(tmp_path: Path, *folders: Path, mark_differences: bool = False, **options: Any) -> Record:
    config = CompareConfig(out=str(tmp_path / "out"), **options)
    run, record = compare_runs(
        [str(f) for f in folders], config, mark_differences=mark_differences, command="sslbench compare"
    )
    assert run.read().document() == json.loads(json.dumps(record.document()))
    return record


def test_ratios_of_runs_are_not_paired(tmp_path: Path) -> None:
    """3 % of each make 4.2 % of the ratio, in logs."""
    record = compared(tmp_path, made(tmp_path, "one", "efficient-tiny", 200.0), made(tmp_path, "two", "essl", 100.0))
    found = next(
        r["ratio"]
        for r in record.details["ratios"]
        if (r["phase"], r["metric"]) == ("inference", "audio_seconds_per_second")
    )
    assert found["value"] == pytest.approx(0.5)
    assert found["ci95"] == pytest.approx([0.5 * 1.03 ** -(2**0.5), 0.5 * 1.03 ** (2**0.5)])
    assert "independent" in found["note"]
    assert record.find("energy", "inference", "machine") is None, "joules of a window are no model's"
    text = (tmp_path / "out" / "report.md").read_text()
    assert "`made one`" in text
    assert "not paired" in text


def test_two_runs_of_a_model_keep_their_names_and_their_recipe(tmp_path: Path) -> None:
    record = compared(tmp_path, *(made(tmp_path, run, "essl", 100.0) for run in PAIR))
    assert record.details["models"] == ["essl (one)", "essl (two)"]
    assert record.details["baseline"] == "essl (one)"
    recipes = [p["work"]["hours"] for p in record.details["projections"] if p["work"]["name"] == "recipe"]
    assert recipes == [18_000, 18_000]


STATED = '[recipe."mine.py:step"]\naudio_hours = 900\nsource = "our log"\n'


def test_a_recipe_stated_for_finished_runs_projects_them_and_fills_the_ledger(tmp_path: Path) -> None:
    """900 h at 100/3 × real time are 27 h on the device; without it there is no projection."""
    (tmp_path / "recipes.toml").write_text(STATED)
    runs = [made(tmp_path, "one", "mine.py:step", 100.0), made(tmp_path, "two", "essl", 100.0)]

    def own(record: Record) -> dict[str, Any]:
        (found,) = (
            p for p in record.details["projections"] if (p["model"], p["work"]["name"]) == ("mine.py:step", "recipe")
        )
        return found

    plain = own(compared(tmp_path, *runs))
    assert (plain["work"]["hours"], plain["device_hours"]["value"]) == (None, None)
    assert "--recipe" in plain["work"]["source"]
    record = compared(tmp_path / "again", *runs, recipe=str(tmp_path / "recipes.toml"))
    assert own(record)["device_hours"]["value"] == pytest.approx(27.0)
    assert own(record)["work"]["source"] == "stated by the user: our log"
    costs = {c["model"]: c["pretraining"] for c in record.details["ledger"]["costs"] if c["pretraining"]["unit"] == "J"}
    assert costs["mine.py:step"]["value"] > 0
    assert "stated by the user: our log" in costs["mine.py:step"]["note"]
    assert record.told(ComparisonDetails).recipes["mine.py:step"].audio_hours == 900.0
    again = compared(tmp_path / "third", tmp_path / "again" / "out", runs[1], mark_differences=True)
    assert "mine.py:step" in again.details["recipes"], "a record hands its recipes on"


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    """As in the tables and the list of sources; the baseline is given by that name."""
    folders = [made(tmp_path, run, "essl", 100.0) for run in ("one/run", "two/run")]
    record = compared(tmp_path, *folders, baseline="essl (two/run)")
    assert record.details["models"] == ["essl (one/run)", "essl (two/run)"]
    assert [source["run"] for source in record.details["sources"]] == ["one/run", "two/run"]
    assert "Runs compared: one/run (`made one/run`), two/run" in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"device": "another x 2"}, "device: a processor x 2 (efficient-tiny); another x 2 (essl)"),
        ({"clip_seconds": 15.0}, "clip seconds: 5 (efficient-tiny); 15 (essl)"),
        ({"dtype": "bfloat16"}, "dtype: float32 (efficient-tiny); bfloat16 (essl)"),
        ({"driver": "570.1"}, "driver: not recorded (efficient-tiny); 570.1 (essl)"),
        ({"power_limit": 350.0}, "power limit: not recorded (efficient-tiny); 350 (essl)"),
        ({"pue": 1.5}, "pue: 1 (efficient-tiny); 1.5 (essl)"),
        ({"grid": "FRA 2024: 56 g/kWh"}, "grid: not recorded (efficient-tiny); FRA 2024: 56 g/kWh (essl)"),
    ],
)  # fmt: skip
def test_runs_that_were_not_measured_alike_are_refused_or_marked(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    folders = (
        made(tmp_path, "one", "efficient-tiny", 200.0),
        made(tmp_path, "two", "essl", 100.0, replace(HELD, **change)),
    )
    with pytest.raises(BadInputError, match="not comparable") as refused:
        compared(tmp_path, *folders)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists(), "nothing is left of a refusal"
    record = compared(tmp_path, *folders, mark_differences=True)
    assert record.details["differences"] == [words]
    text = (tmp_path / "out" / "report.md").read_text()
    assert "(a)" in text
    assert "- a: " in text


def test_measured_beside_modelled_is_refused(tmp_path: Path) -> None:
    folders = (made(tmp_path, "one", "efficient-tiny", 200.0), made(tmp_path, "two", "essl", 100.0, method="modelled"))
    with pytest.raises(BadInputError, match=r"method: measured \(efficient-tiny\); modelled \(essl\)"):
        compared(tmp_path, *folders)


def test_a_trained_models_pretraining_is_what_it_took(tmp_path: Path) -> None:
    """Not projected by its recipe: targets and training of the run, 30 + 270 J; two fine-tunings of 10 h at 540 J, 100 h at 180 J."""
    folders = (written(tmp_path, "trained", trained_rows("efficient-tiny")), made(tmp_path, "two", "essl", 100.0))
    record = compared(tmp_path, *folders, life=Life(2, 10.0, 100.0))
    cost = next(
        c for c in record.details["ledger"]["costs"] if (c["model"], c["total"]["unit"]) == ("efficient-tiny", "J")
    )
    assert [cost[part]["value"] for part in ("pretraining", "finetuning", "inference", "total")] == [
        300.0,
        10_800.0,
        18_000.0,
        29_100.0,
    ]
    assert cost["pretraining"]["method"] == "measured"
    assert cost["teacher"] is None
    counted = next(
        c for c in record.details["ledger"]["costs"] if (c["model"], c["total"]["unit"]) == ("efficient-tiny", "FLOP")
    )
    assert counted["pretraining"]["value"] == 2e9 * 1800, "the FLOPs of what it heard, not of its recipe"


def trained_rows(model: str) -> list[Measurement]:
    """Half an hour heard at 2 GFLOP a second; 30 J for the targets, 270 J for the steps."""
    found: list[tuple[str, str, str | None, Quantity]] = [
        ("audio_hours_seen", "training", None, Quantity(0.5, "h", "measured")),
        ("flops_per_audio_second", "training", None, Quantity(2e9, "FLOP/s", "analytic")),
        ("energy", "targets", "machine", Quantity(30.0, "J", "measured")),
        ("energy", "training", "machine", Quantity(270.0, "J", "measured")),
        ("energy_per_audio_hour", "training", "machine", Quantity(540.0, "J/h", "measured")),
        ("energy_per_audio_hour", "inference", "machine", Quantity(180.0, "J/h", "measured")),
    ]
    return [Measurement(model, metric, q, phase, scope, HELD) for metric, phase, scope, q in found]


def taught_by(folder: Path, teacher: Path | str) -> Path:
    document = json.loads((folder / "run.json").read_text())
    document["config"]["teacher"] = str(teacher)
    (folder / "run.json").write_text(json.dumps(document))
    return folder


def test_a_taught_models_ledger_has_its_teachers_share(tmp_path: Path) -> None:
    """Three iterations of 300 J and half an hour at 2 GFLOP/s each: the third includes 600 J and two half hours of those before."""
    first = written(tmp_path, "first", trained_rows("hubert-tiny"))
    second = taught_by(written(tmp_path, "second", trained_rows("hubert-tiny")), first)
    third = taught_by(written(tmp_path, "third", trained_rows("hubert-tiny")), second)
    record = compared(tmp_path, first, third, life=Life(0, 0.0, 100.0))
    costs = {(c["model"], c["total"]["unit"]): c for c in record.details["ledger"]["costs"]}
    assert costs["hubert-tiny (first)", "J"]["teacher"] is None
    taught = costs["hubert-tiny (third)", "J"]
    assert [taught[part]["value"] for part in ("teacher", "pretraining", "total")] == [600.0, 300.0, 18_900.0]
    assert costs["hubert-tiny (third)", "FLOP"]["teacher"]["value"] == 2 * 2e9 * 1800
    assert "| model | teacher, kWh | pretraining, kWh |" in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.parametrize(
    ("teacher", "joules", "note"),
    [
        ("hubert-tiny", 0.0, "the teacher hubert-tiny had random weights"),
        ("./gone/run", None, "its teacher run no longer has a record"),
    ],
)
def test_a_teacher_without_a_pretraining_or_without_a_record(
    tmp_path: Path, teacher: str, joules: float | None, note: str
) -> None:
    taught = taught_by(written(tmp_path, "taught", trained_rows("hubert-tiny")), teacher)
    record = compared(tmp_path, taught, made(tmp_path, "two", "essl", 100.0))
    cost = next(
        c for c in record.details["ledger"]["costs"] if (c["model"], c["total"]["unit"]) == ("hubert-tiny", "J")
    )
    assert cost["teacher"]["value"] == joules
    assert note in cost["teacher"]["note"]
    assert (cost["total"]["value"] is None) == (joules is None), "no sum without a part of it"


def test_finished_runs_stand_beside_what_others_publish(tmp_path: Path) -> None:
    """Each with its reference, in the record and in the table of whole pretrainings."""
    folders = (made(tmp_path, "one", "wav2vec2-base", 200.0), made(tmp_path, "two", "essl", 100.0))
    record = compared(tmp_path, *folders, published=True)
    told = [row for row in record.measurements if row.quantity.method == "published"]
    assert all(reference_of(row) in REFERENCES for row in told)
    text = (tmp_path / "out" / "report.md").read_text()
    assert "published GPU-hours, other chips" in text
    assert "published, wav2vec2-base: arXiv:2006.11477" in text


def test_what_cannot_be_compared_is_one_line(tmp_path: Path) -> None:
    one = made(tmp_path, "one", "essl", 100.0)
    with pytest.raises(BadInputError, match="given twice"):
        compared(tmp_path, one, one)
    with pytest.raises(BadInputError, match=r"no such file; a run folder contains a run\.json"):
        compared(tmp_path, one, tmp_path / "nowhere")
    with pytest.raises(BadInputError, match="--baseline"):
        compared(tmp_path, one, baseline="hubert-base")
    unphased = written(tmp_path, "unphased", [Measurement("m", "parameters", Quantity(2e6, "1", "analytic"))])
    with pytest.raises(BadInputError, match="no run holds a value"):
        compared(tmp_path, unphased)


@pytest.mark.parametrize("broken", ["disturbed", "stopped"])
def test_what_speaks_against_a_run_travels_into_the_comparison(broken: str, tmp_path: Path) -> None:
    """Into its rows, ratios, projections and lives, the report and what `--strict` looks at; a sound run's stay as they are."""
    folders = [made(tmp_path, "one", "efficient-tiny", 200.0), made(tmp_path, "two", "essl", 100.0)]
    own = read_record(folders[1] / "run.json")
    lines = {"essl training, round 1": ["cpu: other processes took 1.00 of 2 cores"]}
    if broken == "stopped":
        own = replace(own, status="unfinished")
    else:
        rows = tuple(
            replace(m, quantity=flawed(m.quantity, DISTURBED if METRICS[m.metric].disturbable else ""))
            for m in own.measurements
        )
        own = replace(own, measurements=rows, details={**own.details, "disturbances": lines})
    write_record(own, folders[1] / "run.json")
    record, word = compared(tmp_path, *folders), {"disturbed": DISTURBED, "stopped": STOPPED}[broken]
    timed = [
        m
        for m in record.measurements
        if METRICS[m.metric].disturbable and m.quantity.method not in {"published", "unavailable"}
    ]
    assert {m.quantity.flaw for m in timed if m.model == "essl"} == {word}
    assert {m.quantity.flaw for m in timed if m.model == "efficient-tiny"} == {""}
    ratios = {(r["phase"], r["metric"]): r["ratio"]["flaw"] for r in record.details["ratios"] if r["model"] == "essl"}
    assert ratios["training", "audio_seconds_per_second"] == ratios["inference", "energy_per_audio_hour"] == word
    projected = {p["model"]: p["device_hours"]["flaw"] for p in record.details["projections"]}
    assert projected == {"efficient-tiny": "", "essl": word}
    lives = {c["model"]: c["total"]["flaw"] for c in record.details["ledger"]["costs"] if c["total"]["unit"] == "J"}
    assert lives == {"efficient-tiny": "", "essl": word}
    assert f"{SIGN} {word}" in (tmp_path / "out" / "report.md").read_text()
    told = [f"two, {part}: {line}" for part, found in lines.items() for line in found]
    assert disturbances(record) == (told if broken == "disturbed" else [])


def test_a_copy_of_a_run_is_no_second_run(tmp_path: Path) -> None:
    one = made(tmp_path, "one", "essl", 100.0)
    shutil.copytree(one, tmp_path / "copy")
    with pytest.raises(BadInputError, match=r"one and .*copy hold the same record"):
        compared(tmp_path, one, tmp_path / "copy")


def test_a_run_without_a_figure_to_compare_is_refused_by_name(tmp_path: Path) -> None:
    """It would be left out without a word: no rows, idle power alone, or what others have published."""
    whole = made(tmp_path, "whole", "efficient-tiny", 200.0)
    idle = Measurement("m", "power_idle", Quantity(9.0, "W", "measured"), "idle", "machine", HELD)
    published = Measurement("m", "device_hours", Quantity(9.0, "h", "published"), "training", None, HELD)
    for name, rows in (("none", []), ("idle", [idle]), ("published", [published])):
        empty = written(tmp_path, name, rows)
        with pytest.raises(BadInputError, match=f"{name}: its record holds no value to compare"):
            compared(tmp_path, whole, empty)

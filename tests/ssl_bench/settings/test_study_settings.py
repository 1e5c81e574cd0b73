"""The settings of a study become runs and budgets, and bad ones are one line."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_bench.settings import evaluating
from ssl_bench.settings.documents import read_toml, write_toml
from ssl_bench.settings.evaluating import RATED, EvaluationSettings
from ssl_bench.settings.studying import (
    StudyConfig,
    config_of,
    document_of,
    parse_models,
    require_unchanged,
    run_budget,
)
from ssl_bench.settings.training import TrainAndMeasureConfig
from ssl_bench.studying import plan as study_plan
from ssl_bench.studying.plan import Plan, flops_per_audio_hour, planned
from ssl_benchmarks.counting.flops import FlopCount
from ssl_benchmarks.counting.operators import Work
from ssl_models.catalog import CATALOG
from ssl_models.errors import BadInputError
from ssl_models.families import family_of

PAIR = ("efficient-tiny", "essl-tiny")
STUDY = StudyConfig(PAIR, seeds=2, seed=5, training={"steps": 4, "encoder": {"layers": 3}, "data": "x"})


def test_every_model_is_trained_once_before_any_is_trained_again() -> None:
    assert STUDY.runs == [("efficient-tiny", 5), ("essl-tiny", 5), ("efficient-tiny", 6), ("essl-tiny", 6)]


def test_a_run_is_told_what_all_are_and_its_own_share() -> None:
    assert STUDY.run_settings("essl-tiny", 6, {"kwh": 0.5}) == {
        "steps": 4, "encoder": {"layers": 3}, "data": "x", "kwh": 0.5, "model": "essl-tiny", "seed": 6, "evaluate": False,
    }  # fmt: skip


def test_budgets_by_hand() -> None:
    """1 kWh = 3.6 MJ; 3e15 FLOPs at 1.5e12 an hour of audio are 2,000 hours."""
    assert run_budget("joules", 1.8e4, None) == {"kwh": pytest.approx(0.005)}
    assert run_budget("audio-hours", 1.25, None) == {"audio_hours": 1.25}
    assert run_budget("minutes", 3.0, None) == {"minutes": 3.0}
    assert run_budget("flops", 3e15, 1.5e12) == {"audio_hours": pytest.approx(2000.0)}
    assert run_budget(None, 0.0, None) == {}
    with pytest.raises(BadInputError, match="no matrix product"):
        run_budget("flops", 3e15, 0.0)


@pytest.mark.parametrize("model", PAIR)
def test_flops_become_the_hours_that_the_closed_form_gives(model: str) -> None:
    """Clips of 15.36 s are 245,760 samples; 1 MAC = 2 FLOPs."""
    config = CATALOG[model]
    hour = 2 * family_of(config).closed_form.training_macs(config, 245_760) / 15.36 * 3600
    plan = planned(StudyConfig((model,), equal="flops", budget=1e15), model, cuda=False)
    assert plan.budget["audio_hours"] == pytest.approx(1e15 / hour, rel=1e-3)
    assert plan.step_seconds == pytest.approx(30.72 if model == "efficient-tiny" else plan.step_seconds)
    assert flops_per_audio_hour(TrainAndMeasureConfig(model=model).resolved(cuda=False)) == pytest.approx(
        hour, rel=1e-3
    )


@pytest.mark.parametrize("suspect", ["labkernels.gated_scan", "aten._int_mm"])
def test_a_model_that_is_not_counted_in_full_has_no_budget_in_flops(
    monkeypatch: pytest.MonkeyPatch, suspect: str
) -> None:
    """It would train for more than the others; other budgets do not ask."""
    counted = FlopCount({Work("", "aten.mm", "forward"): 1e9}, {suspect: 3})
    monkeypatch.setattr(study_plan, "training_flops", lambda *_: counted)
    with pytest.raises(
        BadInputError, match=rf"^efficient-tiny: a budget in FLOPs is unavailable: {suspect} x 3 may hide"
    ):
        planned(StudyConfig(("efficient-tiny",), equal="flops", budget=1e15), "efficient-tiny", cuda=False)
    assert planned(StudyConfig(("efficient-tiny",), equal="audio-hours", budget=1.0), "efficient-tiny", cuda=False)


def test_a_budget_below_one_step_is_refused_and_one_of_a_step_is_not() -> None:
    """A step of 2 clips of 15.36 s is 30.72 s of audio."""
    one_step = StudyConfig(("efficient-tiny",), equal="audio-hours", budget=30.72 / 3600)
    assert planned(one_step, "efficient-tiny", cuda=False) == Plan({"audio_hours": 30.72 / 3600}, 30.72)
    with pytest.raises(
        BadInputError, match=r"efficient-tiny: --budget 0\.008 is 28\.8 s of audio, less than one step of 30\.72 s"
    ):
        planned(replace(one_step, budget=0.008), "efficient-tiny", cuda=False)


def test_a_model_that_cannot_be_pretrained_is_a_failure_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CATALOG, "mute", replace(CATALOG["hubert-tiny"], objective=None))  # type: ignore[type-var]
    plan = planned(StudyConfig(("mute",), equal="flops", budget=1e18), "mute", cuda=False)
    assert plan.failed.startswith("mute: ")
    assert plan.budget == {}


def test_settings_that_one_model_cannot_have_name_it() -> None:
    with pytest.raises(BadInputError, match="essl-tiny: --targets is for the efficient models"):
        planned(StudyConfig(PAIR, training={"targets": "k-means"}), "essl-tiny", cuda=False)


TASKS = EvaluationSettings(("pr",))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (StudyConfig(PAIR, seeds=0), "--seeds must be at least 1"),
        (StudyConfig(PAIR, seed=-1), "--seed at least 0"),
        (StudyConfig(PAIR, budget=3.0), r"--budget 3: name its quantity with --equal joules\|audio-hours"),
        (StudyConfig(PAIR, equal="joules"), "give the amount with --budget"),
        (StudyConfig(PAIR, equal="joule", budget=1.0), "did you mean joules"),  # type: ignore[arg-type]
        (StudyConfig(PAIR, equal="joules", budget=0.0), "--budget 0: must be more than 0"),
        (StudyConfig(PAIR, equal="joules", budget=float("nan")), "more than 0"),
        (StudyConfig(PAIR, equal="joules", budget=float("inf")), "more than 0"),
        (StudyConfig(PAIR, equal="flops", budget=1.0, training={"audio_hours": 2}), "leave out --audio-hours"),
        (StudyConfig(PAIR, evaluation=TASKS, training={"data": "x"}), "--tasks needs --eval-data"),
        (StudyConfig(PAIR, evaluation=TASKS, training={"eval_data": "x"}), "needs --data FOLDER"),
        (StudyConfig(PAIR, evaluation=EvaluationSettings(("ks",))), "--tasks ks needs --keywords"),
        (StudyConfig(("hubert-bse",)), "did you mean hubert-base"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_is_one_line(config: StudyConfig, words: str) -> None:
    with pytest.raises(BadInputError, match=words) as caught:
        config.check()
    assert "\n" not in str(caught.value)


def test_models_are_names_with_commas_between() -> None:
    assert parse_models("efficient-tiny, essl-tiny") == PAIR
    for text, words in {",": "at least one", "essl,essl": "twice", "essl,esl": "did you mean"}.items():
        with pytest.raises(BadInputError, match=words):
            parse_models(text)


FULL = replace(STUDY, equal="minutes", budget=2.0, evaluation=EvaluationSettings(("pr", "sid"), "10min"), out="o")


@pytest.mark.parametrize("config", [STUDY, FULL, StudyConfig()])
def test_a_study_comes_back_from_its_record(config: StudyConfig) -> None:
    """Beside what every record's config holds."""
    document = json.loads(json.dumps({**document_of(config), "device": "cpu", "pue": 1.0}))
    assert config_of(document) == config


@pytest.mark.parametrize(
    "asked",
    [
        StudyConfig(),
        StudyConfig(out="elsewhere", training={"steps": 4, "encoder": {"layers": 3}}),
        replace(FULL, training={}),
        StudyConfig(evaluation=EvaluationSettings(("pr", "sid"))),
    ],
)
def test_resuming_may_repeat_what_the_study_was_told(asked: StudyConfig) -> None:
    require_unchanged(asked, FULL)


@pytest.mark.parametrize(
    ("asked", "option"),
    [
        (StudyConfig(seeds=3), "--seeds"),
        (StudyConfig(models=("essl",)), "--models"),
        (StudyConfig(equal="minutes", budget=3.0), "--budget"),
        (StudyConfig(training={"steps": 5}), "--steps"),
        (StudyConfig(training={"eval_data": "y"}), "--eval-data"),
        (StudyConfig(evaluation=EvaluationSettings(("pr",))), "--tasks"),
        (StudyConfig(evaluation=EvaluationSettings(("pr", "sid"), "1h", heads=2)), "--heads"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_resuming_changes_nothing(asked: StudyConfig, option: str) -> None:
    with pytest.raises(BadInputError, match=rf"--resume: {option} cannot differ"):
        require_unchanged(asked, FULL)


TEXT = st.text(st.characters(blacklist_categories=("Cs",)))


@given(
    st.fixed_dictionaries(
        {"steps": st.integers(1, 2**40), "audio_hours": st.floats(1e-9, 1e12), "data": TEXT, "idle": st.booleans(),
         "encoder": st.fixed_dictionaries({"width": st.integers(1, 99), "front": st.fixed_dictionaries({"x": TEXT})})},
        optional={"country": st.none(), "optimisation": st.just({"betas": [0.9, 0.98]})},
    )
)  # fmt: skip
def test_what_a_run_is_told_is_read_as_it_was_meant(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]
) -> None:
    """Python's own reader of TOML; what is None is not there."""
    import tomllib

    path = tmp_path_factory.mktemp("toml") / "run.toml"
    write_toml(settings, path)
    wanted = {key: value for key, value in settings.items() if value is not None}
    assert tomllib.loads(path.read_text(encoding="utf-8")) == wanted


def test_a_runs_file_is_one_of_train_and_measure(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    told = STUDY.run_settings("essl-tiny", 6, {"kwh": 0.5})
    write_toml(told, path)
    assert read_toml(path, TrainAndMeasureConfig) == told


def test_the_help_names_every_task() -> None:
    assert set(evaluating.TASKS) <= set(re.findall(r"[a-z-]+", RATED.partition(":")[2]))

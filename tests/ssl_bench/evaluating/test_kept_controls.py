"""A control's result is reused where nothing that determines it differs, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from ssl_bench.evaluating.kept_controls import FILE, KeptControls, controls_file
from ssl_bench.evaluating.subject import Finding, Subject, System
from ssl_bench.settings.evaluating import EvaluationSettings
from ssl_benchmarks.downstream.outcome import Outcome
from ssl_benchmarks.downstream.recognition import phones
from ssl_benchmarks.downstream.spoken import Spoken
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions
from ssl_models.errors import BadInputError

HELD = Conditions(device="a CPU", dtype="float32", threads=2, torch="2.9")
CONTROL = System("m (untrained)", 3, lambda: None, lambda: None, is_control=True)


def spoken(text: str = "ONE") -> Spoken:
    return Spoken(lambda: np.zeros(0, np.float32), 8_000, "7", text, "x.wav", "1")


def subject(system: System = CONTROL, digest: str = "abc", text: str = "ONE", **settings: Any) -> Subject:
    """A system at work, as far as it is used here."""
    parts = {name: SimpleNamespace(spoken=(spoken(text),)) for name in ("train", "dev", "test")}
    evaluation = SimpleNamespace(
        settings=replace(EvaluationSettings(("pr",)), **settings), device=torch.device("cpu"),
        speech=SimpleNamespace(parts=parts), keywords=[[spoken(text)]], tokens=(),
    )  # fmt: skip
    return cast("Subject", SimpleNamespace(system=system, evaluation=evaluation, digest=digest))


def finding(system: System = CONTROL) -> Finding:
    per = Quantity(0.8, "1", "measured", (0.7, 0.9), 12, "greedy")
    rates = {"per": per, "wer": unavailable("1", "no words")}
    return Finding(system, "pr", "linear", Outcome(rates, True, {"train_loss": 2.5}), "dev-clean")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A study with an evaluation that has rated the control."""
    folder = tmp_path / "joules" / "evaluation"
    folder.mkdir(parents=True)
    (tmp_path / "joules" / "run.json").write_text("{}")
    KeptControls.of((), folder / FILE, HELD).keep(subject(), "pr", "linear", [finding()])
    return tmp_path / "joules"


def read(folder: Path, tmp_path: Path, held: Conditions = HELD) -> KeptControls:
    (tmp_path / "second").mkdir(exist_ok=True)
    return KeptControls.of((str(folder),), tmp_path / "second" / FILE, held)


def test_a_finding_comes_back_with_the_run_it_is_from(kept: Path, tmp_path: Path) -> None:
    controls = read(kept, tmp_path)
    (found,) = controls.found(subject(), "pr", "linear") or ()
    first = finding()
    assert (found.system, found.task, found.head, found.tested_on) == (CONTROL, "pr", "linear", "dev-clean")
    assert found.outcome.rates["per"] == replace(first.outcome.rates["per"], note="greedy; reused from joules")
    assert found.outcome.rates["wer"].method == "unavailable"
    assert found.outcome.converged is True
    assert found.outcome.details == {"train_loss": 2.5, "read_from": "joules"}
    named = {"system": "m (untrained)", "seed": 3, "task": "pr", "head": "linear"}
    assert controls.read == [{**named, "from": "joules"}]
    third = KeptControls.of((str(tmp_path / "second"),), tmp_path / "third.json", HELD)
    (again,) = third.found(subject(), "pr", "linear") or ()
    assert again.outcome.details["read_from"] == "joules", "where it was rated, not where it was read"


DIFFERENT: dict[str, Callable[[], tuple[Subject, str, str]]] = {
    "weights": lambda: (subject(digest="abd"), "pr", "linear"),
    "seed": lambda: (subject(replace(CONTROL, seed=4)), "pr", "linear"),
    "task": lambda: (subject(), "asr", "linear"),
    "head": lambda: (subject(), "pr", "deep"),
    "labels": lambda: (subject(labels="10min"), "pr", "linear"),
    "hours": lambda: (subject(hours=7.0), "pr", "linear"),
    "words": lambda: (subject(text="TWO"), "pr", "linear"),
    "language model": lambda: (subject(lm=__file__), "pr", "linear"),
}


@pytest.mark.parametrize("other", DIFFERENT.values(), ids=DIFFERENT)
def test_whatever_decides_it_makes_it_another(
    other: Callable[[], tuple[Subject, str, str]], kept: Path, tmp_path: Path
) -> None:
    controls = read(kept, tmp_path)
    assert controls.found(*other()) is None
    assert controls.read == []
    assert controls.found(subject(), "pr", "linear") is not None


@pytest.mark.parametrize(
    "held", [replace(HELD, device="a GPU"), replace(HELD, dtype="bfloat16"), replace(HELD, torch="2.10")]
)
def test_another_machine_is_asked_anew(held: Conditions, kept: Path, tmp_path: Path) -> None:
    assert read(kept, tmp_path, held).found(subject(), "pr", "linear") is None


def test_carbon_and_where_features_lie_decide_nothing(kept: Path, tmp_path: Path) -> None:
    controls = read(kept, tmp_path, replace(HELD, pue=1.5, grid="FRA"))
    assert controls.found(subject(features="elsewhere", heads=2), "pr", "linear") is not None


def test_edited_code_is_asked_anew(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_bench.evaluating.kept_controls._code", lambda: "edited")
    assert read(kept, tmp_path).found(subject(), "pr", "linear") is None


def test_another_dictionary_is_asked_anew(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edition with one word more, as the module that reads it sees it."""
    known = dict(phones._dictionary())
    monkeypatch.setattr(phones, "_dictionary", lambda: {**known, "SSLBENCH": ("EH", "S")})
    phones.dictionary_hash.cache_clear()
    assert read(kept, tmp_path).found(subject(), "pr", "linear") is None
    monkeypatch.undo()
    phones.dictionary_hash.cache_clear()
    assert read(kept, tmp_path).found(subject(), "pr", "linear") is not None


def test_a_trained_model_is_neither_kept_nor_read(kept: Path, tmp_path: Path) -> None:
    trained = replace(CONTROL, is_control=False)
    controls = read(kept, tmp_path)
    assert controls.found(subject(trained), "pr", "linear") is None
    controls.keep(subject(trained), "pr", "linear", [finding(trained)])
    assert not (tmp_path / "second" / FILE).exists()


def test_a_folder_without_controls_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"no controls\.json in it; --controls takes"):
        controls_file(tmp_path)
    for text, words in (
        ("{", "not valid JSON"),
        (json.dumps({"schema": "x"}), "not a file of schema sslbench.controls/1"),
    ):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(BadInputError, match=words):
            read(tmp_path, tmp_path)

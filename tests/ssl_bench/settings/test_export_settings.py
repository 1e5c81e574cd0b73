"""Destinations are understood or refused before any work, in one line that says what would be right."""

from __future__ import annotations

import os
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from ssl_bench.settings import exporting
from ssl_bench.settings.exporting import PACKAGES, Destination, ExportConfig, parse_track, without_password
from ssl_bench.settings.measuring import MeasureConfig
from ssl_models.errors import BadInputError

URI = "http://localhost:5000"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("MLFLOW_", "WANDB_")):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("tensorboard", Destination("tensorboard")),
        ("tensorboard:logs/a:b", Destination("tensorboard", "logs/a:b")),
        ("wandb:there", Destination("wandb", "there")),
        (f"mlflow:{URI}", Destination("mlflow", URI)),
        ("mlflow:sqlite:///m.db", Destination("mlflow", "sqlite:///m.db")),
    ],
)
def test_a_track_is_a_tool_and_a_place(text: str, wanted: Destination) -> None:
    assert parse_track(text) == wanted


def test_variables_of_the_trackers_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", URI)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    monkeypatch.setenv("WANDB_PROJECT", "ours")
    assert parse_track("mlflow") == Destination("mlflow", URI, "mine")
    assert parse_track("wandb") == Destination("wandb", None, "ours")
    monkeypatch.setenv("WANDB_MODE", "online")
    assert parse_track("wandb").online
    assert ExportConfig(run="x", to="mlflow").destination == Destination("mlflow", URI)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mlflw", "did you mean mlflow"),
        ("csv", "known: mlflow, tensorboard, wandb"),
        ("mlflow", "or MLFLOW_TRACKING_URI is missing"),
        ("mlflow:http://me:secret@host:5000", "set MLFLOW_TRACKING_URI instead"),
        ("mlflow:http://[::1", "not an address"),
    ],
)
def test_a_track_that_is_none_is_one_line(text: str, words: str) -> None:
    with pytest.raises(BadInputError, match=words) as caught:
        MeasureConfig("efficient-tiny", track=text).check()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"to": "parket"}, "did you mean parquet"),
        ({"to": "mlflow"}, "--uri or MLFLOW_TRACKING_URI is missing"),
        ({"to": "csv", "uri": URI}, "--uri is for --to mlflow"),
        ({"to": "mlflow", "uri": URI, "out": "x"}, "writes to its --uri"),
        ({"to": "mlflow", "uri": URI, "online": True}, "--online is for --to wandb"),
        ({"to": "wandb", "project": " "}, "--project is empty"),
    ],
)
def test_what_does_not_fit_is_one_line(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        ExportConfig(run="x", **given).check()


@pytest.mark.parametrize("form", PACKAGES)
@pytest.mark.parametrize("there", [None, ModuleSpec("folder", None)], ids=["missing", "a folder of that name"])
def test_a_missing_package_is_named_with_its_command(
    form: str, there: ModuleSpec | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "find_spec", lambda name: there)
    options = {"uri": URI} if form == "mlflow" else {}
    with pytest.raises(BadInputError) as caught:
        ExportConfig(run="x", to=form, **options).check()  # type: ignore[arg-type] # one of its forms
    package = PACKAGES[form]
    assert str(caught.value) == f'--to {form} needs {package}, which is not installed: pip install "sslbench[{form}]"'
    if form != "parquet":
        with pytest.raises(BadInputError, match=f"--track {form} needs {package}"):
            MeasureConfig("efficient-tiny", track=f"{form}:{URI}").check()


@pytest.mark.parametrize("form", ["csv", "codecarbon"])
def test_other_forms_need_no_extra(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    ExportConfig(run="x", to=form).check()  # type: ignore[arg-type] # one of its forms


def test_every_extra_is_one_of_the_package() -> None:
    import tomllib

    text = (Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8")
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    assert {form: extras[form][0].partition(">")[0] for form in PACKAGES} == PACKAGES


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://me:secret@host:5000/x", "http://host:5000/x"),
        ("postgresql://me:secret@db/m", "postgresql://db/m"),
        (URI, URI),
        ("sqlite:////tmp/m.db", "sqlite:////tmp/m.db"),
    ],
)
def test_a_password_is_not_shown(uri: str, shown: str) -> None:
    assert without_password(uri) == shown

"""What is said before any rate: that weights are random, that test speakers were heard; and that no run hears the sample's."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import soundfile
from rich.console import Console

from ssl_bench.data.corpus import Utterance
from ssl_bench.evaluating.remarks import RANDOM, heard, remarked, untrained_line
from ssl_bench.evaluating.speech import no_speech
from ssl_bench.evaluating.splits import sample_splits
from ssl_bench.evaluating.systems import LOG_MEL, systems_of
from ssl_bench.settings.training import TrainAndMeasureConfig
from ssl_bench.training.job import _speech
from ssl_benchmarks.record.record import Record
from ssl_models.catalog import CATALOG


def test_a_catalog_name_is_said_to_be_random_and_its_row_too() -> None:
    """Once, though it is named twice; log-mel has nothing to train."""
    models = ["efficient-tiny", "efficient-tiny"]
    systems, lines = remarked(systems_of(models, [0], None), models, None, no_speech("1h"))
    (line,) = lines
    assert line.startswith("efficient-tiny has no trained weights: random weights are rated; train it first")
    assert line.endswith("(sslbench train-and-measure --model efficient-tiny)")
    assert [(s.name, s.remark) for s in systems] == [("efficient-tiny (untrained)", RANDOM), (LOG_MEL, "")]


def test_published_weights_are_no_random_ones() -> None:
    models = ["hubert-base"]
    systems, lines = remarked(systems_of(models, [0], "/somewhere"), models, "/somewhere", no_speech("1h"))
    assert lines == []
    assert {s.remark for s in systems} == {""}, "the untrained twin stands beside its trained one"


def test_a_folder_of_settings_alone_is_said_to_be_random(tmp_path: Path) -> None:
    """Its row too, beside that of a folder whose weights need not be opened to see that they exist."""
    for name in ("empty", "whole"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text('{"model_type": "hubert"}')
    (tmp_path / "whole" / "model.safetensors").touch()
    empty, whole = f"hf:{tmp_path}/empty", f"hf:{tmp_path}/whole"
    systems, lines = remarked(systems_of([empty, whole], [0], None), [empty, whole], None, no_speech("1h"))
    assert lines == [f"{empty} has settings but no weights: random weights are rated"]
    assert {s.name: s.remark for s in systems if not s.is_control} == {empty: RANDOM, whole: ""}


def test_the_ways_to_weights_are_those_that_a_model_has() -> None:
    """Every catalogue model has a line; published weights fit transformers' architectures only."""
    for model, config in CATALOG.items():
        line = untrained_line(model)
        assert line.startswith(f"{model} has no trained weights")
        assert "\n" not in line
        assert ("--model" in line) == (config.objective is not None)
    assert "--pretrained" in untrained_line("hubert-base")
    assert "--pretrained" not in untrained_line("essl")


def record(folder: Path, held_out: list[str]) -> Record:
    details = {"data": {"folder": str(folder)}, "held_out": {"speakers": held_out}}
    return Record("run", "", "finished", "", {"seed": 0}, {}, (), {}, details, kind="training")


@pytest.mark.parametrize(
    ("folder", "held_out", "remark"),
    [
        ("speech", [], "3 of 3 test speakers were heard in pretraining"),
        ("speech", ["1", "9"], "2 of 3 test speakers were heard in pretraining"),
        ("speech", ["1", "2", "3"], ""),
        ("other", [], ""),
    ],
)
def test_test_speakers_that_were_trained_on_are_counted(
    folder: str, held_out: list[str], remark: str, tmp_path: Path
) -> None:
    tested = tuple(Utterance(tmp_path / "speech" / s / f"{n}.wav", 16_000, s) for s in "123" for n in range(2))
    speech = cast("Any", SimpleNamespace(parts={"test": None}, test_utterances=tested))
    assert heard(record(tmp_path / folder, held_out), speech) == remark
    assert heard(record(tmp_path / folder, held_out), no_speech("1h")) == ""


@pytest.mark.parametrize(
    ("copied", "remark"),
    [
        (("1/5", "2/5"), "2 of 3 test speakers were heard in pretraining"),
        (("train-clean/1/5", "train-clean/2/6"), "1 of 3 test speakers were heard in pretraining"),
        (("1/6", "9/5"), ""),
    ],
)
def test_chapters_of_the_test_speech_that_another_folder_holds_too_were_heard(
    copied: tuple[str, ...], remark: str, tmp_path: Path
) -> None:
    """As the sample is a copy of chapters of LibriSpeech; speaker 3's utterance names no chapter."""
    for chapter in copied:
        (tmp_path / "elsewhere" / chapter).mkdir(parents=True)
    tested = [Utterance(tmp_path / "sample" / s / "5" / f"{s}-5-0.opus", 16_000, s, "", "5") for s in "12"]
    tested.append(Utterance(tmp_path / "sample" / "x.opus", 16_000, "3"))
    speech = cast("Any", SimpleNamespace(parts={"test": None}, test_utterances=tuple(tested)))
    assert heard(record(tmp_path / "elsewhere", []), speech) == remark


@pytest.mark.parametrize(("tested_on", "count"), [("librispeech-sample", 1), ("test-clean", 0)])
def test_published_weights_that_may_have_heard_the_sample_are_named(tested_on: str, count: int) -> None:
    models = ["hubert-base"]
    speech = replace(no_speech("1h"), tested_on=tested_on)
    lines = remarked(systems_of(models, [0], "/somewhere"), models, "/somewhere", speech)[1]
    assert len(lines) == count
    assert all(line.startswith("hubert-base: the sample is a part of LibriSpeech train-clean-100") for line in lines)
    untrained = remarked(systems_of(models, [0], None), models, None, speech)[1]
    assert [line for line in untrained if "a part of LibriSpeech" in line] == []


def test_no_run_hears_the_test_speakers_of_the_sample_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its seed: every run of a study spares the speakers that the study's one evaluation rates."""
    for speaker in range(30):
        folder = tmp_path / "sample" / f"{speaker}" / "1"
        folder.mkdir(parents=True)
        soundfile.write(folder / f"{speaker}-1-0000.flac", np.random.default_rng(0).normal(0, 0.1, 8_000), 16_000)
        (folder / f"{speaker}-1.trans.txt").write_text(f"{speaker}-1-0000 ONE\n")
    monkeypatch.setattr("ssl_bench.data.sample.sample.sample_corpus", lambda: tmp_path / "sample")
    tested = {s.speaker for s in sample_splits("all", 0).test}
    assert len(tested) == 3
    for seed in range(8):
        config = TrainAndMeasureConfig(data="sample", seed=seed)
        corpus, split = _speech(config, Console(file=StringIO()))
        assert not tested & {u.speaker for u in split.training}
        assert set(split.speakers) == tested
        assert len(corpus.utterances) == 30
        assert split.how == "3 of 30 speakers, the same for every seed"

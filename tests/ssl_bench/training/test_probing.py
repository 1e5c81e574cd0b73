"""A run's own probe: what speech it needs, that it never ends a run, and that it leaves no features behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from ssl_bench.data.corpus import Corpus, read_corpus
from ssl_bench.data.splits import split_speakers
from ssl_bench.data.waveforms import Waveforms
from ssl_bench.sessions.time_limit import TimeLimit
from ssl_bench.settings.evaluating import EvaluationSettings
from ssl_bench.training import probing
from ssl_bench.training.probing import probe_rows
from ssl_benchmarks.energy import EnergyMeter
from ssl_benchmarks.machine.environment import conditions
from ssl_benchmarks.record.record import Measurement
from ssl_models.efficient.config import EncoderConfig
from ssl_models.efficient.encoder import EfficientEncoder

CPU = torch.device("cpu")
SYSTEMS = ["m", "m (untrained)", "log-mel"]
Probe = Callable[[Corpus], list[Measurement]]


def encoder(seed: int) -> EfficientEncoder:
    torch.manual_seed(seed)
    return EfficientEncoder(EncoderConfig(32, 1, 2, 64)).eval()


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Probe:
    """The probe of a run that is trained on a corpus but for its held-out speakers."""
    monkeypatch.setattr(EvaluationSettings, "chosen_hours", lambda *_: 0.001)

    def run(corpus: Corpus) -> list[Measurement]:
        config = SimpleNamespace(seed=0, precision="float32")
        job = SimpleNamespace(
            split=split_speakers(corpus, None, 0), config=config, corpus=corpus, waveforms=Waveforms(), grid=None,
            run=SimpleNamespace(path=tmp_path),
        )  # fmt: skip
        trial = SimpleNamespace(
            held=lambda: conditions(CPU, "float32", None), config=config, name="m", device=CPU,
            pretraining=SimpleNamespace(encoder=encoder(1)),
        )  # fmt: skip
        with EnergyMeter() as meter:
            told = cast("Any", job), cast("Any", trial), lambda: encoder(0), meter
            return probe_rows(*told, say=lambda _: None, limit=TimeLimit.of(600.0))[0]

    return run


def untold(corpus: Corpus) -> Corpus:
    return replace(corpus, utterances=tuple(replace(u, text=None) for u in corpus.utterances))


@pytest.mark.slow
def test_with_transcripts_characters_are_read(probe: Probe, speech: Path, tmp_path: Path) -> None:
    """By three systems, on the same six utterances of two held-out speakers, with a whole bill; nothing is left behind."""
    rows = probe(read_corpus(speech))
    for metric in ("cer", "wer"):
        rated = [row for row in rows if row.metric == metric]
        assert [row.model for row in rated] == SYSTEMS
        for row in rated:
            assert (row.quantity.n, row.quantity.method, row.phase) == (6, "measured", "evaluation")
            assert "2 unseen speakers" in row.quantity.note
            assert (row.conditions.task, row.conditions.head) == ("asr", "linear")
    for model in SYSTEMS:
        found = {row.metric: row.quantity for row in rows if row.model == model and row.scope in {None, "machine"}}
        assert {"duration", "energy", "co2e", "flops"} <= set(found)
        assert (found["flops"].value or 0) > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_without_transcripts_speakers_are_told_apart(probe: Probe, speech: Path, tmp_path: Path) -> None:
    """Among the held-out: half of them would be a guess."""
    rows = [row for row in probe(untold(read_corpus(speech))) if row.metric == "accuracy"]
    assert [row.model for row in rows] == SYSTEMS
    assert {row.conditions.task for row in rows} == {"sid"}
    assert list(tmp_path.iterdir()) == []


def test_without_speakers_to_spare_there_is_a_reason(probe: Probe, speech: Path) -> None:
    """Without transcripts, and with nobody held out."""
    corpus = untold(read_corpus(speech))
    few = replace(corpus, utterances=tuple(u for u in corpus.utterances if u.speaker in {"11", "12"}))
    rows = probe(few)
    assert [(row.model, row.metric, row.quantity.value, row.quantity.method) for row in rows] == [
        (system, "cer", None, "unavailable") for system in SYSTEMS
    ]
    assert all("too few to hold any out" in row.quantity.note for row in rows)


def test_speech_that_cannot_be_used_ends_no_run(probe: Probe, speech: Path, tmp_path: Path) -> None:
    """Only one training utterance has a text, and it goes to one of train and dev: the other has none to spell."""
    corpus = read_corpus(speech)
    held = set(split_speakers(corpus, None, 0).speakers)
    told = next(u for u in corpus.utterances if u.speaker not in held)
    utterances = tuple(u if u == told or u.speaker in held else replace(u, text=None) for u in corpus.utterances)
    rows = probe(replace(corpus, utterances=utterances))
    assert [row.model for row in rows] == SYSTEMS
    assert all("has a transcript" in row.quantity.note for row in rows)
    assert all(row.quantity.value is None for row in rows)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_a_killed_probe_left_goes_with_the_next(probe: Probe, speech: Path, tmp_path: Path) -> None:
    left = tmp_path / ".features" / "abc"
    left.mkdir(parents=True)
    (left / "x.safetensors").write_bytes(b"half")
    probe(untold(read_corpus(speech)))
    assert list(tmp_path.iterdir()) == []


def test_a_stop_leaves_no_features(probe: Probe, speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        (tmp_path / ".features").mkdir(exist_ok=True)
        raise KeyboardInterrupt

    monkeypatch.setattr(probing, "fitted", lambda evaluation, *_: evaluation)
    monkeypatch.setattr(probing, "evaluated", stopped)
    with pytest.raises(KeyboardInterrupt):
        probe(untold(read_corpus(speech)))
    assert list(tmp_path.iterdir()) == []

"""Keyword spotting: which words are distinguished, what is counted, and on clips read from a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from ssl_bench.data.audio import read_audio
from ssl_bench.data.speech_commands import Split, read_speech_commands
from ssl_benchmarks.downstream import pooled
from ssl_benchmarks.downstream.features import Frames
from ssl_benchmarks.downstream.keywords import Clips, spot
from ssl_benchmarks.downstream.spoken import Spoken
from ssl_benchmarks.downstream.store import stored
from ssl_models.interface import SpeechFeatures
from ssl_models.parts.frontend import LogMel

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _fewer_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words as different as these are separated after a few steps; test_pooled tests that learning runs to its end."""
    monkeypatch.setattr(pooled, "UPDATES", 100)


def silence() -> NDArray[np.float32]:
    raise AssertionError("a task reads no waveforms")


def clips(words: list[str], speakers: list[str], seed: int, loudness: float = 4.0) -> Clips:
    """Each word's own direction in frames of noise, by every speaker."""
    draw = np.random.default_rng(seed)
    spoken = [Spoken(silence, 16_000, speaker, word) for word in words for speaker in speakers]
    corners = {word: loudness * np.random.default_rng(len(word)).standard_normal(8) for word in words}
    frames = [torch.from_numpy(corners[s.text] + 4 * draw.standard_normal((6, 2, 8))).half() for s in spoken]
    return Clips(Frames(tuple(frames), 25.0), spoken)


WORDS = ["a", "bb", "ccc", "dddd"]
MANY = [f"s{i}" for i in range(20)]


def test_words_are_told_apart() -> None:
    outcome = spot(clips(WORDS, MANY, 0), clips(WORDS, ["x", "y"], 1), clips(WORDS, ["u", "v", "w"], 2), CPU, 0)
    rate = outcome.rates["accuracy"]
    assert (rate.value, rate.unit, rate.method, rate.n) == (1.0, "1", "measured", 12)
    assert outcome.converged
    assert "one of 4 words, 3 unseen speakers" in rate.note
    assert {k: outcome.details[k] for k in ("words", "train", "dev", "test", "clips_without_features")} == {
        "words": 4, "train": 80, "dev": 8, "test": 12, "clips_without_features": 0,
    }  # fmt: skip


def test_noise_is_not_told_apart() -> None:
    """Near the one in four of a guess, and marked."""
    noise = [clips(WORDS, speakers, seed, 0.0) for seed, speakers in enumerate((MANY * 5, MANY, MANY * 3))]
    outcome = spot(noise[0], noise[1], noise[2], CPU, 0)
    assert outcome.rates["accuracy"].value == pytest.approx(0.25, abs=0.12)
    assert outcome.converged is False


def test_a_word_that_is_not_learned_is_wrong_and_counted() -> None:
    """Two of three words are distinguished: a third of the test is lost."""
    outcome = spot(clips(WORDS[:2], MANY, 0), clips(WORDS[:2], ["x"], 1), clips(WORDS[:3], ["u", "v"], 2), CPU, 0)
    assert outcome.rates["accuracy"].value == pytest.approx(2 / 3)
    assert outcome.details["words_not_in_train"] == 1
    assert "1 words are not in train" in outcome.rates["accuracy"].note


def test_clips_without_a_frame_are_counted_and_left_out() -> None:
    train, test = clips(WORDS, MANY, 0), clips(WORDS, ["u"], 2)
    short = Clips(Frames((torch.zeros(0, 2, 8), *test.frames.utterances[1:]), 25.0), test.spoken)
    shorter = Clips(Frames((*train.frames.utterances[:-1], torch.zeros(0, 2, 8)), 25.0), train.spoken)
    outcome = spot(shorter, clips(WORDS, ["x"], 1), short, CPU, 0)
    assert outcome.details["clips_without_features"] == 2
    assert (outcome.rates["accuracy"].n, outcome.details["train"]) == (3, 79)


@pytest.mark.parametrize(
    ("train", "dev", "reason"),
    [
        (["a"], ["a", "bb"], "train contains only a"),
        (["a", "bb"], [], "none in dev"),
        ([], [], "train and dev"),
    ],
)
def test_too_little_has_no_accuracy(train: list[str], dev: list[str], reason: str) -> None:
    outcome = spot(clips(train, MANY, 0), clips(dev, ["x"], 1), clips(["a", "bb"], ["u"], 2), CPU, 0)
    assert outcome.rates["accuracy"].value is None
    assert reason in outcome.rates["accuracy"].note
    assert outcome.converged is None


class WithLevel(torch.nn.Module):
    """Log-mel as it is, since pooling removes the information in normalised log-mel."""

    def __init__(self) -> None:
        super().__init__()
        self.logmel = LogMel(40)

    def forward(self, waveforms: torch.Tensor, lengths: torch.Tensor | None = None) -> SpeechFeatures:
        lengths = torch.tensor([waveforms.shape[1]]) if lengths is None else lengths
        return SpeechFeatures((self.logmel(waveforms),), lengths // 160, 100.0)


def test_tones_in_a_folder_are_told_apart(tmp_path: Path) -> None:
    """From the files to the accuracy; three tones by 40 speakers, split by their hash."""
    draw = np.random.default_rng(0)
    time = np.arange(4_000) / 16_000
    for word, pitch in (("low", 300.0), ("middle", 900.0), ("high", 2_500.0)):
        (tmp_path / word).mkdir()
        for i in range(40):
            tone = 0.1 * np.sin(2 * np.pi * pitch * draw.uniform(0.95, 1.05) * time) + 0.01 * draw.standard_normal(
                4_000
            )
            soundfile.write(tmp_path / word / f"{i:08x}_nohash_0.wav", tone, 16_000)
    folder = read_speech_commands(tmp_path)

    def of(split: Split) -> Clips:
        spoken = [
            Spoken(lambda path=c.path: read_audio(path).astype(np.float32) / 32_768, c.samples, c.speaker, c.word)
            for c in folder.of(split)
        ]
        return Clips(stored(WithLevel().eval(), spoken, CPU, tmp_path / "kept"), spoken)

    outcome = spot(of("train"), of("dev"), of("test"), CPU, 0)
    assert outcome.rates["accuracy"].value == 1.0
    assert outcome.rates["accuracy"].n == len(folder.of("test"))

"""The light probe as a whole, on speech whose answer is known."""

from __future__ import annotations

from functools import partial

import jiwer
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmarks.downstream.features import LogMelControl
from benchmarks.downstream.probe import identify_speakers, transcribe
from benchmarks.downstream.spoken import Spoken
from benchmarks.downstream.symbols import ALPHABET

CPU = torch.device("cpu")
LETTERS = "ABCDE "


def tones(text: str, pitch: float, seed: int) -> NDArray[np.float32]:
    """Each character is 80 ms of its own tone, then 80 ms of quiet."""
    time = np.arange(1280) / 16_000
    parts = []
    for c in text:
        parts += [np.sin(2 * np.pi * pitch * 1.35 ** ALPHABET.index(c) * time), np.zeros(1280)]
    noise = np.random.default_rng(seed).standard_normal(2560 * len(text))
    return (0.2 * np.concatenate(parts) + 0.002 * noise).astype(np.float32)


def sung(count: int, speakers: list[str], pitch: float, seed: int) -> list[Spoken]:
    draw = np.random.default_rng(seed)
    found = []
    for i in range(count):
        text = " ".join("".join(draw.choice(list("ABCDE"), 4)) for _ in range(4))
        found.append(Spoken(partial(tones, text, pitch, seed + i), 2560 * len(text), speakers[i % len(speakers)], text))
    return found


def test_tones_are_spelled_and_rated() -> None:
    """Log-mel knows a tone from another: few errors, fewer than words, n utterances, an interval around the value."""
    test = sung(12, ["x", "y"], 300.0, 900)
    rates = transcribe(LogMelControl(), sung(150, ["a", "b"], 300.0, 0), test, CPU, 0)
    cer, wer = rates["cer"], rates["wer"]
    assert set(rates) == {"cer", "wer"}
    for rate in (cer, wer):
        assert rate.value is not None
        assert rate.ci95 is not None
        assert rate.ci95[0] <= rate.value <= rate.ci95[1]
        assert (rate.unit, rate.method, rate.n) == ("1", "measured", 12)
        assert "2 unseen speakers" in rate.note
        assert f"{150 * 19 * 0.16 / 3600:.2f} h" in rate.note
    assert cer.value is not None
    assert cer.value < 0.15  # a guess lies near 1


def test_rates_are_those_of_jiwer(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the transcripts fixed, pooled over utterances as jiwer pools them."""
    heard = ["ABCD ABCE", "B", ""]
    said = ["ABCD ABCD", "AB CD", "AAA"]

    class Fixed:
        def transcribe(self, _: object) -> list[str]:
            return heard

    monkeypatch.setattr("benchmarks.downstream.probe.train_probe", lambda *_: Fixed())
    test = [Spoken(partial(tones, "AB", 300.0, 0), 5120, "x", text) for text in said]
    rates = transcribe(LogMelControl(), test, test, CPU, 0)
    assert rates["cer"].value == pytest.approx(jiwer.cer(said, heard))
    assert rates["wer"].value == pytest.approx(jiwer.wer(said, heard))


def voices(counts: dict[str, int], pitches: dict[str, float]) -> list[Spoken]:
    """Utterances of many harmonics of a pitch; speakers take turns."""

    def hum(pitch: float, seed: int) -> NDArray[np.float32]:
        draw = np.random.default_rng(seed)
        time = np.arange(8000) / 16_000
        wave = sum(np.sin(2 * np.pi * pitch * h * time + draw.uniform(0, 6)) for h in range(1, 8))
        return (0.05 * wave * (1 + np.sin(2 * np.pi * 3 * time)) + 0.01 * draw.standard_normal(8000)).astype(np.float32)

    return [
        Spoken(partial(hum, pitches[speaker], 100 * ord(speaker) + i), 8000, speaker)
        for speaker, count in counts.items()
        for i in range(count)
    ]


class MeanKept(torch.nn.Module):
    """Log-mel with its level left in: what tells voices apart when pooled over time."""

    def __init__(self) -> None:
        super().__init__()
        self.control = LogMelControl()

    def forward(self, waveforms: torch.Tensor, lengths: torch.Tensor | None = None) -> object:
        found = self.control(waveforms, lengths)
        return found._replace(layers=(self.control.logmel(waveforms)[:, ::4][:, : found.layers[0].shape[1]],))


def test_two_voices_are_told_apart() -> None:
    rate = identify_speakers(MeanKept(), voices({"a": 12, "b": 12}, {"a": 110.0, "b": 230.0}), CPU, 0)["accuracy"]
    assert (rate.value, rate.unit, rate.n) == (1.0, "1", 12)
    assert "2 held-out speakers" in rate.note


def test_two_names_for_one_voice_are_not_told_apart() -> None:
    """The control: accuracy stays near a half, so speakers do not leak from training to test."""
    rate = identify_speakers(MeanKept(), voices({"a": 30, "b": 30}, {"a": 110.0, "b": 110.0}), CPU, 0)["accuracy"]
    assert rate.value == pytest.approx(0.5, abs=0.3)


@pytest.mark.parametrize("counts", [{"a": 9}, {"a": 1, "b": 1}, {"a": 3, "b": 1}])
def test_too_few_voices_have_no_accuracy(counts: dict[str, int]) -> None:
    """One speaker, or one with a single utterance that would be tested without training."""
    rate = identify_speakers(MeanKept(), voices(counts, {"a": 110.0, "b": 230.0}), CPU, 0)["accuracy"]
    assert rate.value is None
    assert "two speakers" in rate.note

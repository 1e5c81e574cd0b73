"""Speech recognition of a system as a whole, on speech whose answer is known."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

import jiwer
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ssl_benchmarks.downstream.features import LogMelControl
from ssl_benchmarks.downstream.recognition import recognition
from ssl_benchmarks.downstream.recognition.ctc_learning import Learned
from ssl_benchmarks.downstream.recognition.recognisers import BlstmHead, ConvolutionalHead, LinearHead
from ssl_benchmarks.downstream.recognition.recognition import (
    Effort,
    HeadName,
    Readings,
    Splits,
    fine_tuned,
    frozen,
    greedy,
    rated,
)
from ssl_benchmarks.downstream.recognition.spelling import LETTERS, PHONE_LANGUAGE, Language
from ssl_benchmarks.downstream.recognition.symbols import ALPHABET
from ssl_benchmarks.downstream.spoken import Spoken
from ssl_benchmarks.downstream.store import stored
from ssl_models.efficient.config import EncoderConfig
from ssl_models.efficient.encoder import EfficientEncoder

CPU = torch.device("cpu")


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


def readings(spoken: Sequence[Spoken], inputs: Sequence[torch.Tensor]) -> Readings:
    return Readings(spoken, [tuple(s.text) for s in spoken], inputs)


def effort(head: HeadName = "linear", hours: float = 1.0, seed: int = 0) -> Effort:
    return Effort(head, hours, seed, CPU)


@pytest.mark.slow
def test_tones_are_spelled_and_rated(tmp_path: Path) -> None:
    """Log-mel knows a tone from another: few errors, fewer than words, n utterances, an interval around the value."""
    parts = [
        sung(n, speakers, 300.0, seed)
        for n, speakers, seed in ((100, ["a", "b"], 0), (8, ["c"], 500), (12, ["x", "y"], 900))
    ]
    frames = [stored(LogMelControl().eval(), part, CPU, tmp_path) for part in parts]
    splits = Splits(*(readings(part, found.utterances) for part, found in zip(parts, frames, strict=True)))
    learned = frozen(frames[0], LETTERS, splits, effort())
    assert learned.converged
    outcome = rated(learned, LETTERS, splits, effort(), note="told")
    assert set(outcome.rates) == {"cer", "wer"}
    for rate in outcome.rates.values():
        assert rate.value is not None
        assert rate.ci95 is not None
        assert rate.ci95[0] <= rate.value <= rate.ci95[1]
        assert (rate.unit, rate.method, rate.n) == ("1", "measured", 12)
        assert rate.note.startswith(f"told, {100 * 19 * 0.16 / 3600:.2g} h of labels, 2 unseen speakers")
    cer, wer = (cast("float", outcome.rates[metric].value) for metric in ("cer", "wer"))
    assert cer < 0.15, "a guess lies near 1"
    assert cer < wer
    details = outcome.details
    assert details["learning_rate"] == learned.rate
    assert details["hours_heard"] == pytest.approx(learned.seconds_heard / 3600)
    assert len(details["dev_losses"]) == len(learned.dev_losses)


class Scripted(torch.nn.Module):
    """Hears what its utterances hold: path numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def forward(self, utterances: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        hot = torch.nn.functional.one_hot(utterances[0], len(ALPHABET) + 1).float()
        return (9 * hot * self.weight).log_softmax(-1)[None], torch.tensor([len(hot)])


def heard_as(heard: list[str], said: list[str], loss: float = 0.5) -> tuple[Learned, Splits]:
    paths = [torch.tensor([n for c in text for n in (ALPHABET.index(c) + 1, 0)], dtype=torch.long) for text in heard]
    spoken = [Spoken(partial(tones, "A", 300.0, 0), 16_000, "xyz"[i], text) for i, text in enumerate(said)]
    part = readings(spoken, paths)
    return Learned(Scripted().eval(), 0.1, {0.01: 2.0, 0.1: loss}, loss, 1.0, 7200.0), Splits(part, part, part)


def test_rates_are_those_of_jiwer() -> None:
    """Pooled over utterances as jiwer pools them; an utterance in which nothing is heard counts as deleted."""
    heard, said = ["ABCD ABCE", "B", ""], ["ABCD ABCD", "AB CD", "AAA"]
    outcome = rated(*_with(LETTERS, *heard_as(heard, said)), effort(), note="")
    assert outcome.rates["cer"].value == pytest.approx(jiwer.cer(said, heard))
    assert outcome.rates["wer"].value == pytest.approx(jiwer.wer(said, heard))


def _with(language: Language, learned: Learned, splits: Splits) -> tuple[Learned, Language, Splits]:
    return learned, language, splits


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_none_in_the_record(loss: float) -> None:
    """Records are strict JSON; such a head did not converge."""
    outcome = rated(*_with(LETTERS, *heard_as(["A"], ["A"], loss)), effort(), note="")
    assert outcome.converged is False
    assert outcome.details["train_loss"] is None
    assert outcome.details["dev_losses"] == {"0.01": 2.0, "0.1": None}
    json.dumps(outcome.details, allow_nan=False)


def test_phones_are_rated_as_words_of_a_phone_each() -> None:
    """One of three phones wrong is a third, whatever their names' lengths."""
    spelling = PHONE_LANGUAGE.spell(["HELLO", "XQZXQ", ""])
    assert spelling.units == (("HH", "AH", "L", "OW"), (), ())
    assert (spelling.about["utterances_left_out"], spelling.about["unknown_words"], spelling.about["words"]) == (
        1,
        1,
        2,
    )
    written = PHONE_LANGUAGE.written(["K", "AE", "T"])
    rates = PHONE_LANGUAGE.rates([written], [PHONE_LANGUAGE.written(["K", "AA", "T"])], ["x"], seed=0, note="")
    assert rates["per"].value == pytest.approx(1 / 3)


def test_greedy_takes_the_best_of_each_output() -> None:
    """A blank between keeps a double letter; by hand."""
    scores = torch.full((5, 29), -9.0)
    for t, symbol in enumerate((3, 3, 0, 3, 4)):
        scores[t, symbol] = 0.0
    assert list(greedy(LETTERS)(scores)) == ["A", "A", "B"]


@pytest.mark.parametrize(
    ("head", "whole", "kind"),
    [
        ("linear", False, LinearHead),
        ("deep", False, BlstmHead),
        ("linear", True, LinearHead),
        ("deep", True, ConvolutionalHead),
    ],
)
def test_heads_by_name_and_by_seed(head: HeadName, kind: type, *, whole: bool) -> None:
    state = torch.random.get_rng_state()
    one, same, other = (recognition._head(effort(head, seed=s), 6, 25.0, LETTERS, whole=whole) for s in (1, 1, 2))
    assert isinstance(one, kind)
    first, again, another = (torch.cat([p.flatten() for p in m.parameters()]) for m in (one, same, other))
    assert torch.equal(first, again)
    assert not torch.equal(first, another)
    assert torch.equal(state, torch.random.get_rng_state())


def test_passes_are_hours_over_hours_and_at_least_three() -> None:
    part = readings(sung(2, ["a"], 300.0, 0), [])
    assert effort(hours=1.0).passes(part) == pytest.approx(3600 / (2 * 19 * 0.16))
    assert effort(hours=1e-6).passes(part) == 3.0


def test_fine_tuning_leaves_the_encoder_that_it_is_handed() -> None:
    torch.manual_seed(0)
    encoder = EfficientEncoder(EncoderConfig(32, 1, 2, 64)).eval()
    before = {name: p.clone() for name, p in encoder.state_dict().items()}
    spoken = sung(6, ["a", "b"], 300.0, 0)
    part = readings(spoken, [torch.from_numpy(s.read()) for s in spoken])
    one, same = (fine_tuned(encoder, LETTERS, Splits(part, part, part), effort(hours=1e-6)) for _ in range(2))
    assert all(torch.equal(before[name], p) for name, p in encoder.state_dict().items())
    assert not encoder.training
    assert (one.rate, one.loss, one.control_loss) == (same.rate, same.loss, same.control_loss)
    assert one.recogniser.encoder is not encoder

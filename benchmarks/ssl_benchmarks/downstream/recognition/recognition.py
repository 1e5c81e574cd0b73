"""Speech recognition with a system: train on train, choose the learning rate on dev, test on test."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from ssl_benchmarks.downstream.features import Frames, LayerMix
from ssl_benchmarks.downstream.outcome import Outcome
from ssl_benchmarks.downstream.recognition.ctc_learning import (
    Labelled,
    Learned,
    Schedule,
    learn,
    log_probabilities,
    outputs_needed,
)
from ssl_benchmarks.downstream.recognition.recognisers import (
    BlstmHead,
    ConvolutionalHead,
    FrozenRecogniser,
    LinearHead,
    WholeRecogniser,
)
from ssl_benchmarks.downstream.recognition.spelling import Language
from ssl_benchmarks.downstream.spoken import Spoken
from ssl_models.interface import SAMPLE_RATE, Encoder
from ssl_models.optimisation import OptimisationConfig

HeadName = Literal["linear", "deep"]
BOOTSTRAP = "95 % bootstrap over speakers and their utterances"
FROZEN = OptimisationConfig(betas=(0.9, 0.999), weight_decay=0.0, clip=1e9, warmup=0.0, schedule="cosine")
WHOLE = OptimisationConfig(warmup=0.1, schedule="tri-stage", hold=0.4, final=0.05)
"""The rate rises, holds and decays over 10, 40 and 50 % of the steps, as in the fine-tuning of wav2vec 2.0 and essL."""
START = {"linear": 1e-2, "deep": 1e-3, "whole": 10**-3.5}
BATCH = {"cpu": 16.0, "cuda": 120.0}
"""Seconds of audio per step; with 60 s on a CPU, an hour of labels gives too few steps to make progress."""
FEWEST_PASSES = 3.0


@dataclass(frozen=True)
class Readings:
    """The utterances of a split in the form that one task uses.

    Attributes:
        spoken: utterances with a spelling.
        spelled: transcript of each in the language's symbols; never empty.
        inputs: features or waveform of each, read on access.
    """

    spoken: Sequence[Spoken]
    spelled: Sequence[Sequence[str]]
    inputs: Sequence[Tensor]

    def labelled(self, language: Language) -> Labelled:
        """The utterances for the CTC loop."""
        targets = [language.symbols.encode(units) for units in self.spelled]
        return Labelled(self.inputs, [s.samples / SAMPLE_RATE for s in self.spoken], targets)

    @property
    def hours(self) -> float:
        """Hours of speech."""
        return sum(s.samples for s in self.spoken) / SAMPLE_RATE / 3600


@dataclass(frozen=True)
class Splits:
    """The speech for training, choosing and testing."""

    train: Readings
    dev: Readings
    test: Readings


@dataclass(frozen=True)
class Effort:
    """How a recogniser is trained.

    Attributes:
        head: "linear", or "deep": SUPERB's BLSTM on frozen features, essL's convolutions on a whole encoder.
        hours: hours of labelled speech heard in training, repeats included; at least three passes.
        seed: for the head's weights and the order of batches.
        report: called with lines on the progress.
        left: seconds available.
    """

    head: HeadName
    hours: float
    seed: int
    device: torch.device
    precision: str = "float32"
    report: Callable[[str], None] = lambda _: None
    left: Callable[[], float] = lambda: math.inf

    def passes(self, readings: Readings) -> float:
        """Number of passes over the labelled speech."""
        return max(FEWEST_PASSES, self.hours / readings.hours)


def frozen(frames: Frames, language: Language, splits: Splits, effort: Effort) -> Learned:
    """Train a head on the learned weighting of all layers; `frames` are those of the training split, for its statistics."""
    mix = LayerMix.fitted(frames)

    def build() -> nn.Module:
        return frozen_recogniser(copy.deepcopy(mix), frames.frame_rate, language, effort).to(effort.device)

    batch_seconds = BATCH[effort.device.type]
    schedule = Schedule(
        effort.passes(splits.train),
        batch_seconds,
        START[effort.head],
        FROZEN,
        effort.precision,
        effort.report,
        effort.left,
    )
    return learn(build, splits.train.labelled(language), splits.dev.labelled(language), schedule, effort.seed)


def fine_tuned(encoder: Encoder, language: Language, splits: Splits, effort: Effort) -> Learned:
    """Train the whole encoder with a head on its last layer; `encoder` itself is not changed."""

    def build() -> nn.Module:
        return whole_recogniser(copy.deepcopy(encoder), language, effort).to(effort.device)

    batch_seconds = BATCH[effort.device.type]
    schedule = Schedule(
        effort.passes(splits.train), batch_seconds, START["whole"], WHOLE, effort.precision, effort.report, effort.left
    )
    return learn(build, splits.train.labelled(language), splits.dev.labelled(language), schedule, effort.seed)


def frozen_recogniser(mix: LayerMix, frame_rate: float, language: Language, effort: Effort) -> FrozenRecogniser:
    """The recogniser before training."""
    return FrozenRecogniser(mix, _head(effort, mix.mean.shape[1], frame_rate, language, whole=False))


def whole_recogniser(encoder: Encoder, language: Language, effort: Effort) -> WholeRecogniser:
    """The recogniser before training, without the random masks that transformers applies in training."""
    module = cast("Any", encoder)
    if hasattr(module, "mask_nothing"):
        module.mask_nothing()
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    with torch.no_grad():
        shown = module(torch.zeros(1, SAMPLE_RATE, device=device))
    width = shown.layers[-1].shape[-1]
    return WholeRecogniser(encoder, _head(effort, width, shown.frame_rate, language, whole=True), width)


def _head(effort: Effort, width: int, frame_rate: float, language: Language, *, whole: bool) -> nn.Module:
    """The head with random initial weights from the seed."""
    symbols = len(language.symbols.names)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(effort.seed)
        if effort.head == "linear":
            return LinearHead(width, symbols, frame_rate, language.context)
        return (ConvolutionalHead if whole else BlstmHead)(width, symbols, frame_rate)


Decoder = Callable[[Tensor], Sequence[str]]
"""Maps log-probabilities `(outputs, symbols + 1)` of an utterance to the recognised symbols."""


def rated(
    learned: Learned, language: Language, splits: Splits, effort: Effort, *, note: str, decode: Decoder | None = None
) -> Outcome:
    """Error rates on test, each utterance separately; without `decode`, the best symbol of each output is taken."""
    decode = decode or greedy(language)
    found = log_probabilities(learned.recogniser, splits.test.inputs, effort.precision)
    heard, too_long = [], dict(learned.too_long)
    for one, units in zip(found, splits.test.spelled, strict=True):
        heard.append(language.written(decode(one)))
        too_long["test"] = too_long.get("test", 0) + (len(one) < outputs_needed(language.symbols.encode(units)))
    said = [language.written(units) for units in splits.test.spelled]
    speakers = [s.speaker for s in splits.test.spoken]
    note = f"{note}{', learning-rate search cut short by the time limit' if learned.cut_short else ''}, {splits.train.hours:.2g} h of labels, {_rated_on(speakers)}{_too_long(too_long)}; {BOOTSTRAP}"
    rates = language.rates(said, heard, speakers, seed=effort.seed, note=note)
    details = {**learned.losses, "hours_heard": learned.seconds_heard / 3600}
    details |= {"cut_short": True} if learned.cut_short else {}
    details["texts_longer_than_outputs"] = too_long
    return Outcome(rates, learned.converged, details)


def _too_long(counts: Mapping[str, int]) -> str:
    """The numbers of texts too long for the outputs of their audio; empty if there are none."""
    found = ", ".join(f"{count} of {split}" for split, count in counts.items() if count)
    return f"; texts too long for the outputs of their audio, not trained on: {found}" if found else ""


def _rated_on(speakers: Sequence[str]) -> str:
    """The speakers tested; it is not known whether unknown speakers are unseen."""
    known, unknown = len(set(speakers) - {""}), speakers.count("")
    parts = [f"{known} unseen speakers"] * bool(known) + [f"{unknown} utterances of unknown speakers"] * bool(unknown)
    return " and ".join(parts)


def greedy(language: Language) -> Decoder:
    """A decoder that takes the best symbol of each output, merges repeats and drops blanks."""
    return lambda found: language.symbols.merged(found.argmax(-1).tolist())

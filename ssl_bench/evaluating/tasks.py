"""How each task of `ssl_bench.settings.tasks` is run on a subject: the speech it uses, and its findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ssl_bench.evaluating.subject import Finding, Subject
from ssl_benchmarks.downstream.abx.abx import abx
from ssl_benchmarks.downstream.features import LayerMix
from ssl_benchmarks.downstream.keywords import Clips, spot
from ssl_benchmarks.downstream.recognition.beam_search import beam_search
from ssl_benchmarks.downstream.recognition.ctc_learning import Learned
from ssl_benchmarks.downstream.recognition.recognition import (
    Decoder,
    Splits,
    fine_tuned,
    frozen,
    frozen_recogniser,
    rated,
    whole_recogniser,
)
from ssl_benchmarks.downstream.recognition.spelling import LETTERS, PHONE_LANGUAGE, Language
from ssl_benchmarks.downstream.recognition.symbols import ALPHABET
from ssl_benchmarks.downstream.speakers.identification import ROLES, identify
from ssl_benchmarks.downstream.speakers.verification import verify
from ssl_benchmarks.downstream.work import CLIP, Rates, recogniser_rates
from ssl_models.interface import SAMPLE_RATE

if TYPE_CHECKING:
    from ssl_bench.settings.evaluating import Head
    from ssl_benchmarks.downstream.spoken import Spoken


def _recognised(task: str, language: Language, subject: Subject, head: Head) -> list[Finding]:
    """Recognition with a head on frozen features."""
    splits, effort = subject.splits(task, language, waveforms=False), subject.effort(head)
    frames = subject.frames(splits.train.spoken)
    layers, width = frames.utterances[0].shape[1:]
    rates = recogniser_rates(
        lambda: frozen_recogniser(
            LayerMix(torch.zeros(layers, width), torch.ones(layers, width)), frames.frame_rate, language, effort
        ),
        lambda: torch.zeros(round(CLIP * frames.frame_rate), layers, width),
    )
    learned = frozen(frames, language, splits, effort)
    subject.spend("evaluation", _flops(rates, learned, splits))
    return _Recognition(task, language, subject, head, splits).findings(learned)


def asr_finetune(subject: Subject, head: Head) -> list[Finding]:
    """Fine-tune the whole encoder with a head on characters."""
    splits, effort = subject.splits("asr-finetune", LETTERS, waveforms=True), subject.effort(head)
    rates = recogniser_rates(
        lambda: whole_recogniser(subject.system.shape(), LETTERS, effort),
        lambda: torch.zeros(round(CLIP * SAMPLE_RATE)),
    )
    learned = fine_tuned(subject.encoder, LETTERS, splits, effort)
    subject.spend("finetuning", _flops(rates, learned, splits))
    return _Recognition("asr-finetune", LETTERS, subject, head, splits).findings(learned)


def _flops(rates: Rates, learned: Learned, splits: Splits) -> float:
    """FLOPs of learning, of dev after each learning rate, and of test once."""
    read = len(learned.dev_losses) * splits.dev.hours + splits.test.hours
    return rates.learning * learned.seconds_heard + rates.reading * read * 3600


@dataclass(frozen=True)
class _Recognition:
    """A recognition task on one subject."""

    task: str
    language: Language
    subject: Subject
    head: Head
    splits: Splits

    def findings(self, learned: Learned) -> list[Finding]:
        """Findings from greedy search and, for characters with a language model, from beam search."""
        note = f"{NOTES[self.task, self.head]}, CTC"
        found = [self._finding(self.head, learned, f"{note}, greedy", None)]
        model = self.subject.evaluation.language_model
        if model is not None and self.language is LETTERS:
            decode = partial(beam_search, alphabet=ALPHABET, language_model=model)
            words = [word for units in self.splits.test.spelled for word in self.language.written(units).split()]
            unknown = f"{model.unknown(words)} of the {len(words)} test words unknown"
            about = f"{note}, beam search with a {model.order}-gram ({unknown})"
            found.append(self._finding(f"{self.head}, beam", learned, about, decode))
        return found

    def _finding(self, head: str, learned: Learned, note: str, decode: Decoder | None) -> Finding:
        effort = self.subject.effort(self.head)
        outcome = rated(learned, self.language, self.splits, effort, note=note, decode=decode)
        return Finding(self.subject.system, self.task, head, outcome)


NOTES = {
    ("asr", "linear"): "linear map of 200 ms of frozen features",
    ("asr", "deep"): "2 x BiLSTM-1024 on frozen features",
    ("pr", "linear"): "frame-wise linear map of frozen features",
    ("pr", "deep"): "2 x BiLSTM-1024 on frozen features",
    ("asr-finetune", "linear"): "whole encoder fine-tuned with a linear map of 200 ms of its last layer",
    ("asr-finetune", "deep"): "whole encoder fine-tuned with essL's upsampling convolutions",
}


def _of_known_speakers(spoken: Sequence[Spoken]) -> list[Spoken]:
    """Utterances that speaker tasks can use; the others are counted in the record of the speech."""
    return [s for s in spoken if s.speaker]


def sid(subject: Subject, _: object) -> list[Finding]:
    """Identify the speakers of the test speech among those of all splits."""
    parts = subject.evaluation.speech.parts
    known = {role: _of_known_speakers(parts[role].spoken) for role in ROLES}
    spoken = [s for role in ROLES for s in known[role]]
    roles = [role for role in ROLES for _ in known[role]]
    outcome = identify(subject.frames(spoken), spoken, roles, subject.evaluation.device, subject.system.seed)
    return [Finding(subject.system, "sid", "linear", outcome)]


def asv(subject: Subject, _: object) -> list[Finding]:
    """Verify all pairs of test utterances, in layers standardised over the training speech."""
    speech = subject.evaluation.speech
    mix = LayerMix.fitted(subject.frames(speech.train))
    known = _of_known_speakers(speech.test)
    outcome = verify(mix, subject.frames(known), known, subject.system.seed)
    return [Finding(subject.system, "asv", None, outcome)]


def abx_of_phones(subject: Subject, _: object) -> list[Finding]:
    """Discriminate phones within and across the speakers of the aligned test speech."""
    tokens, spoken = subject.evaluation.tokens, subject.evaluation.speech.test
    outcomes = abx(subject.frames(spoken), tokens, subject.system.seed)
    return [Finding(subject.system, f"abx-{name}", None, outcome) for name, outcome in outcomes.items()]


def ks(subject: Subject, _: object) -> list[Finding]:
    """Spot the words of a Speech Commands folder, with its own splits."""
    splits = subject.evaluation.keywords
    train, dev, test = (Clips(subject.frames(spoken), spoken) for spoken in splits)
    outcome = spot(train, dev, test, subject.evaluation.device, subject.system.seed)
    folder = Path(subject.evaluation.settings.keywords or "")
    return [Finding(subject.system, "ks", "linear", outcome, folder.resolve().name)]


asr = partial(_recognised, "asr", LETTERS)
pr = partial(_recognised, "pr", PHONE_LANGUAGE)

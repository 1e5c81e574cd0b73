"""What is evaluated and how: a system, the evaluation it is part of, the system at work in it, and a finding."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ssl_bench.evaluating.forecast import FEATURES, Forecast
from ssl_bench.sessions.time_limit import TimeLimit
from ssl_bench.settings.evaluating import OF_LETTERS, OF_TEXT
from ssl_bench.settings.tasks import TASKS
from ssl_benchmarks.downstream.outcome import Outcome
from ssl_benchmarks.downstream.recognition.recognition import Effort, Readings, Splits
from ssl_benchmarks.downstream.recognition.spelling import Language, Spelling
from ssl_benchmarks.downstream.store import stored
from ssl_benchmarks.downstream.weights_hash import weights_hash
from ssl_benchmarks.downstream.work import encoder_rate
from ssl_models.errors import BadInputError
from ssl_models.interface import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ssl_bench.evaluating.speech import EvaluationSpeech
    from ssl_bench.settings.evaluating import EvaluationSettings, Head
    from ssl_benchmarks.downstream.abx.abx import Token
    from ssl_benchmarks.downstream.features import Frames
    from ssl_benchmarks.downstream.recognition.language_model import WordNgram
    from ssl_benchmarks.downstream.spoken import Spoken
    from ssl_benchmarks.energy import EnergyMeter


Report = Callable[[float], None]
"""Called with the seconds of each utterance that is processed."""


class Waves(Sequence[torch.Tensor]):
    """Waveforms `(n,)` of utterances."""

    def __init__(self, spoken: Sequence[Spoken]) -> None:
        self.spoken = spoken

    def __len__(self) -> int:
        return len(self.spoken)

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - a Sequence's own signature has two
        return torch.from_numpy(self.spoken[index].read())


class Heard(Sequence[torch.Tensor]):
    """The inputs of utterances; each reports its length whenever a learner takes it."""

    def __init__(self, inputs: Sequence[torch.Tensor], spoken: Sequence[Spoken], report: Report) -> None:
        self.inputs, self.spoken, self.report = inputs, spoken, report

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - a Sequence's own signature has two
        self.report(self.spoken[index].samples / SAMPLE_RATE)
        return self.inputs[index]


def telling(spoken: Spoken, report: Report) -> Spoken:
    """The same utterance, which reports its length whenever its samples are read."""

    def read() -> NDArray[np.float32]:
        report(spoken.samples / SAMPLE_RATE)
        return spoken.read()

    return replace(spoken, read=read)


@dataclass(frozen=True)
class System:
    """A system to evaluate.

    Attributes:
        name: its name in rows.
        seed: the seed of its heads, and of its weights where they are random.
        build: returns the encoder with its weights, on the CPU, in evaluation mode.
        shape: the same with arbitrary weights, for counting.
        control: the name of the system with the same architecture and random weights; empty if there is none.
        is_control: whether nothing in it was trained, so that its seed determines it.
        remark: what a reader of its rates needs to know.
    """

    name: str
    seed: int
    build: Callable[[], Any]
    shape: Callable[[], Any]
    control: str = ""
    is_control: bool = False
    remark: str = ""


@dataclass(frozen=True)
class Finding:
    """The outcome of one task with one head (None: nothing is learned) on one system.

    `tested_on` is set where it was not tested on the test speech.
    """

    system: System
    task: str
    head: str | None
    outcome: Outcome
    tested_on: str | None = None


@dataclass(eq=False)
class Evaluation:
    """One way of evaluating, the same for all systems.

    Attributes:
        meter: running; each system's frozen tasks are its window `NAME: evaluation`, fine-tuning `NAME: finetuning`.
        say: reports the current work.
        report: reports the progress of learning.
        flops: FLOPs by the names of those windows, as far as they could be counted.
        about: what was left out, by task.
        forecast: of the work left.
        limit: the time limit; None if there is none. Work that does not fit has a reason instead of a rate.
        keep_odd: whether keywords are also learned from clips with odd audio.
    """

    settings: EvaluationSettings
    speech: EvaluationSpeech
    device: torch.device
    precision: str
    meter: EnergyMeter
    say: Callable[[str], None]
    report: Callable[[System, str], None] = lambda _, __: None
    flops: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    about: dict[str, Any] = field(default_factory=dict)
    forecast: Forecast = field(default_factory=Forecast)
    limit: TimeLimit | None = None
    keep_odd: bool = False
    _spelled: dict[str, list[Spelling]] = field(default_factory=dict)

    def in_time(self) -> None:
        """Stop the current work if time is up.

        Raises:
            TimeIsUpError: if it is.
        """
        if self.limit is not None:
            self.limit.check()

    def heads(self, task: str) -> tuple[Head | None, ...]:
        """The heads of a task, the main one first; (None,) where there is no choice."""
        chosen = task in OF_TEXT
        return self.settings.chosen_heads(self.device.type) if chosen else (None,)

    def findings(self, task: str) -> int:
        """Number of findings per system: phones within and across speakers, transcripts by greedy and by beam search."""
        searched = task in OF_LETTERS and self.settings.lm is not None
        return len(self.heads(task)) * (2 if searched else TASKS[task].findings)

    def prepare(self) -> None:
        """Read what the tasks need besides speech, so that bad input is reported before hours of learning.

        Raises:
            BadInputError: for a file or folder that cannot be used.
        """
        tasks = set(self.settings.tasks)
        _ = self.tokens if "abx" in tasks else None
        _ = self.keywords if "ks" in tasks else None
        _ = self.language_model if tasks & OF_LETTERS else None

    def spelled(self, task: str, language: Language) -> list[Spelling]:
        """The texts of train, dev and test in a language's symbols.

        Raises:
            BadInputError: where a split has nothing to spell.
        """
        if task not in self._spelled:
            self.speech.require_text(task)
            splits = {"train": self.speech.train, "dev": self.speech.dev, "test": self.speech.test}
            found = {name: language.spell([s.text for s in spoken]) for name, spoken in splits.items()}
            for name, spelling in found.items():
                if not any(spelling.units):
                    raise BadInputError(f"--tasks {task}: no utterance of {name} has a transcript that can be spelled")
            self.about[task] = {name: spelling.about for name, spelling in found.items() if spelling.about}
            self._spelled[task] = list(found.values())
        return self._spelled[task]

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """Aligned phones of the test speech, for `--alignments`.

        Raises:
            BadInputError: where none of them belongs to it.
        """
        from ssl_bench.data.alignments import read_alignments

        found = read_alignments(Path(self.settings.alignments or ""), self.speech.test_utterances)
        self.about["abx"] = {
            "phones": len(found.tokens),
            "kinds_of_phones": len({token.phone for token in found.tokens}),
            "skipped": dict(found.skipped[:20]),
            "alignments_without_audio": len(found.without_audio),
            "audio_without_alignment": len(found.without_alignment),
            "at_boundaries": found.at_boundaries,
        }
        return found.tokens

    @cached_property
    def keywords(self) -> list[list[Spoken]]:
        """Train, dev and test of `--keywords`, each clip's word as its text.

        Raises:
            BadInputError: where the folder does not have the layout of Speech Commands.
        """
        from ssl_bench.data.speech_commands import read_keywords

        splits, self.about["ks"] = read_keywords(Path(self.settings.keywords or ""), keep_odd=self.keep_odd)
        return splits

    @cached_property
    def language_model(self) -> WordNgram | None:
        """The model of `--lm`; None without one."""
        if self.settings.lm is None:
            return None
        from ssl_benchmarks.downstream.recognition.language_model import WordNgram

        return WordNgram.load(Path(self.settings.lm))


@dataclass(eq=False)
class Subject:
    """A system at work: its encoder, and its features.

    Attributes:
        work: the current kind of work.
        limit: the time limit for it; None if there is none.
    """

    system: System
    evaluation: Evaluation
    work: str = ""
    limit: TimeLimit | None = None
    _frames: dict[tuple[Spoken, ...], Frames] = field(default_factory=dict)

    @cached_property
    def encoder(self) -> Any:  # noqa: ANN401 - a module that is an Encoder
        """The encoder on the device, in evaluation mode."""
        return self.system.build().to(self.evaluation.device).eval()

    def frames(self, spoken: Sequence[Spoken]) -> Frames:
        """Features of utterances; those in the store are neither extracted nor charged again."""
        asked, evaluation = tuple(spoken), self.evaluation
        if asked not in self._frames:
            watched = [telling(s, self._extracting) for s in spoken]
            found = stored(self.encoder, watched, evaluation.device, evaluation.settings.features, self._say)
            if found.extracted_seconds:
                self.spend("evaluation", self._encoder_rate * found.extracted_seconds)
            self._frames[asked] = found
        return self._frames[asked]

    @cached_property
    def digest(self) -> str:
        """Hash of the weights and everything else that determines its features."""
        return weights_hash(self.encoder)

    def spend(self, phase: str, flops: float) -> None:
        """Add computed FLOPs to the system's cost."""
        self.evaluation.flops[f"{self.system.name}: {phase}"] += flops

    @cached_property
    def _encoder_rate(self) -> float:
        return encoder_rate(self.system.shape)

    def _extracting(self, seconds: float) -> None:
        self.evaluation.in_time()
        self.evaluation.forecast.heard(FEATURES, seconds)
        self.evaluation.report(self.system, "extracting features")

    def _say(self, text: str) -> None:
        self.evaluation.say(f"{self.system.name}: {text}")

    def effort(self, head: Head) -> Effort:
        """How a recogniser learns."""
        e = self.evaluation
        hours = e.settings.chosen_hours(e.device.type)
        report = lambda text: e.report(self.system, text)  # noqa: E731 - one of two
        left = lambda: math.inf if self.limit is None else self.limit.left  # noqa: E731
        return Effort(head, hours, self.system.seed, e.device, e.precision, report, left)

    def splits(self, task: str, language: Language, *, waveforms: bool) -> Splits:
        """Train, dev and test as a recogniser takes them: waveforms, or frozen features; training input is counted."""
        speech = self.evaluation.speech
        parts = zip((speech.train, speech.dev, speech.test), self.evaluation.spelled(task, language), strict=True)
        train, dev, test = (self._readings(spoken, spelling, waveforms=waveforms) for spoken, spelling in parts)
        dev, test = (
            replace(r, inputs=Heard(r.inputs, r.spoken, lambda _: self.evaluation.in_time())) for r in (dev, test)
        )
        return Splits(replace(train, inputs=Heard(train.inputs, train.spoken, self._learning)), dev, test)

    def _learning(self, seconds: float) -> None:
        self.evaluation.in_time()
        self.evaluation.forecast.heard(self.work, seconds)

    def _readings(self, spoken: Sequence[Spoken], spelling: Spelling, *, waveforms: bool) -> Readings:
        kept = [(s, units) for s, units in zip(spoken, spelling.units, strict=True) if units]
        chosen = [s for s, _ in kept]
        inputs = Waves(chosen) if waveforms else self.frames(chosen).utterances
        return Readings(chosen, [units for _, units in kept], inputs)

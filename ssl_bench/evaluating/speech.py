"""The speech of an evaluation: who is learned from, who is tuned on, and who is rated."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

from ssl_bench.data.corpus import Corpus, Utterance, read_corpus
from ssl_bench.data.splits import (
    Split,
    drawn_hours,
    require_other_speakers,
    sample_split,
    split_speakers,
    unchecked,
)
from ssl_bench.data.usable import Oddities, readable, short_enough, with_text
from ssl_bench.data.waveforms import Waveforms
from ssl_bench.settings.evaluating import LABELS, OF_SPEAKERS, OF_TEXT, Labels
from ssl_benchmarks.downstream.recognition.symbols import normalise
from ssl_benchmarks.downstream.spoken import Spoken
from ssl_models.errors import BadInputError
from ssl_models.interface import SAMPLE_RATE

LABEL_HOURS: dict[Labels, float] = dict(zip(LABELS, (1 / 6, 1.0, math.inf), strict=True))
DEV_HOURS = 0.5
"""Learning rates are chosen on no more, so that tuning stays cheap."""
MOST_TESTED = 2.0
"""Hours of a run's own probe."""
FINAL = frozenset({"test-clean", "test-other"})
"""LibriSpeech's own test folders, which may rate and never choose."""


@dataclass(frozen=True)
class Part:
    """A split.

    Attributes:
        folder: it comes from.
        spoken: what tasks take; where the text is not known it is empty.
        utterances: the same as files, in the same order.
        available_hours: that `spoken` was drawn from.
        planned, planned_hours: utterances, and hours of them, that are taken where time does not limit them.
        told: utterances of the whole split whose speaker is known.
        odd: transcripts and lengths are counted over all of the split, decoding over what was drawn of it.
    """

    folder: Path
    spoken: tuple[Spoken, ...]
    utterances: tuple[Utterance, ...]
    available_hours: float
    odd: Oddities
    planned: int
    planned_hours: float
    told: int

    @property
    def hours(self) -> float:
        """That are taken."""
        return sum(s.samples for s in self.spoken) / SAMPLE_RATE / 3600

    def document(self) -> dict[str, Any]:
        """For the record."""
        return {
            "folder": str(self.folder),
            "utterances": len(self.spoken),
            "with_text": sum(bool(s.text) for s in self.spoken),
            "speakers": len({u.speaker for u in self.utterances if u.speaker is not None}),
            "of_unknown_speakers": sum(u.speaker is None for u in self.utterances),
            "hours": self.hours,
            "available_hours": self.available_hours,
            "planned_utterances": self.planned,
            "planned_hours": self.planned_hours,
            **self.odd.document(),
        }


@dataclass(frozen=True)
class EvaluationSpeech:
    """Speech by its use.

    Attributes:
        parts: by "train", "dev" and "test"; empty where no task takes any.
        labels: how much of train is learned from.
        how: dev and labels were chosen.
        tested_on: the name of the test folder.
        final: whether that is a final test set, on which nothing may be chosen.
        share: of each part that is taken, less than 1 where time limits it.
        effort: the part that recognisers hear of what they would of this share, less than 1 where time limits that too.
    """

    parts: dict[str, Part]
    labels: Labels
    how: str
    tested_on: str
    final: bool
    share: float = 1.0
    effort: float = 1.0

    @property
    def labels_taken(self) -> str:
        """How much of train is learned from, as rows that may be compared have to agree on it."""
        train = self.parts.get("train")
        taken = self.labels if self.share == 1.0 or train is None else f"{60 * train.hours:.2g}min"
        return taken if self.effort == 1.0 else f"{taken} ({self.effort:.2g} of the passes)"

    @property
    def test_taken(self) -> str:
        """What is rated, as rows that may be compared have to agree on it."""
        test = self.parts.get("test")
        if self.share == 1.0 or test is None:
            return self.tested_on
        return f"{self.tested_on} ({len(test.spoken)} of {test.planned} utterances)"

    @property
    def shortened(self) -> str:
        """What time left of each part and of learning; empty where all is taken."""
        taken = [f"{len(p.spoken)} of {p.planned} utterances of {name}" for name, p in self.parts.items() if p.planned]
        speech = "" if self.share == 1.0 else f"{', '.join(taken)}, as many as time allowed"
        learning = "" if self.effort == 1.0 else f"recognisers heard {self.effort:.2g} of what they hear with more time"
        return "; ".join(filter(None, (speech, learning)))

    def learned_with(self, effort: float) -> EvaluationSpeech:
        """The same speech for recognisers that hear this part of what they would."""
        less = replace(self, effort=effort)
        return (
            less
            if effort == 1.0
            else replace(less, how=f"{self.how.removesuffix(f'; {self.shortened}')}; {less.shortened}")
        )

    @property
    def train(self) -> tuple[Spoken, ...]:
        """What heads learn from."""
        return self.parts["train"].spoken

    @property
    def dev(self) -> tuple[Spoken, ...]:
        """What learning rates are chosen on."""
        return self.parts["dev"].spoken

    @property
    def test(self) -> tuple[Spoken, ...]:
        """What is rated."""
        return self.parts["test"].spoken

    @property
    def test_utterances(self) -> tuple[Utterance, ...]:
        """The files of `test`, in its order."""
        return self.parts["test"].utterances

    def require(self, task: str) -> None:
        """Refuse a task that needs transcripts or speakers where there are none.

        Raises:
            BadInputError: naming the folder and what would be right.
        """
        if task in OF_TEXT:
            self.require_text(task)
        part = self.parts.get("test")
        if task in OF_SPEAKERS and part is not None and not part.told:
            raise BadInputError(
                f"--tasks {task}: nothing tells who speaks in the speech to rate on ({part.folder}); lay it out as LibriSpeech "
                "(SPEAKER/CHAPTER/SPEAKER-CHAPTER-NUMBER.flac), or say it by --speakers PATTERN"
            )

    def require_text(self, task: str) -> None:
        """Refuse a task that needs transcripts where there are none.

        Raises:
            BadInputError: naming the folder.
        """
        for name, part in self.parts.items():
            if not any(s.text for s in part.spoken):
                raise BadInputError(
                    f"--tasks {task}: no utterance of {name} ({part.folder}) has a transcript; it needs *.trans.txt "
                    "files beside the audio, as in LibriSpeech"
                )

    def document(self) -> dict[str, Any]:
        """For the record."""
        parts = {name: part.document() for name, part in self.parts.items()}
        return {"labels": self.labels, "how": self.how, "final": self.final, "share": self.share, **parts}


SpeechAt = Callable[[float], EvaluationSpeech]
"""Gives a share of each part of an evaluation's speech, above 0 and at most 1, at least an utterance; drawn by the seed."""


def read_splits(
    train: Path,
    dev: Path | None,
    test: Path | None,
    labels: Labels,
    seed: int,
    **how: Any,  # noqa: ANN401 - as there
) -> EvaluationSpeech:
    """All the speech of folders; see `splits_of`."""
    return splits_of(train, dev, test, labels, seed, **how)(1.0)


def splits_of(
    train: Path,
    dev: Path | None,
    test: Path | None,
    labels: Labels,
    seed: int,
    *,
    share_speakers: bool = False,
    speakers: str | None = None,
    keep_odd: bool = False,
) -> SpeechAt:
    """The speech of folders; without `dev` a tenth of the train speakers, at least two, is taken for it.

    With `share_speakers`, which is for speaker identification, one speaker may stand in several; `speakers` is the pattern
    that tells them outside LibriSpeech's layout. `keep_odd` learns from files whose audio is odd, too.

    Raises:
        BadInputError: for a folder that cannot be used, no `test`, a speaker or file in two of them, or a final test set
            that would be learned from or chosen on.
    """
    if test is None:
        raise BadInputError("--test FOLDER is missing: speech of speakers that are not in --train, to rate on")
    for name, folder in (("train", train), ("dev", dev)):
        if folder is not None and (part := _final(folder)):
            raise BadInputError(f"--{name} {folder}: {part} is a final test set, never to learn from or choose on")
    corpora = {"train": read_corpus(train, speakers), "test": read_corpus(test, speakers)}
    if dev is not None:
        corpora["dev"] = read_corpus(dev, speakers)
    for (one, first), (other, second) in combinations(corpora.items(), 2):
        _check_apart(f"--{one}", first, f"--{other}", second, share_speakers=share_speakers)
    draw = _Draw(labels, seed, Waveforms(keep_odd=keep_odd), unchecked(*corpora.values()))
    return partial(_of_corpora, corpora["train"], corpora.get("dev"), corpora["test"], draw)


def no_speech(labels: Labels) -> EvaluationSpeech:
    """Where no task takes any: keywords have a folder and splits of their own."""
    return EvaluationSpeech({}, labels, "none is taken but the clips of --keywords", "", final=False)


def sample_splits(labels: Labels, seed: int) -> EvaluationSpeech:
    """All of the sample corpus; see `splits_of_sample`."""
    return splits_of_sample(labels, seed)(1.0)


def splits_of_sample(labels: Labels, seed: int) -> SpeechAt:
    """The sample corpus: a tenth of its speakers is tested, whom no run hears; a tenth of the others is dev.

    Raises:
        BadInputError: where it cannot be made.
    """
    from ssl_bench.data.sample.sample import sample_corpus

    corpus = read_corpus(sample_corpus())
    split = sample_split(corpus)
    train, test = replace(corpus, utterances=split.training), replace(corpus, utterances=split.held_out, skipped=())
    return partial(_of_corpora, train, None, test, _Draw(labels, seed, Waveforms()))


def _final(folder: Path) -> str | None:
    """The final test set that a folder is, lies in or holds."""
    resolved = folder.resolve()
    inside = (path.name for path in resolved.iterdir()) if resolved.is_dir() else ()
    return next((part for part in (*resolved.parts, *inside) if part in FINAL), None)


def _check_apart(one: str, first: Corpus, other: str, second: Corpus, *, share_speakers: bool) -> None:
    """Two splits share no file, and no speaker but for speaker identification."""
    files = {u.path.resolve() for u in first.utterances} & {u.path.resolve() for u in second.utterances}
    if files:
        raise BadInputError(f"{other} {second.root}: {len(files)} files of it, as {min(files)}, are in {one} too")
    if not share_speakers:
        require_other_speakers(other, second, one, first)


def split_speech(corpus: Corpus, split: Split, waveforms: Waveforms, seed: int) -> SpeechAt:
    """Of a run that held speakers out: labels and dev from those it was trained on, at most two hours of the others tested."""
    train = replace(corpus, utterances=split.training, skipped=())
    labelled = tuple(u for u in split.held_out if normalise(u.text or ""))
    test = replace(corpus, utterances=drawn_hours(labelled, MOST_TESTED, seed), skipped=())
    return partial(_of_corpora, train, None, test, _Draw("1h", seed, waveforms))


def held_out_speech(corpus: Corpus, split: Split, waveforms: Waveforms, seed: int) -> SpeechAt:
    """An hour of a run's held-out speakers, for what is learned and rated among them."""
    held_out = replace(corpus, utterances=split.held_out, skipped=())
    draw = _Draw("1h", seed, waveforms)

    def at(share: float) -> EvaluationSpeech:
        part = _part("--data", held_out, LABEL_HOURS["1h"], draw, share)
        none = replace(part, spoken=(), utterances=(), planned=0, planned_hours=0.0)
        parts = {"train": none, "dev": none, "test": part}
        return EvaluationSpeech(parts, "1h", split.how, corpus.root.resolve().name, final=False, share=share)

    return at


@dataclass(frozen=True)
class _Draw:
    """How parts are taken from corpora: how much is learned from, and by which seed; decoded speech is kept.

    `unchecked` is what the check of their speakers could not see.
    """

    labels: Labels
    seed: int
    waveforms: Waveforms
    unchecked: str = ""


def _of_corpora(train: Corpus, dev: Corpus | None, test: Corpus, draw: _Draw, share: float) -> EvaluationSpeech:
    how = "those of --dev"
    if dev is None:
        train, dev, how = _dev_from(train, draw.seed)
    most = LABEL_HOURS[draw.labels]
    parts = {
        "train": _part("--train", train, most, draw, share),
        "dev": _part("--dev", dev, DEV_HOURS, draw, share),
        "test": _part("--test", test, math.inf, draw, share),
    }
    drawn = "all" if most == math.inf else f"at most {60 * most:.0f} minutes, drawn by the seed"
    how = f"dev speakers: {how}; dev: at most {60 * DEV_HOURS:.0f} minutes, drawn by the seed; labels: {drawn}{draw.unchecked}"
    found = EvaluationSpeech(parts, draw.labels, how, test.root.resolve().name, _final(test.root) is not None, share)
    return replace(found, how=f"{how}; {found.shortened}") if found.shortened else found


def _dev_from(train: Corpus, seed: int) -> tuple[Corpus, Corpus, str]:
    """What is left of train, and what is taken for dev: speakers, or utterances where the speakers are too few."""
    split = split_speakers(train, None, seed)
    if split.held_out:
        dev, how = split.held_out, f"{split.how}, of --train"
    elif len(train.utterances) > 1:
        every = max(2, min(10, len(train.utterances) // 2))
        dev = train.utterances[::every]
        how = f"those of --train, who are too few to take some out: one utterance in {every}"
    else:
        raise BadInputError(f"--train {train.root}: a single utterance leaves none for dev; give --dev FOLDER")
    taken = set(dev)
    kept = tuple(u for u in train.utterances if u not in taken)
    return replace(train, utterances=kept), replace(train, utterances=dev, skipped=()), how


def _part(name: str, corpus: Corpus, most_hours: float, draw: _Draw, share: float) -> Part:
    """A share of a split of a corpus; what does not all fit is drawn among utterances with text where there are any."""
    seen = Oddities()
    for path, reason in corpus.skipped:
        seen.leave_out("broken", path, reason)
    whole = short_enough(corpus.utterances, seen) if name == "--train" else corpus.utterances
    labelled = with_text(whole, seen)
    planned = whole if most_hours == math.inf else drawn_hours(labelled or whole, most_hours, draw.seed)
    pool = labelled or whole if most_hours == math.inf else planned
    while True:
        drawn = planned if share >= 1.0 else drawn_hours(pool, share * _hours(planned), draw.seed)
        odd = copy.deepcopy(seen)
        utterances, spoken = readable(drawn, draw.waveforms, odd, training=name == "--train")
        if spoken or share >= 1.0:
            break
        share *= 8  # what was drawn is broken
    if not spoken:
        raise BadInputError(f"{name} {corpus.root}: no utterance in it can be used ({_most_frequent(odd)})")
    told = len(corpus.utterances) - corpus.of_unknown_speakers
    return Part(corpus.root, tuple(spoken), tuple(utterances), _hours(whole), odd, len(planned), _hours(planned), told)


def _hours(utterances: Iterable[Utterance]) -> float:
    return sum(u.samples for u in utterances) / SAMPLE_RATE / 3600


def _most_frequent(odd: Oddities) -> str:
    return ", ".join(f"{kind.replace('_', ' ')}: {count}" for kind, count in odd.counts.most_common(3) if count)

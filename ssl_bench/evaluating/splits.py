"""How the speech of an evaluation is drawn from folders, from the sample corpus, and from what a run held out."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from pathlib import Path

from ssl_bench.data.corpus import Corpus, hours, read_corpus
from ssl_bench.data.splits import Split, drawn_hours, require_other_speakers, sample_split, split_speakers, unchecked
from ssl_bench.data.usable import Oddities, readable, short_enough, with_text
from ssl_bench.data.waveforms import Waveforms
from ssl_bench.evaluating.speech import EvaluationSpeech, Part, SpeechAt
from ssl_bench.settings.evaluating import LABELS, Labels
from ssl_benchmarks.downstream.recognition.symbols import normalise
from ssl_models.errors import BadInputError

LABEL_HOURS: dict[Labels, float] = dict(zip(LABELS, (1 / 6, 1.0, math.inf), strict=True))
DEV_HOURS = 0.5
"""Most hours to choose learning rates on, so that tuning stays cheap."""
MOST_TESTED = 2.0
"""Most hours of a run's own probe."""
FINAL = frozenset({"test-clean", "test-other"})
"""LibriSpeech's own test folders: for final rates, never for tuning."""


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
    """The speech of folders; without `dev`, a tenth of the train speakers, at least two, is used for it.

    With `share_speakers`, meant for speaker identification, a speaker may occur in several; `speakers` is the pattern that
    finds them outside LibriSpeech's layout. With `keep_odd`, files with odd audio are learned from, too.

    Raises:
        BadInputError: for a folder that cannot be used, no `test`, a speaker or file in two of them, or a final test set
            used to train or tune.
    """
    if test is None:
        raise BadInputError("--test FOLDER is missing: give speech of speakers that are not in --train")
    for name, folder in (("train", train), ("dev", dev)):
        if folder is not None and (part := _final(folder)):
            raise BadInputError(f"--{name} {folder}: {part} is a final test set, never to train or tune on")
    corpora = {"train": read_corpus(train, speakers), "test": read_corpus(test, speakers)}
    if dev is not None:
        corpora["dev"] = read_corpus(dev, speakers)
    for (one, first), (other, second) in combinations(corpora.items(), 2):
        _check_apart(f"--{one}", first, f"--{other}", second, share_speakers=share_speakers)
    draw = _Draw(labels, seed, Waveforms(keep_odd=keep_odd), unchecked(*corpora.values()))
    return partial(_of_corpora, corpora["train"], corpora.get("dev"), corpora["test"], draw)


def sample_splits(labels: Labels, seed: int) -> EvaluationSpeech:
    """All of the sample corpus; see `splits_of_sample`."""
    return splits_of_sample(labels, seed)(1.0)


def splits_of_sample(labels: Labels, seed: int) -> SpeechAt:
    """The sample corpus: a tenth of its speakers is tested, whom no run hears; a tenth of the others is dev."""
    from ssl_bench.data.sample.sample import sample_corpus

    corpus = read_corpus(sample_corpus())
    split = sample_split(corpus)
    train, test = replace(corpus, utterances=split.training), replace(corpus, utterances=split.held_out, skipped=())
    return partial(_of_corpora, train, None, test, _Draw(labels, seed, Waveforms()))


def _final(folder: Path) -> str | None:
    """The final test set that a folder is, lies in or contains; None if there is none."""
    resolved = folder.resolve()
    inside = (path.name for path in resolved.iterdir()) if resolved.is_dir() else ()
    return next((part for part in (*resolved.parts, *inside) if part in FINAL), None)


def _check_apart(one: str, first: Corpus, other: str, second: Corpus, *, share_speakers: bool) -> None:
    """Refuse two splits that share a file or, except for speaker identification, a speaker."""
    files = {u.path.resolve() for u in first.utterances} & {u.path.resolve() for u in second.utterances}
    if files:
        raise BadInputError(
            f"{other} {second.root}: {len(files)} of its files, such as {min(files)}, are also in {one}"
        )
    if not share_speakers:
        require_other_speakers(other, second, one, first)


def split_speech(corpus: Corpus, split: Split, waveforms: Waveforms, seed: int) -> SpeechAt:
    """The speech of a run that held speakers out: labels and dev from the training speakers, test from the others."""
    train = replace(corpus, utterances=split.training, skipped=())
    labelled = tuple(u for u in split.held_out if normalise(u.text or ""))
    test = replace(corpus, utterances=drawn_hours(labelled, MOST_TESTED, seed), skipped=())
    return partial(_of_corpora, train, None, test, _Draw("1h", seed, waveforms))


def held_out_speech(corpus: Corpus, split: Split, waveforms: Waveforms, seed: int) -> SpeechAt:
    """An hour of a run's held-out speakers, for tasks that learn and rate among them."""
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
    """How parts are drawn from corpora: the amount of labels, the seed, and where decoded speech is kept.

    `unchecked` is what the check of their speakers could not cover.
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
    drawn = "all" if most == math.inf else f"at most {60 * most:.0f} minutes, drawn at random"
    how = f"dev speakers: {how}; dev: at most {60 * DEV_HOURS:.0f} minutes, drawn at random; labels: {drawn}{draw.unchecked}"
    return EvaluationSpeech(parts, draw.labels, how, test.root.resolve().name, _final(test.root) is not None, share)


def _dev_from(train: Corpus, seed: int) -> tuple[Corpus, Corpus, str]:
    """What is left of train, dev, and how it was chosen: by speakers, or by utterances where speakers are too few."""
    split = split_speakers(train, None, seed)
    if split.held_out:
        dev, how = split.held_out, f"{split.how}, from --train"
    elif len(train.utterances) > 1:
        every = max(2, min(10, len(train.utterances) // 2))
        dev = train.utterances[::every]
        how = f"those of --train, which are too few to hold any out: one utterance in {every}"
    else:
        raise BadInputError(f"--train {train.root}: a single utterance leaves none for dev; give --dev FOLDER")
    taken = set(dev)
    kept = tuple(u for u in train.utterances if u not in taken)
    return replace(train, utterances=kept), replace(train, utterances=dev, skipped=()), how


def _part(name: str, corpus: Corpus, most_hours: float, draw: _Draw, share: float) -> Part:
    """A share of a corpus; where not all of it is used, it is drawn from utterances with text if there are any."""
    seen = Oddities()
    for path, reason in corpus.skipped:
        seen.leave_out("broken", path, reason)
    whole = short_enough(corpus.utterances, seen) if name == "--train" else corpus.utterances
    labelled = with_text(whole, seen)
    planned = whole if most_hours == math.inf else drawn_hours(labelled or whole, most_hours, draw.seed)
    pool = labelled or whole if most_hours == math.inf else planned
    while True:
        drawn = planned if share >= 1.0 else drawn_hours(pool, share * hours(planned), draw.seed)
        odd = copy.deepcopy(seen)
        utterances, spoken = readable(drawn, draw.waveforms, odd, training=name == "--train")
        if spoken or share >= 1.0:
            break
        share *= 8  # what was drawn is broken
    if not spoken:
        raise BadInputError(f"{name} {corpus.root}: none of its utterances can be used ({_most_frequent(odd)})")
    known = len(corpus.utterances) - corpus.of_unknown_speakers
    return Part(corpus.root, tuple(spoken), tuple(utterances), hours(whole), odd, len(planned), hours(planned), known)


def _most_frequent(odd: Oddities) -> str:
    return ", ".join(f"{kind.replace('_', ' ')}: {count}" for kind, count in odd.counts.most_common(3) if count)

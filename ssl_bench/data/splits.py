"""Speakers held out from training, and speech drawn with labels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ssl_bench.data.corpus import Corpus, Utterance
from ssl_benchmarks.files.text_files import shown
from ssl_models.errors import BadInputError
from ssl_models.interface import SAMPLE_RATE

FEWEST_HELD_OUT = 2


@dataclass(frozen=True)
class Split:
    """Speech by use.

    Attributes:
        training: speech that targets and pretraining use.
        held_out: speech of speakers unseen before the probe; empty if there are none.
        speakers: the held-out speakers, sorted.
        how: how they were chosen, or why there are none.
        unchecked: what the check of speakers could not cover (see `unchecked`).
    """

    training: tuple[Utterance, ...]
    held_out: tuple[Utterance, ...]
    speakers: tuple[str, ...]
    how: str
    unchecked: str = ""


def split_speakers(corpus: Corpus, evaluation: Corpus | None, seed: int) -> Split:
    """Held-out speakers: those of `evaluation`; else a tenth of the corpus's own, at least two, drawn with `seed`.

    Raises:
        BadInputError: where a speaker of `evaluation` also speaks in the training speech.
    """
    if evaluation is not None:
        require_other_speakers("--eval-data", evaluation, "", corpus)
        blind = unchecked(corpus, evaluation)
        return Split(corpus.utterances, evaluation.utterances, evaluation.speakers, "those of --eval-data", blind)
    speakers = corpus.speakers
    wanted = max(FEWEST_HELD_OUT, math.ceil(len(speakers) / 10))
    if len(speakers) < wanted + 1:
        reason = f"{len(speakers)} known speakers are too few to hold any out; give others with --eval-data"
        return Split(corpus.utterances, (), (), reason)
    chosen = np.random.default_rng([seed, 7]).choice(len(speakers), wanted, replace=False)
    kept = tuple(sorted(speakers[i] for i in chosen))
    return Split(
        tuple(u for u in corpus.utterances if u.speaker not in kept),
        tuple(u for u in corpus.utterances if u.speaker in kept),
        kept,
        f"{wanted} of {len(speakers)} speakers, drawn at random",
        unchecked(corpus),
    )


def require_other_speakers(asked: str, rated: Corpus, beside: str, learned: Corpus) -> None:
    """Refuse two parts that share a known speaker; `asked` and `beside` are the names of the options.

    Raises:
        BadInputError: naming the speakers.
    """
    shared = sorted(set(rated.speakers) & set(learned.speakers))
    if shared:
        more = f" and {len(shared) - 5} more" if len(shared) > 5 else ""
        raise BadInputError(
            f"{asked} {rated.root}: speakers {', '.join(shared[:5])}{more} also speak in {f'{beside} {learned.root}'.strip()}; "
            "give speech of other speakers"
        )


def unchecked(*corpora: Corpus) -> str:
    """What the check of speakers could not cover, to append to how they were chosen; empty if it covered all."""
    blind = [
        f"{corpus.of_unknown_speakers} of {len(corpus.utterances)} utterances of {shown(corpus.root)}"
        for corpus in corpora
        if corpus.of_unknown_speakers
    ]
    return f"; not checked for overlap, as the speakers are unknown: {' and '.join(blind)}" if blind else ""


def sample_split(corpus: Corpus) -> Split:
    """The split of the sample corpus, the same for every seed: all runs are rated on these speakers, whom none may hear."""
    split = split_speakers(corpus, None, 0)
    return replace(split, how=f"{len(split.speakers)} of {len(corpus.speakers)} speakers, the same for every seed")


def drawn_hours(utterances: tuple[Utterance, ...], most_hours: float, seed: int) -> tuple[Utterance, ...]:
    """Utterances in random order up to `most_hours`, at least one if there are any."""
    drawn: list[Utterance] = []
    left = most_hours * 3600 * SAMPLE_RATE
    for i in np.random.default_rng([seed, 11]).permutation(len(utterances)):
        utterance = utterances[i]
        if drawn and utterance.samples > left:
            continue
        drawn.append(utterance)
        left -= utterance.samples
    return tuple(drawn)

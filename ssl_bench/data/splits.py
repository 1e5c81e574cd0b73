"""Who is kept from training, and who gives labels."""

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
    """Speech by its use.

    Attributes:
        training: what targets and pretraining see.
        held_out: of speakers that nothing before the probe has seen; empty where there are none.
        speakers: the held-out speakers, sorted.
        how: how they were chosen, or why there are none.
        unchecked: what the check of speakers could not see (see `unchecked`).
    """

    training: tuple[Utterance, ...]
    held_out: tuple[Utterance, ...]
    speakers: tuple[str, ...]
    how: str
    unchecked: str = ""


def split_speakers(corpus: Corpus, evaluation: Corpus | None, seed: int) -> Split:
    """Held-out speakers: those of `evaluation`; else a tenth of the corpus' own, at least two, drawn by `seed`.

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
        reason = f"{len(speakers)} known speakers are too few to hold any out; name others by --eval-data"
        return Split(corpus.utterances, (), (), reason)
    chosen = np.random.default_rng([seed, 7]).choice(len(speakers), wanted, replace=False)
    kept = tuple(sorted(speakers[i] for i in chosen))
    return Split(
        tuple(u for u in corpus.utterances if u.speaker not in kept),
        tuple(u for u in corpus.utterances if u.speaker in kept),
        kept,
        f"{wanted} of {len(speakers)} speakers, drawn by the seed",
        unchecked(corpus),
    )


def require_other_speakers(asked: str, rated: Corpus, beside: str, learned: Corpus) -> None:
    """Refuse two parts with a speaker in common, as far as their speakers are known; `asked` and `beside` name the options.

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
    """What the check of speakers could not see, to be put after how they were chosen; empty where it saw all."""
    blind = [
        f"{corpus.of_unknown_speakers} of {len(corpus.utterances)} utterances of {shown(corpus.root)}"
        for corpus in corpora
        if corpus.of_unknown_speakers
    ]
    if not blind:
        return ""
    return (
        f"; who speaks in {' and '.join(blind)} is unknown, so that nobody speaks elsewhere too is not checked for them"
    )


def sample_split(corpus: Corpus) -> Split:
    """Of the sample corpus, the same whatever the seed: evaluations rate all runs on these speakers, whom none may hear."""
    split = split_speakers(corpus, None, 0)
    return replace(split, how=f"{len(split.speakers)} of {len(corpus.speakers)} speakers, the same for every seed")


def drawn_hours(utterances: tuple[Utterance, ...], most_hours: float, seed: int) -> tuple[Utterance, ...]:
    """Utterances in random order up to `most_hours`, at least one where there is any."""
    drawn: list[Utterance] = []
    left = most_hours * 3600 * SAMPLE_RATE
    for i in np.random.default_rng([seed, 11]).permutation(len(utterances)):
        utterance = utterances[i]
        if drawn and utterance.samples > left:
            continue
        drawn.append(utterance)
        left -= utterance.samples
    return tuple(drawn)

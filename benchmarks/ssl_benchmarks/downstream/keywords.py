"""Keyword spotting: a linear head on mean-pooled features classifies the word of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ssl_benchmarks.downstream.features import Frames, LayerMix
from ssl_benchmarks.downstream.outcome import Outcome
from ssl_benchmarks.downstream.pooled import Chosen, Examples, learn, pooled
from ssl_benchmarks.downstream.spoken import Spoken
from ssl_benchmarks.record.bootstrap import pooled_rate
from ssl_benchmarks.record.quantity import unavailable


@dataclass(frozen=True)
class Clips:
    """A split of clips of one word each.

    Attributes:
        frames: features of the clips.
        spoken: speaker of each clip, and its word as the text.
    """

    frames: Frames
    spoken: Sequence[Spoken]


def spot(train: Clips, dev: Clips, test: Clips, device: torch.device, seed: int) -> Outcome:
    """Accuracy over all words, weighted by their frequency in the clips.

    SUPERB's task of this name has twelve classes (ten words, silence, and all others as one), so its figures differ. A
    word that no training clip contains cannot be recognised: its clips count as errors, and such words are counted.
    """
    splits = {"train": train, "dev": dev, "test": test}
    words = sorted({s.text for clips in splits.values() for s in clips.spoken})
    means = {name: pooled(clips.frames) for name, clips in splits.items()}
    details: dict[str, Any] = {"words": len(words)}
    details |= {name: len(places) for name, (_, places) in means.items()}
    details["clips_without_features"] = sum(len(c.spoken) - details[name] for name, c in splits.items())
    learned_from = {train.spoken[i].text for i in means["train"][1]}
    details["words_not_in_train"] = len(words) - len(learned_from)
    empty = [name for name in splits if not details[name]]
    if empty or len(learned_from) < 2:
        lack = f"none in {' and '.join(empty)}" if empty else f"train contains only {', '.join(learned_from)}"
        return Outcome(
            {"accuracy": unavailable("1", f"keyword spotting needs clips of at least two words: {lack}")}, None, details
        )

    def examples(name: str) -> Examples:
        features, places = means[name]
        return Examples(features, torch.tensor([words.index(splits[name].spoken[i].text) for i in places]))

    mix = LayerMix.fitted(Frames(Chosen(train.frames.utterances, means["train"][1]), train.frames.frame_rate))
    classifier = learn(mix, examples("train"), examples("dev"), device, seed)
    tested = examples("test")
    hits = (classifier.classes(tested.features) == tested.labels).double().tolist()
    speakers = [test.spoken[i].speaker for i in means["test"][1]]
    note = (
        f"linear head on mean-pooled frozen features, one of {len(words)} words, {len(set(speakers))} unseen speakers"
    )
    if details["words_not_in_train"]:
        note += f"; {details['words_not_in_train']} words are not in train"
    note += "; 95 % bootstrap over speakers and their utterances"
    rate = pooled_rate(hits, [1.0] * len(hits), speakers, seed=seed, note=note)
    return Outcome({"accuracy": rate}, classifier.converged, details | classifier.details)

"""The ABX task: whether a phone is closer to another token of itself than to a token of another phone."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssl_benchmarks.downstream.abx.average import Average, Cells
from ssl_benchmarks.downstream.abx.dtw import pair_distances
from ssl_benchmarks.downstream.abx.triples import (
    MOST_TOKENS,
    MOST_X_SPEAKERS,
    Comparison,
    Token,
    across,
    grouped,
    within,
)
from ssl_benchmarks.downstream.outcome import Outcome
from ssl_benchmarks.record.quantity import Quantity, unavailable

if TYPE_CHECKING:
    from ssl_benchmarks.downstream.features import Frames

__all__ = ["Token", "abx"]

TIE = 1e-5
"""Distances (0 to 1) that differ by less count as equal: angles are known to a millionth."""

FEWEST_SPEAKERS = {"within": 2, "across": 3}
"""Fewest speakers for an interval: with fewer, all resamples are the same."""

NEEDS = {
    "within": "no speaker has two tokens of one phone and one of another between the same two phones",
    "across": "no two speakers have tokens of one phone, and one of them a token of another, between the same two phones",
}


def abx(frames: Frames, tokens: Sequence[Token], seed: int) -> dict[str, Outcome]:
    """The error of phone ABX `within` one speaker and `across` speakers; nothing is learned.

    A and X are tokens of one phone, B of another, all between the same two phones. The error is the share of triples
    whose X is nearer to B than to A, with ties counted as half (Schatz et al., Interspeech 2013), averaged as in
    Libri-Light (Kahn et al., arXiv:1912.07875): within a cell, then over contexts and speakers of X, then over
    speakers of A and B, then over ordered pairs of phones. Within: A, B and X from one speaker. Across: A and B from
    one, X from another. The rate is that of the last layer; each layer's error is in the details.

    Args:
        frames: features of the utterances.
        tokens: each with the index of its utterance in `frames`.
        seed: for drawing tokens of large groups, drawing among many speakers of X, and the bootstrap.
    """
    draw = np.random.default_rng([seed, 17])
    spans, counts = _spans(frames, tokens)
    groups, counts["tokens over the cap"] = grouped(tokens, list(spans), draw)
    others, left_out = across(groups, draw)
    plans = {"within": list(within(groups)), "across": others}
    pairs = {name: [_pairs(comparison, len(tokens)) for comparison in plan] for name, plan in plans.items()}
    every = np.unique(np.concatenate([np.empty(0, np.int64), *(p.ravel() for plan in pairs.values() for p in plan)]))
    layers = frames.utterances[0].shape[1] if len(frames.utterances) else 0
    distances = _distances(frames, tokens, spans, every, layers)
    outcomes = {}
    for name, plan in plans.items():
        details = {**counts, "x speakers over the cap": left_out if name == "across" else 0, "layer": layers - 1}
        details |= {"frame rate": frames.frame_rate, "most tokens": MOST_TOKENS, "most x speakers": MOST_X_SPEAKERS}
        looked_up = [distances[:, np.searchsorted(every, p)] for p in pairs[name]]
        outcomes[name] = _outcome(name, _cells(plan, looked_up) if plan else None, seed, details)
    return outcomes


def _spans(frames: Frames, tokens: Sequence[Token]) -> tuple[dict[int, slice], dict[str, Any]]:
    """The frames of each usable token (those centred within it), and counts of tokens that are not usable."""
    counts = {"tokens": len(tokens), "tokens without a frame": 0, "tokens not finite": 0}
    by_utterance: dict[int, list[int]] = defaultdict(list)
    for i, token in enumerate(tokens):
        by_utterance[token.utterance].append(i)
    spans = {}
    for utterance, members in by_utterance.items():
        finite = frames.utterances[utterance].isfinite().flatten(1).all(1).numpy()
        for i in members:
            edges = (max(0, math.ceil(t * frames.frame_rate - 0.5)) for t in (tokens[i].onset, tokens[i].offset))
            span = slice(*edges)
            if not len(finite[span]):
                counts["tokens without a frame"] += 1
            elif not finite[span].all():
                counts["tokens not finite"] += 1
            else:
                spans[i] = span
    return spans, counts


def _pairs(comparison: Comparison, tokens: int) -> NDArray[np.int64]:
    """Each X with each A and then each B as one number, the lower token first: distances are symmetric."""
    x, others = comparison.x[:, None], np.concatenate([comparison.a, *comparison.b.values()])
    return np.minimum(x, others) * tokens + np.maximum(x, others)


def _distances(
    frames: Frames, tokens: Sequence[Token], spans: dict[int, slice], pairs: NDArray[np.int64], layers: int
) -> NDArray[np.float32]:
    """`(layers, pairs)`."""
    first, second = np.divmod(pairs, max(1, len(tokens)))
    used = np.array(sorted(set(first.tolist()) | set(second.tolist()), key=lambda i: (tokens[i][4:6], i)), np.int64)
    blocks = [at for at, i in enumerate(used) if at == 0 or tokens[i][4:6] != tokens[used[at - 1]][4:6]]
    place = np.zeros(len(tokens), np.int64)
    place[used] = np.arange(len(used))
    # Tokens of one context are adjacent, so that their angles are one matrix product.
    order = np.lexsort((place[second], place[first]))
    distances = np.empty((layers, len(pairs)), np.float32)
    utterances = dict.fromkeys(tokens[i].utterance for i in used)
    for layer, row in enumerate(distances):
        whole = {u: frames.utterances[u][:, layer].clone().numpy() for u in utterances}
        stretches = [whole[tokens[i].utterance][spans[i]] for i in used.tolist()]
        row[order] = pair_distances(stretches, place[first][order], place[second][order], np.array(blocks, np.int64))
    return distances


def _cells(plan: Sequence[Comparison], distances: Sequence[NDArray[np.float32]]) -> Cells:
    """The share of errors of each cell; `distances` has `(layers, X, A and then all B)` for each comparison."""
    phones, speakers, x_speakers, errors = [], [], [], []
    triples = 0
    for task, near in zip(plan, distances, strict=True):
        x, a = np.nonzero(task.x[:, None] != task.a)
        to_a, to_b = near[:, x, a, None], near[:, :, len(task.a) :][:, x]
        wrong = (to_a > to_b + TIE) + 0.5 * (abs(to_a - to_b) <= TIE)
        starts = np.cumsum([0, *map(len, task.b.values())])[:-1]
        sizes = np.array([*map(len, task.b.values())])
        errors.append(np.add.reduceat(wrong.mean(1), starts, axis=1) / sizes)
        phones += [(task.phone, b) for b in task.b]
        speakers += [task.speaker] * len(task.b)
        x_speakers += [task.x_speaker] * len(task.b)
        triples += len(x) * int(sizes.sum())
    return Cells(phones, speakers, x_speakers, np.concatenate(errors, axis=1), triples)


def _outcome(name: str, cells: Cells | None, seed: int, details: dict[str, Any]) -> Outcome:
    """The rate of the last layer, and the data behind it."""
    held = f"{details['frame rate']:g} frames/s, layer {details['layer']}"
    if cells is None:
        return Outcome({"abx": unavailable("1", f"{NEEDS[name]} ({held})")}, None, details)
    average = Average(cells)
    errors = [average.error(row) for row in cells.errors]
    value, interval = errors[-1], None
    note = (
        f"{held} of 0 to {len(errors) - 1}, angular distance along the warping path, {cells.triples} triples of "
        f"{average.phone_pairs} ordered phone pairs"
    )
    if average.speakers >= FEWEST_SPEAKERS[name]:
        low, high = np.percentile(average.resampled(cells.errors[-1], seed), [2.5, 97.5]).tolist()
        interval = min(low, value), max(high, value)  # a skewed bootstrap may leave the value outside
    else:
        note += f"; {average.speakers} speakers are too few for an interval"
    details |= {"layers": errors, "cells": len(cells.phones)}
    details |= {"triples": cells.triples, "phone pairs": average.phone_pairs, "speakers": average.speakers}
    return Outcome({"abx": Quantity(value, "1", "measured", interval, average.speakers, note)}, None, details)

"""ABX against loops over every triple and a recursive time warping, and against numbers worked by hand."""

from __future__ import annotations

import functools
import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from ssl_benchmarks.downstream.abx import triples as abx_cells
from ssl_benchmarks.downstream.abx.abx import TIE, Token, abx
from ssl_benchmarks.downstream.abx.average import Average, Cells
from ssl_benchmarks.downstream.abx.dtw import pair_distances
from ssl_benchmarks.downstream.features import Frames

RATE = 10.0
Vectors = list[list[float]]


# --- the oracle


def angle(u: Sequence[float], v: Sequence[float]) -> float:
    """Over pi; 0.5 where one is nothing."""
    size = math.hypot(*u) * math.hypot(*v)
    if not size:
        return 0.5
    return math.acos(max(-1.0, min(1.0, sum(a * b for a, b in zip(u, v, strict=True)) / size))) / math.pi


def warped(p: Vectors, q: Vectors) -> float:
    """Textbook recursion: the smallest (sum in millionths, cells) of the paths to the end."""

    @functools.cache
    def best(i: int, j: int) -> tuple[int, int]:
        if i < 0 or j < 0:
            return (10**12, 0) if (i, j) != (-1, -1) else (0, 0)
        total, cells = min(best(i - 1, j - 1), best(i - 1, j), best(i, j - 1))
        return total + round(angle(p[i], q[j]) * 2**20), cells + 1

    total, cells = best(len(p) - 1, len(q) - 1)
    return total / cells / 2**20


def cut(utterance: Tensor, token: Token, layer: int) -> Vectors:
    return [
        utterance[k, layer].tolist()
        for k in range(len(utterance))
        if token.onset <= (k + 0.5) / RATE < token.offset
    ]  # fmt: skip


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def by_loops(frames: Frames, tokens: Sequence[Token], layer: int, *, same_speaker: bool) -> float | None:
    """Every triple of tokens, then the means from the inside out."""
    said = [(t, cut(frames.utterances[t.utterance], t, layer)) for t in tokens]
    said = [(t, vectors) for t, vectors in said if vectors]
    cells: dict[Any, list[float]] = defaultdict(list)
    for (a, va), (b, vb), (x, vx) in itertools.permutations(said, 3):
        context = {(t.before, t.after) for t in (a, b, x)}
        if len(context) > 1 or a.phone != x.phone or a.phone == b.phone or a.speaker != b.speaker:
            continue
        if (a.speaker == x.speaker) == same_speaker:
            gap = warped(vx, va) - warped(vx, vb)
            cells[a.phone, b.phone, a.speaker, (a.before, a.after), x.speaker].append(
                0.5 if abs(gap) <= TIE else float(gap > 0)
            )
    speakers: dict[Any, list[float]] = defaultdict(list)
    for (phone, other, speaker, *_), errors in cells.items():
        speakers[phone, other, speaker].append(mean(errors))
    phones: dict[Any, list[float]] = defaultdict(list)
    for (phone, other, _), errors in speakers.items():
        phones[phone, other].append(mean(errors))
    return mean([mean(errors) for errors in phones.values()]) if phones else None


# --- distances


@pytest.mark.parametrize(
    ("p", "q", "distance"),
    [
        ([[1, 0]], [[3, 0]], 0.0),
        ([[1, 0]], [[0, 2]], 0.5),
        ([[1, 0]], [[-1, 0]], 1.0),
        ([[1, 0]], [[1, 1]], 0.25),
        ([[1, 0, 0]], [[1, math.sqrt(3), 0]], 1 / 3),
        ([[0, 0]], [[1, 1]], 0.5),
        # One frame against three: a path of three cells, 0 + 1/4 + 1/2.
        ([[1, 0]], [[1, 0], [1, 1], [0, 1]], 0.25),
        # Cells 0 1/2 / 1/2 0: straight through two cells.
        ([[1, 0], [0, 1]], [[1, 0], [0, 1]], 0.0),
        # Cells 1/2 0 / 0 1/2: straight is 1 over two cells, round the corner 1 over three; the shorter path counts.
        ([[1, 0], [0, 1]], [[0, 1], [1, 0]], 0.5),
        # Rows 1, 1, 2 against columns 1, 2, 2 of the same: all but free.
        ([[1, 0], [1, 0], [0, 1]], [[1, 0], [0, 1], [0, 1]], 0.0),
    ],
)
def test_distances_by_hand(p: Vectors, q: Vectors, distance: float) -> None:
    assert warped(p, q) == pytest.approx(distance, abs=1e-6)
    stretches = [np.array(p, np.float32), np.array(q, np.float32)]
    found = pair_distances(stretches, np.array([0]), np.array([1]), np.array([0]))
    assert found.tolist() == pytest.approx([distance], abs=1e-6)


STRETCHES = st.lists(
    st.lists(st.tuples(*[st.integers(-2, 2)] * 3), min_size=1, max_size=6), min_size=1, max_size=7
)  # fmt: skip


@given(STRETCHES, st.integers(1, 40), st.integers(1, 60), st.data())
def test_distances_are_those_of_the_recursion(
    values: list[list[tuple[int, ...]]], lattice: int, held: int, data: st.DataObject
) -> None:
    """Every pair of every block, however few cells are worked out at once; the same both ways, nothing from itself."""
    inner = data.draw(st.sets(st.integers(1, max(1, len(values) - 1)), max_size=2))
    blocks = sorted({0, *(i for i in inner if i < len(values))})
    owner = [sum(i >= begin for begin in blocks) for i in range(len(values))]
    pairs = [(i, j) for i in range(len(values)) for j in range(i, len(values)) if owner[i] == owner[j]]
    first, second = (np.array(side) for side in zip(*pairs, strict=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ssl_benchmarks.downstream.abx.dtw.LATTICE_CELLS", lattice)
        patch.setattr("ssl_benchmarks.downstream.abx.dtw.HELD_CELLS", held)
        patch.setattr("ssl_benchmarks.downstream.abx.dtw.BATCH", 3)
        stretches = [np.array(stretch, np.float16) for stretch in values]
        found = pair_distances(stretches, first, second, np.array(blocks))
    for (i, j), distance in zip(pairs, found.tolist(), strict=True):
        assert distance == pytest.approx(warped(values[i], values[j]), abs=2e-6)
        assert distance == pytest.approx(warped(values[j], values[i]), abs=2e-6)
        if i == j and all(map(any, values[i])):
            assert distance == pytest.approx(0.0, abs=2e-6)


# --- the task


@st.composite
def spoken(draw: st.DrawFn) -> tuple[Frames, list[Token]]:
    """Two utterances of small whole numbers, so that distances tie; tokens of 0 to 4 frames, some past the end."""
    vector = st.tuples(st.integers(0, 2), st.integers(-1, 2))
    utterances = [
        torch.tensor(draw(st.lists(st.tuples(vector, vector), min_size=4, max_size=9))).half() for _ in range(2)
    ]
    token = st.builds(
        lambda u, onset, length, phone, after, speaker: Token(
            u, onset / 20, (onset + length) / 20, phone, "<", after, speaker
        ),
        st.integers(0, 1), st.integers(0, 18), st.integers(1, 8), st.sampled_from("aab"), st.sampled_from(">>>)"),
        st.sampled_from("xxyyz"),
    )  # fmt: skip
    return Frames(utterances, RATE), draw(st.lists(token, min_size=8, max_size=abx_cells.MOST_TOKENS))


@settings(max_examples=50)
@given(spoken(), st.integers(0, 3))
def test_the_errors_are_those_of_loops_over_all_triples(case: tuple[Frames, list[Token]], seed: int) -> None:
    frames, tokens = case
    outcomes = abx(frames, tokens, seed)
    empty = sum(not cut(frames.utterances[t.utterance], t, 0) for t in tokens)
    for name, same_speaker in (("within", True), ("across", False)):
        rate, details = outcomes[name].rates["abx"], outcomes[name].details
        assert details["tokens without a frame"] == empty
        assert outcomes[name].converged is None
        expected = [by_loops(frames, tokens, layer, same_speaker=same_speaker) for layer in (0, 1)]
        if expected[1] is None:
            assert rate.method == "unavailable"
            assert "between the same two phones" in rate.note
            continue
        assert details["layers"] == pytest.approx(expected)
        assert rate.value == pytest.approx(expected[1])
        if rate.ci95 is not None:
            assert 0 <= rate.ci95[0] <= rate.value <= rate.ci95[1] <= 1
        assert (rate.ci95 is None) == (details["speakers"] < (2 if same_speaker else 3))


def corpus(
    vector: Callable[[str, str], NDArray[np.floating]], speakers: str = "wxyz", repeats: int = 4
) -> tuple[Frames, list[Token]]:
    """Each speaker says `a`, `b` and `c` several times; each token an utterance of 3 or 4 frames of its vector."""
    utterances, tokens = [], []
    for speaker, phone, k in itertools.product(speakers, "abc", range(repeats)):
        vectors = np.stack([vector(phone, speaker) for _ in range(3 + k % 2)])
        tokens.append(Token(len(utterances), 0.0, len(vectors) / RATE, phone, "<", ">", speaker))
        utterances.append(torch.tensor(vectors)[:, None].half())
    return Frames(utterances, RATE), tokens


def test_features_that_tell_phones_apart_make_no_error() -> None:
    axes = {phone: np.eye(3)[i] for i, phone in enumerate("abc")}
    outcomes = abx(*corpus(lambda phone, _: axes[phone]), seed=0)
    for outcome in outcomes.values():
        assert (outcome.rates["abx"].value, outcome.rates["abx"].ci95) == (0.0, (0.0, 0.0))
    # 4 speakers x 3 phones x (4 x 3) pairs of A and X x 8 tokens B; across 4 x 3 x 3 X speakers x 16 x 8.
    assert [o.details["triples"] for o in outcomes.values()] == [4 * 3 * 12 * 8, 4 * 3 * 3 * 16 * 8]
    assert outcomes["within"].details["phone pairs"] == 6


def test_features_that_tell_speakers_apart_only_are_at_chance() -> None:
    axes = {speaker: np.eye(4)[i] for i, speaker in enumerate("wxyz")}
    outcomes = abx(*corpus(lambda _, speaker: axes[speaker]), seed=0)
    assert [o.rates["abx"].value for o in outcomes.values()] == [0.5, 0.5]


def test_random_features_are_near_chance() -> None:
    draw = np.random.default_rng(0)
    outcomes = abx(*corpus(lambda *_: draw.standard_normal(8), "stuvwxyz", 6), seed=0)
    for outcome in outcomes.values():
        rate = outcome.rates["abx"]
        assert rate.value == pytest.approx(0.5, abs=0.05)
        assert rate.ci95 is not None
        assert 0 < rate.ci95[1] - rate.ci95[0] < 0.2
        assert rate.n == 8
        assert "10 frames/s, layer 0 of 0 to 0" in rate.note


def test_a_speaker_axis_troubles_across_but_not_within() -> None:
    """`a` of one speaker sounds like `b` of the others."""
    turned = {"w": "bac", "x": "abc", "y": "abc", "z": "abc"}
    outcomes = abx(*corpus(lambda phone, who: np.eye(3)["abc".index(turned[who]["abc".index(phone)])]), seed=0)
    assert outcomes["within"].rates["abx"].value == 0
    # Ordered pairs of a and b: A and B by w (X: others): all wrong; by others: one X of three wrong: (1 + 3 x 1/3) / 4.
    # Pairs of a (or b) with c: as a is b to w, X is as far from A as from B: half of that. Pairs of c with them: none.
    assert outcomes["across"].rates["abx"].value == pytest.approx((2 * 0.5 + 2 * 0.25 + 2 * 0.0) / 6)
    interval = outcomes["across"].rates["abx"].ci95
    assert interval is not None
    assert interval[0] == 0


@pytest.mark.parametrize("errors", [[0.5, 0.0], [0.0, 0.5]])
def test_the_rate_is_of_the_last_layer_and_each_layer_has_its_own(errors: list[float]) -> None:
    """Two layers: one blind, one that sees."""
    frames, tokens = corpus(lambda phone, _: np.eye(3)["abc".index(phone)])
    layers = [[u if error == 0 else torch.ones_like(u) for error in errors] for u in frames.utterances]
    outcome = abx(Frames([torch.cat(each, 1) for each in layers], RATE), tokens, 0)["across"]
    assert (outcome.rates["abx"].value, outcome.details["layer"]) == (errors[-1], 1)
    assert outcome.details["layers"] == errors


def test_large_groups_are_cut_by_the_seed_and_counted() -> None:
    draw = np.random.default_rng(0)
    frames, tokens = corpus(lambda *_: draw.standard_normal(8), "stuvwxyz", 13)
    one, again, other = (abx(frames, tokens, seed)["across"] for seed in (1, 1, 2))
    assert one == again
    assert one.rates["abx"].value != other.rates["abx"].value
    assert one.details["tokens over the cap"] == 8 * 3 * 3
    assert one.details["x speakers over the cap"] == 8 * 3 * 2
    assert one.details["triples"] == 8 * 3 * 5 * 10 * 10 * 20
    assert abx(frames, tokens, 1)["within"].details["x speakers over the cap"] == 0


def test_the_order_of_tokens_changes_nothing() -> None:
    draw = np.random.default_rng(0)
    frames, tokens = corpus(lambda *_: draw.standard_normal(4), "stuvwxyz", 12)
    shuffled = [tokens[i] for i in draw.permutation(len(tokens))]
    assert abx(frames, tokens, 3) == abx(frames, shuffled, 3)


def test_tokens_that_are_no_numbers_are_counted_and_left_out() -> None:
    frames, tokens = corpus(lambda phone, _: np.eye(3)["abc".index(phone)])
    frames.utterances[0][0, 0, 0] = float("inf")
    frames.utterances[1][2, 0, 1] = float("nan")
    late = Token(2, 5.0, 6.0, "a", "<", ">", "w")
    details = abx(frames, [*tokens, late], 0)["within"].details
    assert (details["tokens not finite"], details["tokens without a frame"]) == (2, 1)
    assert details["layers"] == [0.0]


def test_nothing_to_compare_says_what_is_missing() -> None:
    frames, tokens = corpus(lambda phone, _: np.eye(3)["abc".index(phone)], "w", 1)
    for given_tokens in (tokens, []):
        outcomes = abx(frames, given_tokens, 0)
        assert outcomes["within"].rates["abx"].note.startswith("no speaker has two tokens of one phone")
        assert outcomes["across"].rates["abx"].note.startswith("no two speakers")
    assert abx(Frames((), RATE), [], 0)["within"].rates["abx"].value is None


def test_the_caps_are_those_of_the_field() -> None:
    """ZeroSpeech 2021 and Libri-Light: at most 10 tokens a group and 5 speakers of X."""
    assert (abx_cells.MOST_TOKENS, abx_cells.MOST_X_SPEAKERS) == (10, 5)


# --- the bootstrap

ROWS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("bcd"), st.sampled_from("wxyz"), st.sampled_from("wxyz"),
              st.sampled_from([0.0, 0.25, 0.5, 1.0])).filter(lambda r: r[0] != r[1] and r[2] != r[3]),
    min_size=1, max_size=20,
)  # fmt: skip


@given(ROWS, st.integers(0, 9))
def test_a_resample_is_the_average_of_its_speakers_each_as_often_as_drawn(rows: list[Any], seed: int) -> None:
    """Against averages of lists in which each cell stands as often as its X speaker, each speaker as often as drawn."""
    phones, speakers, x_speakers, errors = ([row[k] for row in rows] for k in (slice(0, 2), 2, 3, 4))
    array = np.array([errors])
    average = Average(Cells(phones, speakers, x_speakers, array, 1))
    names = sorted({*speakers, *x_speakers})
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), 1000)
    expected = []
    for drawn in draws[:60]:
        times = dict(zip(names, drawn.tolist(), strict=True))
        groups: dict[Any, list[float]] = defaultdict(list)
        for pair, speaker, x, error in zip(phones, speakers, x_speakers, errors, strict=True):
            groups[tuple(pair), speaker] += [error] * times[x]
        by_pair: dict[Any, list[float]] = defaultdict(list)
        for (pair, speaker), listed in groups.items():
            by_pair[pair] += [mean(listed)] * times[speaker] if listed else []
        shares = [mean(listed) for listed in by_pair.values() if listed]
        expected += [mean(shares)] if shares else []
    found = average.resampled(array[0], seed)
    assert found[: len(expected)].tolist() == pytest.approx(expected)


def test_the_interval_covers_the_truth() -> None:
    """Cells whose errors have parts of A's speaker and of X's: about 95 of 100 intervals hold the mean."""
    held = 0
    for trial in range(100):
        draw = np.random.default_rng(trial)
        own = draw.normal(0, 0.05, 20)
        pairs = [(i, j) for i in range(20) for j in draw.choice([k for k in range(20) if k != i], 5, replace=False)]
        errors = np.array([0.3 + own[i] + own[j] + draw.normal(0, 0.1) for i, j in pairs])
        cells = Cells([("a", "b")] * 100, [f"{i}" for i, _ in pairs], [f"{j}" for _, j in pairs], errors[None], 1)
        low, high = np.percentile(Average(cells).resampled(errors, trial), [2.5, 97.5])
        held += low <= 0.3 <= high
    assert 85 <= held <= 100

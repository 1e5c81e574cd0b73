"""Equal error rates against scikit-learn's ROC, by hand, and resampled."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ssl_benchmarks.downstream.speakers import equal_error_rate as module
from ssl_benchmarks.downstream.speakers.equal_error_rate import Trials, equal_error_rate

TRIALS = st.lists(st.tuples(st.integers(-4, 4), st.booleans(), st.integers(1, 3)), min_size=2, max_size=40).filter(
    lambda rows: len({target for _, target, _ in rows}) == 2
)


def oracle(scores: list[float], is_target: list[bool], weights: list[float] | None = None) -> float:
    """Brent's root along the corners of scikit-learn's ROC curve."""
    from scipy.optimize import brentq
    from sklearn.metrics import roc_curve

    accepted, found, _ = roc_curve(is_target, scores, sample_weight=weights, drop_intermediate=False)
    corners = np.arange(len(accepted))
    at = brentq(lambda t: np.interp(t, corners, accepted) - 1 + np.interp(t, corners, found), 0, corners[-1])
    return float(np.interp(at, corners, accepted))


@given(TRIALS)
def test_the_rate_is_that_of_the_roc_curve(rows: list[tuple[int, bool, int]]) -> None:
    """Scores of nine values, so most are tied; weighted too."""
    scores, target, weights = (list(column) for column in zip(*rows, strict=True))
    assert equal_error_rate(scores, target) == pytest.approx(oracle(scores, target), abs=1e-9)
    assert equal_error_rate(scores, target, weights) == pytest.approx(oracle(scores, target, weights), abs=1e-9)


@given(TRIALS)
def test_a_weight_is_a_repetition(rows: list[tuple[int, bool, int]]) -> None:
    repeated = [(score, target) for score, target, weight in rows for _ in range(weight)]
    scores, target, weights = zip(*rows, strict=True)
    assert equal_error_rate(scores, target, weights) == pytest.approx(equal_error_rate(*zip(*repeated, strict=True)))


@pytest.mark.parametrize(
    ("targets", "others", "rate"),
    [
        # At 0.4 one target of four is rejected and one other of four accepted.
        ([0.9, 0.8, 0.7, 0.3], [0.4, 0.2, 0.1, 0.0], 0.25),
        # From (1/2 rejected, 0 accepted) to (0, 1/2) at once, since 0.5 is in both: they cross half way.
        ([0.9, 0.5], [0.5, 0.1], 0.25),
        # Accepted 0 to 1/3 while 1/2 is rejected, then 1/3 to 2/3: crossing where 1/2 is accepted.
        ([0.9, 0.1], [0.7, 0.5, 0.0], 0.5),
        ([2.0, 3.0], [1.0, 0.0, -1.0], 0.0),
        ([-2.0, -3.0], [1.0, 0.0, -1.0], 1.0),
        ([1.0, 1.0], [1.0], 0.5),
    ],
    ids=["one of four", "tied", "between", "perfect", "inverted", "all alike"],
)
def test_rates_by_hand(targets: list[float], others: list[float], rate: float) -> None:
    trials = [True] * len(targets) + [False] * len(others)
    assert equal_error_rate(targets + others, trials) == pytest.approx(rate)


@pytest.mark.parametrize(("scores", "target"), [([], []), ([1.0], [True]), ([1.0, 2.0], [False, False])])
def test_one_kind_of_trials_has_no_rate(scores: list[float], target: list[bool]) -> None:
    with pytest.raises(ValueError, match="target and non-target trials"):
        equal_error_rate(scores, target)


def test_a_kind_without_weight_has_no_rate() -> None:
    with pytest.raises(ValueError, match="target and non-target trials"):
        equal_error_rate([1.0, 2.0], [True, False], [0.0, 1.0])


def test_scores_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="must be finite"):
        equal_error_rate([1.0, np.nan], [True, False])


def scores_between(speakers: list[str], seed: int, decimals: int) -> NDArray[np.float32]:
    """Cosines of speakers' directions in noise, rounded so that many are tied."""
    draw = np.random.default_rng(seed)
    names = sorted(set(speakers))
    voices = draw.standard_normal((len(names), 4))
    each = voices[[names.index(s) for s in speakers]] + 1.5 * draw.standard_normal((len(speakers), 4))
    each /= np.linalg.norm(each, axis=1, keepdims=True)
    return (each @ each.T).round(decimals).astype(np.float32)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), min_size=2, max_size=12),
    st.integers(0, 9), st.sampled_from([1, 7]), st.sampled_from([1, 3, 2_048]),
)  # fmt: skip
@example([("a", 1), ("a", 0), ("b", 1)], 0, 1, 1)
def test_counted_utterances_are_repeated_utterances(
    rows: list[tuple[str, int]], seed: int, decimals: int, block: int
) -> None:
    """Against a list of all pairs of drawn utterances but those of an utterance with itself, whatever the block."""
    speakers, counts = zip(*rows, strict=True)
    scores = scores_between(list(speakers), seed, decimals)
    drawn = [i for i, count in enumerate(counts) for _ in range(count)]
    pairs = [(i, j) for i, j in combinations(drawn, 2) if i != j]
    kinds = [speakers[i] == speakers[j] for i, j in pairs]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        if len(set(kinds)) == 2:
            expected = oracle([float(scores[i, j]) for i, j in pairs], kinds)
            assert Trials(scores, speakers).equal_error_rate(counts) == pytest.approx(expected, abs=1e-9)
        else:
            with pytest.raises(ValueError, match="target and non-target trials"):
                Trials(scores, speakers).equal_error_rate(counts)


def test_every_pair_is_one_trial() -> None:
    speakers = list("aabbbc")
    trials = Trials(scores_between(speakers, 0, 7), speakers)
    assert (trials.targets, trials.others) == (1 + 3, 15 - 4)
    assert trials.equal_error_rate() == trials.equal_error_rate([1] * 6)


def test_resamples_are_those_of_a_loop_over_drawn_utterances() -> None:
    """The oracle draws speakers, then utterances, one by one, and lists the pairs; means and spreads agree."""
    speakers = [name for name in "abcdef" for _ in range(5)]
    scores = scores_between(speakers, 3, 7)
    found = Trials(scores, speakers).resampled(seed=0, resamples=600)
    draw = np.random.default_rng(1)
    expected = []
    for _ in range(600):
        drawn = [int(5 * who + draw.integers(5)) for who in draw.integers(0, 6, 6) for _ in range(5)]
        pairs = [(i, j) for i, j in combinations(drawn, 2) if i != j]
        target = [speakers[i] == speakers[j] for i, j in pairs]
        expected.append(equal_error_rate([scores[i, j] for i, j in pairs], target))
    assert found.mean() == pytest.approx(np.mean(expected), abs=4 * np.std(expected) * (2 / 600) ** 0.5)
    assert found.std() == pytest.approx(np.std(expected), rel=0.15)


def test_resamples_of_a_single_speaker_are_left_out() -> None:
    """In half of the resamples, one of two speakers is drawn twice."""
    speakers = list("aaaabbbb")
    rates = Trials(scores_between(speakers, 0, 7), speakers).resampled(seed=0, resamples=200)
    assert 60 < len(rates) < 140
    assert ((rates >= 0) & (rates <= 1)).all()

"""Error rates and their bootstrap over speakers and utterances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ssl_benchmarks.record.bootstrap import pooled_rate

RATED = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 50), st.sampled_from("abcd")), min_size=1, max_size=12
).filter(lambda rows: sum(total for _, total, _ in rows) > 0)


def test_the_rate_by_hand() -> None:
    """Pooled, not the mean of rates: 1 + 6 errors of 10 + 20."""
    rate = pooled_rate([1, 6], [10, 20], ["x", "y"], seed=0, note="why")
    assert (rate.value, rate.unit, rate.method, rate.n, rate.note) == (7 / 30, "1", "measured", 2, "why")


def test_one_utterance_has_no_spread() -> None:
    assert pooled_rate([1], [4], ["x"], seed=0).ci95 == (0.25, 0.25)


def test_equal_utterances_have_no_spread() -> None:
    assert pooled_rate([2] * 9, [8] * 9, list("abcabcabc"), seed=0).ci95 == (0.25, 0.25)


def test_the_seed_decides_the_interval() -> None:
    draw = np.random.default_rng(0)
    rows = (draw.integers(0, 10, 40).tolist(), draw.integers(10, 99, 40).tolist(), list("abcdefgh") * 5)
    assert pooled_rate(*rows, seed=3) == pooled_rate(*rows, seed=3)
    assert pooled_rate(*rows, seed=3).ci95 != pooled_rate(*rows, seed=4).ci95


def test_nothing_to_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to rate"):
        pooled_rate([], [], [], seed=0)
    with pytest.raises(ValueError, match="nothing to rate"):
        pooled_rate([1.0], [0.0], ["x"], seed=0)


@settings(max_examples=25)
@given(RATED, st.integers(0, 5))
@example([(1, 0, "a"), (0, 5, "b")], 0)
def test_the_interval_holds_the_rate_and_stays_within_the_utterances(
    rows: list[tuple[int, int, str]], seed: int
) -> None:
    """Also with utterances that have errors but nothing said (a total of 0), and with a single speaker."""
    errors, totals, speakers = zip(*rows, strict=True)
    rate = pooled_rate(errors, totals, speakers, seed=seed)
    assert rate.value == pytest.approx(sum(errors) / sum(totals))
    assert rate.ci95 is not None
    assert 0 <= rate.ci95[0] <= rate.value <= rate.ci95[1]
    if all(totals):
        each = [error / total for error, total in zip(errors, totals, strict=True)]
        assert min(each) <= rate.ci95[0] * (1 + 1e-9)
        assert rate.ci95[1] <= max(each) * (1 + 1e-9)


def test_speakers_are_what_is_drawn() -> None:
    """Two speakers of 50 even utterances each: the resamples are all one, all the other, or half and half."""
    errors, speakers = [0] * 50 + [10] * 50, ["a"] * 50 + ["b"] * 50
    rate = pooled_rate(errors, [10] * 100, speakers, seed=0)
    assert rate.ci95 == (0.0, 1.0)
    alone = pooled_rate(errors, [10] * 100, ["a"] * 100, seed=0)
    assert alone.ci95 is not None
    # One group is the usual bootstrap of a mean of 100 coins: about 1.96 x 0.05 either way.
    assert alone.ci95 == pytest.approx((0.402, 0.598), abs=0.025)


def test_utterances_are_drawn_from_their_own_speaker() -> None:
    """Ten speakers of one to ten utterances whose rates rise from 0 to 0.9: what is drawn of each is the same, so only speakers count."""
    sizes, each = np.arange(1, 11), np.arange(10) / 10
    speakers = np.repeat(list("abcdefghij"), sizes)
    rate = pooled_rate(np.repeat(10 * each, sizes).tolist(), [10.0] * len(speakers), speakers.tolist(), seed=0)
    drawn = np.random.default_rng(1).integers(0, 10, (20_000, 10))
    rates = (sizes * each)[drawn].sum(1) / sizes[drawn].sum(1)
    assert rate.ci95 == pytest.approx(np.percentile(rates, [2.5, 97.5]), abs=0.02)


def test_one_utterance_a_speaker_is_the_usual_bootstrap() -> None:
    """Against scipy's percentile interval of a ratio of sums, whose own draws differ."""
    from scipy.stats import bootstrap

    draw = np.random.default_rng(0)
    totals = draw.integers(20, 200, 60)
    errors = draw.binomial(totals, draw.beta(4, 12, 60))
    rate = pooled_rate(errors.tolist(), totals.tolist(), [str(i) for i in range(60)], seed=0)
    expected = bootstrap(
        (errors, totals), lambda e, t, axis: e.sum(axis) / t.sum(axis), paired=True, vectorized=True,
        n_resamples=20_000, method="percentile", rng=np.random.default_rng(1),
    )  # fmt: skip
    low, high = expected.confidence_interval
    assert rate.ci95 == pytest.approx((low, high), abs=0.1 * (high - low))


@pytest.mark.parametrize(("wrong", "drawn"), [(120, "utterances"), (200, "utterances"), (30, "speakers")])
def test_the_ends_are_the_quantiles_of_the_bootstraps_own_distribution(wrong: int, drawn: str) -> None:
    """For n draws from right and wrong ones it is binomial and known: its 2.5 and 97.5 %, not its 5 and 95 %.

    The mean over seeds of each end is known to a tenth of the distance to the ends of a 90 % interval.
    """
    from scipy.stats import binom

    n, seeds = (400, 12) if drawn == "utterances" else (100, 8)
    speakers = ["x"] * n if drawn == "utterances" else [str(i) for i in range(n)]
    errors = [1.0] * wrong + [0.0] * (n - wrong)
    ends = np.mean([pooled_rate(errors, [1.0] * n, speakers, seed=seed).ci95 for seed in range(seeds)], axis=0)
    wanted, narrower = (np.array(binom.ppf(shares, n, wrong / n)) / n for shares in ((0.025, 0.975), (0.05, 0.95)))
    assert (np.abs(ends - wanted) < 0.4 * np.abs(wanted - narrower)).all()


@pytest.mark.slow
def test_the_interval_covers_the_truth_and_one_of_90_per_cent_would_not() -> None:
    """100 speakers whose own rates differ, 2 utterances of 200 words each: 300 trials resolve 95 % to within 1.3 %."""
    draw, held = np.random.default_rng(0), {1.0: 0, 1.645 / 1.960: 0}
    for trial in range(300):
        errors = draw.binomial(200, np.repeat(draw.beta(4, 12, 100), 2))
        rate = pooled_rate(errors.tolist(), [200.0] * 200, [str(i // 2) for i in range(200)], seed=trial)
        assert rate.ci95 is not None
        assert rate.value is not None
        for level in held:
            low, high = (rate.value + level * (end - rate.value) for end in rate.ci95)
            held[level] += low <= 0.25 <= high
    of_95, of_90 = (hits / 300 for hits in held.values())
    assert 0.925 <= of_95 <= 0.975
    assert of_90 < 0.925

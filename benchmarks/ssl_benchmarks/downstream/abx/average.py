"""Cells of the ABX task averaged into one error, and its bootstrap over speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssl_benchmarks.record.bootstrap import RESAMPLES

if TYPE_CHECKING:
    import scipy.sparse

AT_ONCE = 50  # resamples


@dataclass(frozen=True)
class Cells:
    """The share of errors of each cell: phone A, phone B, context, speaker of A and B, and speaker of X.

    Attributes:
        phones: `(cells,)`, the ordered pair "A B".
        speakers: `(cells,)`, of A and B.
        x_speakers: `(cells,)`, of X.
        errors: `(layers, cells)` in [0, 1].
        triples: total number of triples.
    """

    phones: Sequence[tuple[str, str]]
    speakers: Sequence[str]
    x_speakers: Sequence[str]
    errors: NDArray[np.float64]
    triples: int


class Average:
    """The mean over contexts and X speakers, then over speakers, then over ordered phone pairs, all with equal weight.

    This is the order of the ZeroSpeech and Libri-Light evaluations.
    """

    def __init__(self, cells: Cells) -> None:
        import scipy.sparse

        names = sorted({*cells.speakers, *cells.x_speakers})
        number = {name: i for i, name in enumerate(names)}
        self.speakers = len(names)
        pairs = {pair: i for i, pair in enumerate(dict.fromkeys(cells.phones))}
        self.phone_pairs = len(pairs)
        pair = np.array([pairs[phones] for phones in cells.phones])
        speaker = np.array([number[name] for name in cells.speakers])
        x_speaker = np.array([number[name] for name in cells.x_speakers])
        group, self._row = np.unique(pair * self.speakers + speaker, return_inverse=True)
        self._pair, self._speaker = np.divmod(group, self.speakers)
        # Within one speaker, the speaker of X has no separate weight.
        self._within = bool((speaker == x_speaker).all())
        self._column = np.zeros_like(x_speaker) if self._within else x_speaker
        self._counts = self._summed(np.ones(len(pair)))
        self._by_pair = scipy.sparse.csr_array((np.ones(len(group)), (self._pair, np.arange(len(group)))))

    def _summed(self, values: NDArray[np.float64]) -> scipy.sparse.csr_array:
        """Sums by (phone pair, speaker) and speaker of X."""
        import scipy.sparse

        shape = (len(self._pair), 1 if self._within else self.speakers)
        return scipy.sparse.csr_array(scipy.sparse.coo_array((values, (self._row, self._column)), shape))

    def error(self, errors: NDArray[np.float64]) -> float:
        """The average of these cell errors, in [0, 1]."""
        return float(self._weighed(self._summed(errors), np.ones((1, self.speakers)))[0])

    def resampled(self, errors: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
        """Errors of bootstrap resamples of speakers; a speaker's weight is its number of draws, as A and B and as X.

        Resamples without any cell (a single speaker drawn each time, so that X has no other) are left out.
        """
        draw = np.random.default_rng(seed)
        weights = draw.multinomial(self.speakers, np.full(self.speakers, 1 / self.speakers), RESAMPLES).astype(float)
        sums = self._summed(errors)
        found = [self._weighed(sums, weights[at : at + AT_ONCE]) for at in range(0, RESAMPLES, AT_ONCE)]
        every = np.concatenate(found)
        return every[np.isfinite(every)]

    def _weighed(self, sums: scipy.sparse.csr_array, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The error for each row of speaker weights `(rows, speakers)`; nan if no cell has any weight."""
        x_weights = np.ones((1, len(weights))) if self._within else weights.T
        wrong, all_ = sums @ x_weights, self._counts @ x_weights
        weight = weights.T[self._speaker] * (all_ > 0)
        shares = self._by_pair @ (weight * wrong / np.where(all_ > 0, all_, 1.0))
        totals = self._by_pair @ weight
        rated = totals > 0
        by_pair = np.where(rated, shares / np.where(rated, totals, 1.0), 0.0)
        return np.where(rated.any(0), by_pair.sum(0) / np.maximum(rated.sum(0), 1), np.nan)

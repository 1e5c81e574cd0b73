"""Distances between stretches of features: dynamic time warping over angles, for very many pairs at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BATCH = 4_096
LATTICE_CELLS = 1 << 22  # angles worked out at once, in double precision
HELD_CELLS = 1 << 24  # angles held before the pairs over them are warped


@dataclass(frozen=True)
class Lattice:
    """Angles between frames, flat, and where in them each pair of stretches lies.

    Attributes:
        angles: flat, float32.
        start: for each pair the place of its first cell.
        stride: for each pair how far its rows lie apart.
        pairs: which pairs these are.
    """

    angles: NDArray[np.float32]
    start: NDArray[np.int64]
    stride: NDArray[np.int64]
    pairs: slice


def pair_distances(
    stretches: Sequence[NDArray[np.floating]],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    blocks: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Angular distance of each pair of stretches along its warping path, in [0, 1].

    The distance of two frames is the angle between them over pi (0.5 against a frame of zeros). A path goes from the first
    frames to the last ones by steps of one frame in either stretch or in both; the one with the smallest sum is taken and
    its sum divided by the number of its cells, as Libri-Light does (Kahn et al., arXiv 1912.07875). Of equal steps the one
    in both goes first, then the shorter path, so that a distance is the same both ways.

    Args:
        stretches: each `(frames, D)`, at least one frame.
        first: of each pair, ascending.
        second: of each pair, in the same block as the first.
        blocks: where the blocks begin; stretches of a block are compared with one another only.

    Returns:
        `(pairs,)` float32.
    """
    lengths = np.array([len(stretch) for stretch in stretches], np.int64)
    distances = np.empty(len(first), np.float32)
    waiting: list[Lattice] = []
    for lattice in _lattices(stretches, lengths, first, second, blocks):
        waiting.append(lattice)
        if sum(held.angles.size for held in waiting) >= HELD_CELLS:
            _warp_all(waiting, lengths[first], lengths[second], distances)
            waiting = []
    _warp_all(waiting, lengths[first], lengths[second], distances)
    return distances


def _lattices(
    stretches: Sequence[NDArray[np.floating]],
    lengths: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    blocks: NDArray[np.int64],
) -> Iterator[Lattice]:
    """The angles of the blocks that have pairs; one matrix product for many stretches is far cheaper than one a pair."""
    bounds = np.append(blocks, len(stretches))
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if np.searchsorted(first, begin) == np.searchsorted(first, end):
            continue
        frames = _unit_vectors(np.concatenate(stretches[begin:end]))
        offsets = np.concatenate([[0], np.cumsum(lengths[begin:end])])
        rows_at_once = max(1, LATTICE_CELLS // len(frames))
        low = begin
        while low < end:
            high = begin + int(np.searchsorted(offsets, offsets[low - begin] + rows_at_once, "right")) - 1
            high = min(max(high, low + 1), end)
            pairs = slice(int(np.searchsorted(first, low)), int(np.searchsorted(first, high)))
            if pairs.stop > pairs.start:
                top = offsets[low - begin]
                cosines = frames[top : offsets[high - begin]] @ frames.T
                angles = (np.arccos(np.clip(cosines, -1.0, 1.0)) / np.pi).astype(np.float32)
                start = (offsets[first[pairs] - begin] - top) * len(frames) + offsets[second[pairs] - begin]
                yield Lattice(angles.ravel(), start, np.full(len(start), len(frames)), pairs)
            low = high


def _unit_vectors(frames: NDArray[np.floating]) -> NDArray[np.float64]:
    """Double precision: the arc cosine of a number near 1 would lose half the digits of a float32."""
    vectors = frames.astype(np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(norms > 0, norms, 1.0)


def _warp_all(
    lattices: Sequence[Lattice], rows: NDArray[np.int64], columns: NDArray[np.int64], distances: NDArray[np.float32]
) -> None:
    """Fill in the distances of these lattices' pairs, in batches of pairs of like lengths."""
    if not lattices:
        return
    angles = np.concatenate([lattice.angles for lattice in lattices])
    before = np.cumsum([0, *(lattice.angles.size for lattice in lattices)])[:-1]
    start = np.concatenate([at + lattice.start for at, lattice in zip(before, lattices, strict=True)])
    stride = np.concatenate([lattice.stride for lattice in lattices])
    pairs = np.concatenate([np.arange(lattice.pairs.start, lattice.pairs.stop) for lattice in lattices])
    order = np.lexsort((columns[pairs], rows[pairs]))
    for at in range(0, len(order), BATCH):
        batch = order[at : at + BATCH]
        chosen = pairs[batch]
        distances[chosen] = warped(angles, start[batch], stride[batch], rows[chosen], columns[chosen])


def warped(
    angles: NDArray[np.float32],
    start: NDArray[np.int64],
    stride: NDArray[np.int64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> NDArray[np.float32]:
    """The mean cell of each pair's best path; all pairs go along their antidiagonals together.

    Args:
        angles: flat; cell (i, j) of a pair lies at start + i * stride + j.
        start: of each pair.
        stride: of each pair.
        rows: frames of the first stretch.
        columns: frames of the second stretch.
    """
    most_rows, most_columns, pairs = int(rows.max()), int(columns.max()), len(rows)
    base = start + np.arange(most_rows)[:, None] * (stride - 1)
    # Row i + 1 stands for frame i; row 0 is the border, which no path comes from.
    cost, last, before = (np.full((most_rows + 1, pairs), np.inf, np.float32) for _ in range(3))
    steps, last_steps, before_steps = (np.zeros((most_rows + 1, pairs), np.float32) for _ in range(3))
    before[0] = 0.0
    found = np.empty(pairs, np.float32)
    for diagonal in range(most_rows + most_columns - 1):
        low, high = max(0, diagonal - most_columns + 1), min(most_rows, diagonal + 1)
        # Cells past the end of a shorter pair read what lies there; no cell within the pair depends on them.
        here = np.take(angles, base[low:high] + diagonal, mode="clip")
        up, left, slant = last[low:high], last[low + 1 : high + 1], before[low:high]
        up_steps, left_steps = last_steps[low:high], last_steps[low + 1 : high + 1]
        side = np.minimum(up, left)
        shorter = np.minimum(up_steps, left_steps)
        side_steps = np.where(up < left, up_steps, np.where(left < up, left_steps, shorter))
        both = slant <= side
        cost[low + 1 : high + 1] = here + np.where(both, slant, side)
        steps[low + 1 : high + 1] = 1 + np.where(both, before_steps[low:high], side_steps)
        before[0] = np.inf
        done = np.flatnonzero(rows + columns - 2 == diagonal)
        found[done] = cost[rows[done], done] / steps[rows[done], done]
        cost, last, before = before, cost, last
        steps, last_steps, before_steps = before_steps, steps, last_steps
    return found

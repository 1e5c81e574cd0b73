"""Distances between stretches of features: dynamic time warping over angles, for many pairs at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BATCH = 4_096
LATTICE_CELLS = 1 << 22  # angles computed at once
HELD_CELLS = 1 << 23  # angles kept before their pairs are warped

GRAIN = 1 << 20
"""An angle is stored as an integer fraction of pi, so that sums are exact and equal sums compare as equal."""

STEP_BITS = 20
"""The low bits of a cell count the cells of a path, so that one minimum finds the smallest sum, then the fewest cells."""


@dataclass(frozen=True)
class Lattice:
    """Angles between frames, and the position of each pair of stretches in them.

    Attributes:
        cells: flat; each has an angle in the high bits and a one in the low bits.
        start: for each pair, the index of its first cell.
        stride: for each pair, the distance between its rows.
        pairs: indices of the pairs.
    """

    cells: NDArray[np.int64]
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

    The distance of two frames is the angle between them divided by pi (0.5 against a frame of zeros), to a millionth.
    A path leads from the first frames to the last ones in steps of one frame in either stretch or in both; the path
    with the smallest sum is chosen, and its sum divided by its number of cells, as in Libri-Light (Kahn et al., arXiv
    1912.07875). Among equal sums, the path with the fewest cells is chosen (there: the one whose last step is in
    both), so that distances are symmetric.

    Args:
        stretches: each `(frames, D)`, at least one frame.
        first: first stretch of each pair, ascending.
        second: second stretch of each pair, in the same block as the first.
        blocks: starts of the blocks; only stretches of the same block are compared.

    Returns:
        `(pairs,)` float32.
    """
    lengths = np.array([len(stretch) for stretch in stretches], np.int64)
    distances = np.empty(len(first), np.float32)
    waiting: list[Lattice] = []
    for lattice in _lattices(stretches, lengths, first, second, blocks):
        waiting.append(lattice)
        if sum(held.cells.size for held in waiting) >= HELD_CELLS:
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
    """The angles of the blocks that have pairs; one matrix product for many stretches is far cheaper than one per pair."""
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
                parts = np.rint(np.arccos(np.clip(cosines, -1.0, 1.0)) * (GRAIN / np.pi)).astype(np.int64)
                start = (offsets[first[pairs] - begin] - top) * len(frames) + offsets[second[pairs] - begin]
                yield Lattice(((parts << STEP_BITS) + 1).ravel(), start, np.full(len(start), len(frames)), pairs)
            low = high


def _unit_vectors(frames: NDArray[np.floating]) -> NDArray[np.float64]:
    """Unit vectors in double precision: the arc cosine of a number near 1 would lose half the digits of a float32."""
    vectors = frames.astype(np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(norms > 0, norms, 1.0)


def _warp_all(
    lattices: Sequence[Lattice], rows: NDArray[np.int64], columns: NDArray[np.int64], distances: NDArray[np.float32]
) -> None:
    """Fill in the distances of these lattices' pairs, in batches of pairs of similar length."""
    if not lattices:
        return
    cells = np.concatenate([lattice.cells for lattice in lattices])
    before = np.cumsum([0, *(lattice.cells.size for lattice in lattices)])[:-1]
    start = np.concatenate([at + lattice.start for at, lattice in zip(before, lattices, strict=True)])
    stride = np.concatenate([lattice.stride for lattice in lattices])
    pairs = np.concatenate([np.arange(lattice.pairs.start, lattice.pairs.stop) for lattice in lattices])
    order = np.lexsort((columns[pairs], rows[pairs]))
    for at in range(0, len(order), BATCH):
        batch = order[at : at + BATCH]
        chosen = pairs[batch]
        distances[chosen] = warped(cells, start[batch], stride[batch], rows[chosen], columns[chosen])


def warped(
    cells: NDArray[np.int64],
    start: NDArray[np.int64],
    stride: NDArray[np.int64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> NDArray[np.float64]:
    """The mean cell of each pair's best path; all pairs advance along their antidiagonals together.

    Args:
        cells: as in `Lattice`; cell (i, j) of a pair is at start + i * stride + j.
        start: index of each pair's first cell.
        stride: row distance of each pair.
        rows: frames of the first stretch.
        columns: frames of the second stretch.
    """
    most_rows, most_columns, pairs = int(rows.max()), int(columns.max()), len(rows)
    base = start + np.arange(most_rows)[:, None] * (stride - 1)
    # Row i + 1 is frame i; row 0 is the border, where no path starts.
    now, last, before = (np.full((most_rows + 1, pairs), 1 << 62, np.int64) for _ in range(3))
    before[0] = 0
    best = np.empty(pairs, np.int64)
    for diagonal in range(most_rows + most_columns - 1):
        low, high = max(0, diagonal - most_columns + 1), min(most_rows, diagonal + 1)
        # Cells past the end of a shorter pair read unrelated values; no cell within the pair depends on them.
        here = np.take(cells, base[low:high] + diagonal, mode="clip")
        nearest = np.minimum(last[low:high], last[low + 1 : high + 1])
        np.minimum(nearest, before[low:high], out=nearest)
        np.add(here, nearest, out=now[low + 1 : high + 1])
        before[0] = 1 << 62
        done = np.flatnonzero(rows + columns - 2 == diagonal)
        best[done] = now[rows[done], done]
        now, last, before = before, now, last
    return (best >> STEP_BITS) / (best & ((1 << STEP_BITS) - 1)) / GRAIN

"""Clips of constant length cut from speech, and batches of them.

The utterances of one speaker are joined end to end, in an order drawn anew each epoch, and cut into clips without
padding; only a speaker with less speech than one clip has a padded clip.
"""

from __future__ import annotations

import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from ssl_bench.data.corpus import Utterance
from ssl_bench.data.waveforms import Waveforms
from ssl_benchmarks.processes.threads import threads
from ssl_models.errors import BadInputError

SHORTEST = 640
"""Samples; a clip with less speech than one encoder frame is not used."""

JOIN_S = 5.0
"""Seconds; a file system that hangs must not delay the program for longer."""
LOOK_S = 0.5
AHEAD, READERS = 3, 2

MOST_EMPTY = 100
"""Consecutive clips without usable speech, plus ten per utterance, before reading is given up."""


@dataclass(frozen=True)
class Piece:
    """Samples [start, stop) of one utterance."""

    utterance: Utterance
    start: int
    stop: int


Clip = tuple[Piece, ...]


@dataclass(frozen=True)
class Batch:
    """Clips of one step.

    Attributes:
        samples: `(B, T)` 16-bit.
        lengths: valid samples of each clip, `(B,)`; None where every clip is full.
    """

    samples: NDArray[np.int16]
    lengths: NDArray[np.int64] | None

    @property
    def seconds(self) -> float:
        """Seconds of valid audio."""
        return (self.samples.size if self.lengths is None else int(self.lengths.sum())) / 16_000


def epoch_of_clips(utterances: tuple[Utterance, ...], clip_samples: int, seed: int, epoch: int) -> list[Clip]:
    """All clips of one pass over the speech, in a random order determined by `seed` and `epoch`."""
    draw = np.random.default_rng([seed, epoch])
    by_speaker: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        by_speaker[utterance.speaker or str(utterance.path.parent)].append(utterance)
    clips: list[Clip] = []
    for spoken in by_speaker.values():
        stream = [spoken[i] for i in draw.permutation(len(spoken))]
        total = sum(u.samples for u in stream)
        # A random start, so that no sample is always in a stream's dropped end.
        start = int(draw.integers(0, min(clip_samples, max(0, total - clip_samples)) + 1))
        clips.extend(_cut(stream, start, clip_samples))
    return [clips[i] for i in draw.permutation(len(clips))]


def _cut(stream: list[Utterance], start: int, clip_samples: int) -> Iterator[Clip]:
    """Cut a stream of utterances into full clips from `start` on; a stream shorter than a clip is one clip."""
    total = sum(u.samples for u in stream)
    size = min(clip_samples, total)
    pieces: list[Piece] = []
    filled, skip = 0, start
    for utterance in stream:
        position = min(skip, utterance.samples)
        skip -= position
        while position < utterance.samples:
            taken = min(size - filled, utterance.samples - position)
            pieces.append(Piece(utterance, position, position + taken))
            position, filled = position + taken, filled + taken
            if filled == size:
                yield tuple(pieces)
                pieces, filled = [], 0


def _assembled(clip: Clip, waveforms: Waveforms) -> NDArray[np.int16]:
    """A clip's samples, without those of files that are broken or left out of training."""
    return np.concatenate([waveforms.to_train_on(piece.utterance)[piece.start : piece.stop] for piece in clip])


def clip_stream(
    utterances: tuple[Utterance, ...], clip_samples: int, seed: int, first: int = 0
) -> Iterator[tuple[int, Clip]]:
    """Endless clips with their running number, epoch after epoch, from clip number `first` on.

    Raises:
        BadInputError: where there is no speech to cut clips from.
    """
    number = 0
    for epoch in count():
        clips = epoch_of_clips(utterances, clip_samples, seed, epoch)
        if not clips:
            raise BadInputError("no speech to cut clips from")
        for clip in clips:
            if number >= first:
                yield number, clip
            number += 1


@dataclass(frozen=True)
class ClipSource:
    """A source of batches.

    Attributes:
        utterances: the speech.
        waveforms: reads it.
        clip_samples: samples per clip.
        clips: clips per batch.
        seed: the seed of the order.
    """

    utterances: tuple[Utterance, ...]
    waveforms: Waveforms
    clip_samples: int
    clips: int
    seed: int

    def batches(self, pool: ThreadPoolExecutor, first: int) -> Iterator[tuple[Batch, int]]:
        """Batches in order, each with the number of the clip after it; clips without usable speech are skipped."""
        stream = clip_stream(self.utterances, self.clip_samples, self.seed, first)
        filled: list[NDArray[np.int16]] = []
        empty = 0
        while True:
            wanted = [next(stream) for _ in range(self.clips - len(filled))]
            for samples in pool.map(lambda item: _assembled(item[1], self.waveforms), wanted):
                empty = 0 if len(samples) >= SHORTEST else empty + 1
                if len(samples) >= SHORTEST:
                    filled.append(samples)
            if empty > MOST_EMPTY + 10 * len(self.utterances):
                raise BadInputError(
                    f"none of the audio files contains usable speech{self._first_left_out()}; each clip needs at least 40 ms"
                )
            if len(filled) == self.clips:
                yield _padded(filled, self.clip_samples), wanted[-1][0] + 1
                filled = []

    def _first_left_out(self) -> str:
        return next((f" (the first, {path}: {why})" for path, why in self.waveforms.left_out.items()), "")


Ready = queue.Queue[tuple[Batch, int] | Exception]
"""Batches, or an error in the background, to be raised where they are read."""


@contextmanager
def batches(
    source: ClipSource, *, first: int = 0, ended: Callable[[], bool] = lambda: False
) -> Iterator[Iterator[tuple[Batch, int]]]:
    """Batches read and cut by background threads, up to `AHEAD` before their use.

    Yields an iterator of (batch, number of the next clip): give that number as `first` to continue after it. It ends where it
    would have to wait and `ended` returns True.

    Raises:
        BadInputError: from the iterator, where no clip contains usable speech.
    """
    ready: Ready = queue.Queue(AHEAD)
    stop = threading.Event()
    worker = threading.Thread(target=_fill, args=(ready, stop, source, first), name="sslbench-batches", daemon=True)
    worker.start()
    try:
        yield _drain(ready, ended)
    finally:
        stop.set()
        worker.join(JOIN_S)


def _fill(ready: Ready, stop: threading.Event, source: ClipSource, first: int) -> None:
    """Put batches into the queue until stopped."""
    try:
        with threads(READERS) as pool:
            for item in source.batches(pool, first):
                if not _put(ready, stop, item):
                    return
    except Exception as error:  # noqa: BLE001 - raised again where the batches are read
        _put(ready, stop, error)


def _put(ready: Ready, stop: threading.Event, item: tuple[Batch, int] | Exception) -> bool:
    """Wait for room in the queue; False if stopped first."""
    while not stop.is_set():
        try:
            ready.put(item, timeout=0.1)
        except queue.Full:
            continue
        return True
    return False


def _drain(ready: Ready, ended: Callable[[], bool]) -> Iterator[tuple[Batch, int]]:
    """Batches as they arrive."""
    while True:
        try:
            item = ready.get(timeout=LOOK_S)
        except queue.Empty:
            if ended():
                return
            continue
        if isinstance(item, Exception):
            raise item
        yield item


def _padded(clips: list[NDArray[np.int16]], clip_samples: int) -> Batch:
    """A batch of clips, short ones padded with zeros."""
    samples = np.zeros((len(clips), clip_samples), np.int16)
    for row, clip in zip(samples, clips, strict=True):
        row[: len(clip)] = clip
    lengths = np.array([len(clip) for clip in clips], np.int64)
    return Batch(samples, None if (lengths == clip_samples).all() else lengths)

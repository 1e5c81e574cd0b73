"""Decoded speech, kept in memory up to a limit."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from ssl_bench.data.audio import Recording, UnreadableAudioError, read_recording, unfit
from ssl_bench.data.corpus import Utterance
from ssl_benchmarks.processes.job_limits import memory_at_hand

SHARE_OF_FREE_MEMORY = 0.3


class Waveforms:
    """Reads utterances once and keeps their 16-bit samples until `limit` bytes are used; then decodes again each time.

    Safe to use from several threads. A broken file has no samples and is listed in `broken`; what is odd about a file, or
    was changed by reading it, is in `remarks`. Odd files are left out of training unless `keep_odd`.
    """

    def __init__(self, limit: int | None = None, *, keep_odd: bool = False) -> None:
        self.limit = int(memory_at_hand() * SHARE_OF_FREE_MEMORY) if limit is None else limit
        self.keep_odd = keep_odd
        self.kept_bytes = 0
        self.broken: dict[str, str] = {}
        self.left_out: dict[str, str] = {}
        """Files not trained on, broken ones included, and why."""
        self.remarks: dict[str, dict[str, str]] = {}
        """Remarks by file and kind, for files that were read and are not broken; see `Recording`."""
        self._kept: dict[str, NDArray[np.int16]] = {}
        self._lock = threading.Lock()

    def samples(self, utterance: Utterance) -> NDArray[np.int16]:
        """The utterance's samples `(n,)`; empty for a broken file."""
        key = str(utterance.path)
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        try:
            recording = read_recording(utterance.path)
            self.remarks[key] = recording.remarks
        except UnreadableAudioError as error:
            recording = Recording(np.zeros(0, np.int16))
            self.broken[key] = str(error)
        samples = recording.samples
        with self._lock:
            if key not in self._kept and self.kept_bytes + samples.nbytes <= self.limit:
                self._kept[key] = samples
                self.kept_bytes += samples.nbytes
        return samples

    def to_train_on(self, utterance: Utterance) -> NDArray[np.int16]:
        """The same; also empty for a file that should not be trained on, which is then listed in `left_out`."""
        samples = self.samples(utterance)
        if reason := self.why_left_out(utterance):
            self.left_out[str(utterance.path)] = reason
            return samples[:0]
        return samples

    def why_left_out(self, utterance: Utterance) -> str:
        """Why an utterance that was read is left out of training; empty if it is not."""
        key = str(utterance.path)
        if key in self.broken:
            return self.broken[key]
        return "" if self.keep_odd else unfit(self.remarks.get(key, {}))

    def floats(self, utterance: Utterance) -> NDArray[np.float32]:
        """The samples as float32 in [-1, 1)."""
        return as_floats(self.samples(utterance))


def as_floats(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """16-bit samples as float32 in [-1, 1)."""
    return samples.astype(np.float32) / 32768.0

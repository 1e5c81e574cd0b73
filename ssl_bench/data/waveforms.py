"""Decoded speech, kept in memory as far as memory goes."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from benchmarks.job_limits import memory_at_hand
from ssl_bench.data.audio import UnreadableAudioError, read_audio
from ssl_bench.data.corpus import Utterance

SHARE_OF_FREE_MEMORY = 0.3


class Waveforms:
    """Reads utterances once and keeps their 16-bit samples until `limit` bytes are used; then decodes anew each time.

    Safe to use from several threads. A file that turns out to be broken gives no samples and is named in `broken`.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = int(memory_at_hand() * SHARE_OF_FREE_MEMORY) if limit is None else limit
        self.kept_bytes = 0
        self.broken: dict[str, str] = {}
        self._kept: dict[str, NDArray[np.int16]] = {}
        self._lock = threading.Lock()

    def samples(self, utterance: Utterance) -> NDArray[np.int16]:
        """The utterance's samples `(n,)`; empty for a broken file."""
        key = str(utterance.path)
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        try:
            samples = read_audio(utterance.path)
        except UnreadableAudioError as error:
            samples = np.zeros(0, np.int16)
            self.broken[key] = str(error)
        with self._lock:
            if key not in self._kept and self.kept_bytes + samples.nbytes <= self.limit:
                self._kept[key] = samples
                self.kept_bytes += samples.nbytes
        return samples

    def floats(self, utterance: Utterance) -> NDArray[np.float32]:
        """The samples as float32 in [-1, 1)."""
        return self.samples(utterance).astype(np.float32) / 32768.0

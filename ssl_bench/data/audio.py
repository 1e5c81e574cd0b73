"""Audio files read as 16 kHz mono samples, with remarks on what is odd in a file or changed on reading."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from ssl_bench.data.headers import broken_promises, is_left_empty, is_open_ended, with_open_end
from ssl_bench.data.streams import GUESSED, Endless
from ssl_models.interface import SAMPLE_RATE

AUDIO_SUFFIXES = frozenset({".flac", ".wav", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au", ".sph", ".w64", ".caf"})
RATES = range(1_000, 1_000_001)
"""Hz; a header with another rate is considered broken."""
FEWEST_BYTES = 250
"""Bytes per second; no speech coder uses fewer, so a header that implies fewer is checked by decoding."""
BLOCK, FINE_BLOCK = 2**17, 4096
"""Frames read at a time; a block that breaks is lost as a whole, so a file that breaks is read again in fine blocks."""
FULL_SCALE = 32767
MOST_CLIPPED = 0.01
"""Share of samples at full scale above which a file is left out of training."""
SILENT = 32768 * 10 ** (-80 / 20)
"""Standard deviation of 16-bit samples below which a file is silent: -80 dB of full scale."""
CANCELLED = 0.5
"""Channels cancel where their mean keeps less than this share of the power that it would keep for independent channels."""

UNFIT = (
    "shorter_than_header", "longer_than_header", "differs_from_header", "not_numbers", "clipped", "cancelled", "silent",
)  # fmt: skip
"""Kinds of remarks that leave a file out of training."""
CHANGED = ("slightly_clipped", "averaged", "resampled")
"""Kinds of remarks that do not."""

ERRORS = (soundfile.SoundFileError, OSError, ValueError, RuntimeError, MemoryError)
"""Errors from libsndfile, the system or resampling that a single file may raise."""


class UnreadableAudioError(Exception):
    """A file that is not audio, is empty, or breaks off before its first sample; the message is the reason."""


@dataclass(frozen=True)
class Recording:
    """A file as it was read.

    Attributes:
        samples: `(n,)` 16-bit, 16 kHz mono.
        remarks: what is odd in the file or was changed by reading it, by the kinds in `UNFIT` and `CHANGED`.
    """

    samples: NDArray[np.int16]
    remarks: dict[str, str] = field(default_factory=dict)


def unfit(remarks: Mapping[str, str]) -> str:
    """Why a file with these remarks should not be trained on; empty if nothing is wrong."""
    return next((remarks[kind] for kind in UNFIT if kind in remarks), "")


def samples_in(path: Path) -> int:
    """Number of samples at 16 kHz, from the header, or by decoding where the header is not reliable.

    Raises:
        UnreadableAudioError: with the reason.
    """
    try:
        with _opened(path) as file:
            seconds = file.frames / file.samplerate
            if not is_open_ended(file) and path.stat().st_size >= FEWEST_BYTES * seconds:
                return int(file.frames * SAMPLE_RATE // file.samplerate)
    except ERRORS as error:
        raise UnreadableAudioError(_reason(path, error)) from error
    return len(read_audio(path))


def read_audio(path: Path) -> NDArray[np.int16]:
    """The samples of `read_recording`."""
    return read_recording(path).samples


def read_recording(path: Path) -> Recording:
    """All samples as 16-bit integers: channels averaged, other rates resampled with a polyphase filter.

    Raises:
        UnreadableAudioError: with the reason; a file that breaks off later returns the samples before.
    """
    try:
        with _opened(path) as file:
            read, broke = _frames(file, BLOCK)
            if broke:
                with _opened(path) as again:
                    read, _ = _frames(again, FINE_BLOCK)
            remarks, rate = broken_promises(path, file, read, broke=broke), file.samplerate
        if not len(read):
            raise UnreadableAudioError("not audio, or broken" if broke else "no samples in it")
        samples: NDArray[np.int16] = read[:, 0]
        if read.dtype != np.int16 or (read.shape[1], rate) != (1, SAMPLE_RATE):
            floats = read.astype(np.float32) / 32768 if read.dtype == np.int16 else read
            samples = _converted(_averaged(floats, remarks), rate, remarks)
    except ERRORS as error:
        raise UnreadableAudioError(_reason(path, error)) from error
    _judge(samples, remarks)
    return Recording(samples, remarks)


class _Sequential(soundfile.SoundFile):  # type: ignore[misc] # soundfile has no types
    """A file read from start to end; soundfile seeks after each read, which fails where the header does not give the end."""

    def seekable(self) -> bool:
        """Never, so that soundfile does not seek."""
        return False

    def close(self) -> None:
        """Close it and the file that was opened for it."""
        super().close()
        if isinstance(self.name, io.IOBase):
            self.name.close()


def _opened(path: Path) -> soundfile.SoundFile:
    """Open a file whose header has a plausible length and rate.

    Raises:
        UnreadableAudioError: where it does not.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for its writer
        raise UnreadableAudioError("not a regular file")
    file = _Sequential(os.fsencode(path))  # bytes, since a name need not be text
    if GUESSED.search(file.extra_info):
        file.close()
        file = _Sequential(Endless(os.fsencode(path)))
    elif is_left_empty(file):
        file.close()
        file = _Sequential(io.BytesIO(with_open_end(path.read_bytes())))
    if file.frames > 0 and file.samplerate in RATES:
        return file
    file.close()
    raise UnreadableAudioError(
        "no samples in it" if file.frames <= 0 else f"its header gives a sample rate of {file.samplerate} Hz"
    )


def _frames(file: soundfile.SoundFile, block: int) -> tuple[NDArray[Any], bool]:
    """Frames `(n, channels)` up to the end or to where the file breaks, and whether it does."""
    # Only files of 16-bit integers: libsndfile does not scale floats when it is asked for integers.
    dtype = "int16" if file.subtype == "PCM_16" else "float32"
    blocks, broke = [np.zeros((0, file.channels), dtype)], False
    try:
        while len(read := file.read(block, dtype=dtype, always_2d=True)):
            blocks.append(read)
    except soundfile.SoundFileError:
        broke = True
    return np.concatenate(blocks), broke


def _averaged(floats: NDArray[Any], remarks: dict[str, str]) -> NDArray[np.float32]:
    """Mean over channels, `(n,)`, of samples `(n, channels)`; NaN and infinity become silence."""
    finite = np.isfinite(floats)
    if not finite.all():
        remarks["not_numbers"] = (
            f"{100 * (~finite).mean():.2f} % of its samples are not finite numbers, read as silence"
        )
        floats = np.where(finite, floats, 0.0)
    channels = floats.shape[1]
    if channels == 1:
        return floats[:, 0]
    mono, power = floats.mean(axis=1), float(np.square(floats, dtype=np.float64).mean())
    kept = float(np.square(mono, dtype=np.float64).mean()) / power if power else 1.0
    remarks["averaged"] = f"{channels} channels averaged"
    if kept < CANCELLED / channels:
        remarks["cancelled"] = (
            f"its {channels} channels cancel each other: their mean keeps {100 * kept**0.5:.1f} % of the level"
        )
    return mono


def _converted(mono: NDArray[np.float32], rate: int, remarks: dict[str, str]) -> NDArray[np.int16]:
    """Convert samples `(n,)` at `rate` to 16-bit samples at 16 kHz."""
    if rate != SAMPLE_RATE:
        from scipy.signal import resample_poly  # a slow import, and most speech is at 16 kHz

        common = gcd(rate, SAMPLE_RATE)
        mono = resample_poly(mono, SAMPLE_RATE // common, rate // common)
        remarks["resampled"] = f"resampled from {rate} Hz"
    scaled = np.round(mono * 32768.0)
    clipped = int(((scaled > FULL_SCALE + 1) | (scaled < -FULL_SCALE - 1)).sum())
    if clipped:
        remarks["slightly_clipped"] = f"{clipped} samples beyond full scale, clipped"
    return scaled.clip(-FULL_SCALE - 1, FULL_SCALE).astype(np.int16)


def _judge(samples: NDArray[np.int16], remarks: dict[str, str]) -> None:
    """Add remarks on clipping and silence in the samples."""
    least, most = int(samples.min()), int(samples.max())
    loud = max(most, -least) >= FULL_SCALE
    share = float(((samples >= FULL_SCALE) | (samples <= -FULL_SCALE)).mean()) if loud else 0.0
    if share > MOST_CLIPPED:
        remarks.pop("slightly_clipped", None)
        remarks["clipped"] = f"clipped: {100 * share:.1f} % of its samples are at full scale"
    if "cancelled" not in remarks and _deviation(samples) < SILENT:
        remarks["silent"] = "silent: below -80 dB of full scale"


def _deviation(samples: NDArray[np.int16]) -> float:
    """Standard deviation of samples `(n,)`, five times as fast as NumPy's own in float64."""
    centred = samples.astype(np.float32)
    centred -= centred.mean(dtype=np.float64)
    return float(np.dot(centred, centred) / len(centred)) ** 0.5


def _reason(path: Path, error: Exception) -> str:
    """Why a file cannot be read, in a few words."""
    try:
        if path.stat().st_size == 0:
            return "an empty file"
    except OSError as failure:
        return failure.strerror or "cannot be read"
    if isinstance(error, MemoryError):
        return "too long for the available memory"
    return "not audio, or broken" if isinstance(error, soundfile.SoundFileError) else str(error)

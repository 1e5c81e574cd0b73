"""Audio files to 16 kHz mono samples."""

from __future__ import annotations

from math import gcd
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from models.interface import SAMPLE_RATE

AUDIO_SUFFIXES = frozenset({".flac", ".wav", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au", ".sph", ".w64", ".caf"})


class UnreadableAudioError(Exception):
    """A file that is no audio, is empty, or breaks off before its first sample; the message is the reason."""


def samples_in(path: Path) -> int:
    """Samples the file will have at 16 kHz, from its header.

    Raises:
        UnreadableAudioError: with the reason.
    """
    try:
        header = soundfile.info(str(path))
    except (soundfile.SoundFileError, OSError) as error:
        raise UnreadableAudioError(_reason(path, error)) from error
    if header.frames <= 0 or header.samplerate <= 0:
        raise UnreadableAudioError("no samples in it")
    return int(header.frames * SAMPLE_RATE // header.samplerate)


def read_audio(path: Path) -> NDArray[np.int16]:
    """All samples as 16-bit integers: channels averaged, other rates resampled with a polyphase filter.

    Raises:
        UnreadableAudioError: with the reason; a file that breaks off later gives what it has.
    """
    try:
        with soundfile.SoundFile(str(path)) as file:
            rate = file.samplerate
            # Only files of 16-bit integers: libsndfile does not scale floats when it is asked for integers.
            as_it_is = (rate, file.channels, file.subtype) == (SAMPLE_RATE, 1, "PCM_16")
            samples = file.read(dtype="int16" if as_it_is else "float32")
    except (soundfile.SoundFileError, OSError) as error:
        raise UnreadableAudioError(_reason(path, error)) from error
    if samples.dtype != np.int16:
        samples = _converted(samples, rate)
    if not len(samples):
        raise UnreadableAudioError("no samples in it")
    return samples


def _converted(samples: NDArray[np.float32], rate: int) -> NDArray[np.int16]:
    """Float samples `(n,)` or `(n, channels)` at `rate` to 16 kHz mono 16-bit; non-finite samples become silence."""
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    mono = np.nan_to_num(mono, nan=0.0, posinf=0.0, neginf=0.0)
    if rate != SAMPLE_RATE:
        from scipy.signal import resample_poly  # a slow import, and most speech is at 16 kHz

        common = gcd(rate, SAMPLE_RATE)
        mono = resample_poly(mono, SAMPLE_RATE // common, rate // common)
    return np.round(mono * 32768.0).clip(-32768, 32767).astype(np.int16)


def _reason(path: Path, error: Exception) -> str:
    """Why a file cannot be read, in a few words."""
    try:
        if path.stat().st_size == 0:
            return "an empty file"
    except OSError as failure:
        return failure.strerror or "cannot be read"
    return "not audio, or broken" if isinstance(error, soundfile.SoundFileError) else str(error)

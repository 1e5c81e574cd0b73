"""The header of an audio file, compared with what was read."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from ssl_bench.data.streams import mpeg_left, ogg_left

TOLERANCE = 0.1
"""Seconds; a compressed frame or two."""
PLACEHOLDER = 0x7FFF0000
"""Bytes; a program that records into a pipe and cannot know the length writes this or more, or zero."""
LONGEST = 2**36
"""Frames, the most that FLAC can count; libsndfile reports more where a header leaves the length open."""

# Lines of libsndfile's log. `riff` in lower case is from W64, whose data chunk it does not compare with the file.
PROMISED = re.compile(r"^\s*(?:data|SSND|Data Size|riff) *: (\d+) \(should be (\d+)\)", re.MULTILINE)
COUNTED = re.compile(r"'COMM' chunk \((\d+)\) not equal to frame count|value from 'ds64' chunk of (\d+)")
DATA = re.compile(r"^\s*(?:data|SSND) *: (\d+)", re.MULTILINE)
NO_CHUNK = re.compile(r"Unknown chunk marker.* at position (\d+)")
EMPTY = re.compile(r"^data : 0\n\*{3} Unknown chunk marker", re.MULTILINE)
AU = re.compile(r"Data Offset *: (\d+)\s+Data Size *: (\d+)$", re.MULTILINE)
NIST = re.compile(rb"^sample_count -i (\d+)", re.MULTILINE)
LEFT = {"MP3": mpeg_left, "OGG": ogg_left}
UNENDED = "Last page lacks an end-of-stream bit"


def is_open_ended(file: soundfile.SoundFile) -> bool:
    """Whether the header does not give the length, as in a FLAC file that was written into a pipe."""
    return bool(file.frames > LONGEST)


def is_left_empty(file: soundfile.SoundFile) -> bool:
    """Whether a WAV claims to be empty but sound follows, as from a recorder that never wrote the length."""
    return not file.frames and EMPTY.search(file.extra_info) is not None


def with_open_end(raw: bytes) -> bytes:
    """A WAV whose length is zero, with the mark of an unknown length instead."""
    return raw.replace(b"data\x00\x00\x00\x00", b"data\xff\xff\xff\xff", 1)


def broken_promises(path: Path, file: soundfile.SoundFile, read: NDArray[Any], *, broke: bool) -> dict[str, str]:
    """How the frames `(n, channels)` read from an open file differ from its header, in words, by kind of remark.

    `broke` is whether decoding ended in an error. Lengths within a tenth of a second agree. FLAC has a checksum of its
    samples, which is verified for 16-bit files.
    """
    there, promised = len(read) / file.samplerate, _promised_seconds(path, file, len(read))
    if promised > there + TOLERANCE:
        return {"shorter_than_header": f"breaks off after {there:.2f} s of {promised:.2f} s"}
    if broke or UNENDED in file.extra_info or (file.format == "OGG" and ogg_left(path) < 0):
        return {"shorter_than_header": f"breaks off after {there:.2f} s, before its stream ends"}
    if (more := _seconds_more(path, file, there, promised)) > TOLERANCE:
        return {"longer_than_header": f"contains {more:.2f} s more than the {promised:.2f} s in its header"}
    if file.format == "FLAC" and read.dtype == np.int16 and not _has_checksum(path, read):
        return {
            "differs_from_header": "its samples do not match the checksum in its header: damaged, or of a different length"
        }
    return {}


def _promised_seconds(path: Path, file: soundfile.SoundFile, read: int) -> float:
    """Seconds according to the header itself; libsndfile's own count is what is left of a truncated file."""
    frames = float(read if is_open_ended(file) else file.frames)
    for promised, real in PROMISED.findall(file.extra_info):
        if 0 < int(promised) < PLACEHOLDER and int(real):
            frames = max(frames, frames * int(promised) / int(real))
    for count in COUNTED.findall(file.extra_info):
        frames = float("".join(count)) or frames
    if file.format == "NIST" and (counted := NIST.search(_head(path, 1024))):
        frames = float(counted[1])
    return frames / file.samplerate


def _seconds_more(path: Path, file: soundfile.SoundFile, there: float, promised: float) -> float:
    """Seconds of sound beyond the header's length: read, or left where another chunk should begin."""
    log, size = file.extra_info, path.stat().st_size
    data, stray, au = DATA.search(log), NO_CHUNK.search(log), AU.search(log)
    if data and stray and int(data[1]):
        return (size - int(stray[1])) / int(data[1]) * there
    if au and int(au[2]):
        return (size - int(au[1]) - int(au[2])) / int(au[2]) * there
    if file.format in LEFT:
        return LEFT[file.format](path) * there
    return there - promised


def _has_checksum(path: Path, read: NDArray[np.int16]) -> bool:
    """Whether the samples match FLAC's MD5 of them; True if the header leaves it out."""
    head = _head(path, 42)
    stored = head[26:42] if head[:4] == b"fLaC" else b""
    if not any(stored):
        return True
    return hashlib.md5(read.astype("<i2", copy=False).tobytes(), usedforsecurity=False).digest() == stored


def _head(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        return file.read(count)

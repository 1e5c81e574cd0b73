"""Compressed streams whose length libsndfile guesses, or mistakes for that of the file: MPEG audio and Ogg."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed import WriteableBuffer

GUESSED = re.compile(r"bitrate mode +: constant")
"""Logged by libsndfile for MPEG audio whose first frame does not count the others; it assumes them as long as the first."""
XING = re.compile(rb"(?:Xing|Info)\x00\x00\x00[\x03\x07\x0b\x0f]....(....)", re.DOTALL)
"""Follows the header of MPEG audio's first frame; counts the frames and bytes of the stream, itself included."""
HEAD = 2**20
"""Bytes within which the first frame begins, even after a tag with a picture."""
SYNC = re.compile(rb"\xff[\xe2-\xff]")
SEEMING = 2**40
"""Bytes that `Endless` appears to have."""
END, BEGINNING = 4, 2
"""Flags of an Ogg page."""


class Endless(io.FileIO):
    """A file that appears to be 1 TiB long and to end in zeros, so that no length guessed from it cuts off any sound."""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Seek, with the end where it appears to be."""
        return super().seek(SEEMING + offset) if whence == io.SEEK_END else super().seek(offset, whence)

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        """Read what is there, or zeros near the apparent end."""
        if self.tell() < SEEMING // 2:
            return super().readinto(buffer)
        view = memoryview(buffer)
        view[:] = bytes(len(view))
        return len(view)


def mpeg_left(path: Path) -> float:
    """Bytes of MPEG audio after the stream that its first frame counts, as a share of that; 0 if there are none."""
    with path.open("rb") as file:
        head = file.read(HEAD)
        counted = XING.search(head)
        first = -1 if counted is None else head.rfind(b"\xff", 0, counted.start())
        if counted is None or first < 0:
            return 0.0
        stream = int.from_bytes(counted[1], "big")
        file.seek(first + stream)
        more = SYNC.match(file.read(2))
    return (path.stat().st_size - first - stream) / stream if more and stream else 0.0


def ogg_left(path: Path) -> float:
    """Bytes after the first Ogg stream where another begins, as a share of it; 0 if there are none.

    Negative where the file breaks off inside its last page.
    """
    raw = path.read_bytes()
    ended = at = 0
    while raw[at : at + 4] == b"OggS" and len(raw) > at + 27:
        flags, segments = raw[at + 5], raw[at + 26]
        if ended and flags & BEGINNING:
            return (len(raw) - ended) / ended
        at += 27 + segments + sum(raw[at + 27 : at + 27 + segments])
        if flags & END and not ended:
            ended = at
    return (len(raw) - at) / at if at > len(raw) else 0.0

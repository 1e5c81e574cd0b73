"""Text files as editors, spreadsheets and other systems save them."""

from __future__ import annotations

import codecs
from pathlib import Path

# UTF-32 first: its byte order mark begins with that of UTF-16.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


class UnreadableTextError(ValueError):
    """A file that is not text in the encoding it declares; the message is the reason."""


def encoding_of(head: bytes) -> str:
    """The encoding given by the byte order mark of a file; UTF-8 without one."""
    return next((name for mark, name in MARKS if head.startswith(mark)), "utf-8")


def text_of(raw: bytes) -> str:
    """The text of a file's bytes, without byte order marks.

    Raises:
        UnreadableTextError: if the bytes are not such text; no encoding is guessed.
    """
    try:
        text = raw.decode(encoding_of(raw[:4]))
    except UnicodeDecodeError:
        raise UnreadableTextError("neither UTF-8 nor UTF-16 text") from None
    if "\0" in text:
        raise UnreadableTextError("neither UTF-8 text nor UTF-16 with a byte order mark")
    return text.replace("\ufeff", "")  # concatenated files have one in the middle


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, with any line ending.

    Raises:
        UnreadableTextError: if the file cannot be read or is not text.
    """
    try:
        text = text_of(path.read_bytes())
    except OSError as error:
        raise UnreadableTextError(error.strerror or "unreadable") from error
    # Unlike `splitlines`, which would also split a line at a form feed or a Unicode separator.
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def shown(path: Path | str) -> str:
    """A path as text that can be written as UTF-8; bytes of a name in another encoding are shown by number."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

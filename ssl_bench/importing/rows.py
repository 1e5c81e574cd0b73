"""Tables of text that other tools write: rows of named cells, of bounded size."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from ssl_benchmarks.files.text_files import UnreadableTextError, text_of
from ssl_models.errors import BadInputError

MOST_ROWS, MOST_BYTES = 10_000, 2**26
"""The most rows and bytes of a file."""
Row = Mapping[str, str | None]


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        BadInputError: if it is missing, a folder, too large or not text.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise BadInputError(f"{path}: larger than {MOST_BYTES >> 20} MiB; split it")
        return text_of(raw)
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror or 'unreadable'}") from error
    except UnreadableTextError as error:
        raise BadInputError(f"{path}: {error}") from error


def rows_of(text: str, path: Path, needed: Sequence[str], whose: str) -> list[Row]:
    """The rows of a CSV file's text, with at least the columns `needed`.

    Raises:
        BadInputError: if it is not such a table, or has too many rows; `whose` file it should be is named.
    """
    try:
        rows: list[Row] = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise BadInputError(f"{path}: not a CSV file ({error})") from error
    missing = [name for name in needed if not rows or rows[0].get(name) is None]
    if missing:
        raise BadInputError(f"{path}: not {whose}: no {missing[0]}")
    if len(rows) > MOST_ROWS:
        raise BadInputError(f"{path}: holds more than {MOST_ROWS:,} rows; split it")
    if odd := next((place for place, row in enumerate(rows, start=2) if None in row), None):
        raise BadInputError(f"{path}, row {odd}: more cells than columns")
    return rows


def word(row: Row, name: str) -> str:
    """The text of a cell in one line; empty where there is none."""
    return " ".join((row.get(name) or "").split())


def number(row: Row, name: str, otherwise: float | None = None) -> float:
    """The number in a cell; `otherwise` where it is empty.

    Raises:
        ValueError: if it is no finite number of at least 0.
    """
    text = word(row, name)
    return otherwise if not text and otherwise is not None else amount(text, name)


def amount(text: str, name: str) -> float:
    """A finite number of at least 0.

    Raises:
        ValueError: naming it, if it is none.
    """
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name} {text!r:.80} is not a number") from None
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} {text:.80} is not a finite number of at least 0")
    return value

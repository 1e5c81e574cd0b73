"""Errors of a disk that is full or read-only, whichever library raises them."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
REFUSES = (*FULL, errno.EROFS)
_BY_NUMPY = re.compile(r"^\d+ requested and \d+ written$")
_BY_RUST = re.compile(r"\(os error (\d+)\)|\bOs \{ code: (\d+)")


def refusal(error: BaseException) -> str:
    """Why a disk could not be written to, with the file if known; "" for any other error.

    Libraries in C++ and Rust give the system's error in words, and one error is often raised from another.
    """
    for one in _chain(error):
        number = _number(one)
        if number in REFUSES:
            name = getattr(one, "filename", None)
            return f"{f'{name}: ' if name else ''}{os.strerror(number).lower()}"
    return ""


def is_full(error: BaseException) -> bool:
    """Whether an error comes from a full disk."""
    return any(_number(one) in FULL for one in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those from which it was raised."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _number(error: BaseException) -> int:
    """The system's number of an error, 0 without one."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    if isinstance(error, OSError) and _BY_NUMPY.search(str(error)):
        return errno.ENOSPC
    if told := _BY_RUST.search(str(error)):
        return int(told[1] or told[2])
    return next((number for number in REFUSES if os.strerror(number) in str(error)), 0)

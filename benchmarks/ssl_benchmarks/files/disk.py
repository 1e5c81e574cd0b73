"""What a disk that is full, or that takes no writing, looks like in whatever library meets it."""

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
    """Why a disk refused to be written, with the file where it is known; "" for an error that is of something else.

    Libraries of C++ and Rust tell the system's error in words, and one error is often raised from another.
    """
    for one in _chain(error):
        number = _number(one)
        if number in REFUSES:
            name = getattr(one, "filename", None)
            return f"{f'{name}: ' if name else ''}{os.strerror(number).lower()}"
    return ""


def is_full(error: BaseException) -> bool:
    """Whether a disk without room is behind an error."""
    return any(_number(one) in FULL for one in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _number(error: BaseException) -> int:
    """The system's number of an error, 0 where it has none."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    if isinstance(error, OSError) and _BY_NUMPY.search(str(error)):
        return errno.ENOSPC
    if told := _BY_RUST.search(str(error)):
        return int(told[1] or told[2])
    return next((number for number in REFUSES if os.strerror(number) in str(error)), 0)

"""A file that a reader sees whole: the old one or the new one."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from ssl_benchmarks.files.leftovers import owned


def write_atomically(path: Path, content: str | bytes, *, flush: bool = True) -> None:
    """Write to a file beside `path`, flush it to disk, then rename it to `path`.

    Without `flush`, a power failure may leave a broken file.
    """
    # A file name need not be valid text; that must not cost the record.
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    temporary = path.with_name(f"{owned(f'.{path.name}')}{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            if flush:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)
        raise

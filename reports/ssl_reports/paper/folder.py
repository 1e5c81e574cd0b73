"""A folder written whole or not at all; it replaces an earlier report only if nobody has changed that since."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ssl_benchmarks.files.leftovers import owned, sweep
from ssl_models.documents import read_json, typed
from ssl_models.errors import BadInputError

MANIFEST = "sslbench-report.json"
SCHEMA = "sslbench.paper/1"
BY_LATEX = frozenset({".aux", ".bbl", ".blg", ".fdb_latexmk", ".fls", ".gz", ".log", ".out", ".pdf", ".toc"})
"""Files that LaTeX and BibTeX leave beside `main.tex`."""


@dataclass(frozen=True)
class Manifest:
    """The files of a report, with their SHA-256."""

    files: dict[str, str]


def write_whole(out: Path, write: Callable[[Path], None]) -> list[str]:
    """Let `write` fill a folder beside `out`, then put it in place of `out`; return the files' names, sorted.

    Raises:
        BadInputError: if `out` contains anything else, or a report that was edited.
    """
    refuse_foreign(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        sweep(out.parent, f".{out.name}.")
        fresh = Path(tempfile.mkdtemp(dir=out.parent, prefix=owned(f".{out.name}")))
    except OSError as error:
        raise BadInputError(f"{out}: cannot write a report there ({error.strerror}); choose another --out") from error
    try:
        fresh.chmod(0o755)
        write(fresh)
        names = _files(fresh)
        digests = {name: _digest(fresh / name) for name in names}
        (fresh / MANIFEST).write_text(
            json.dumps({"schema": SCHEMA, "files": digests}, indent=1) + "\n", encoding="utf-8"
        )
        _put(fresh, out)
    except OSError as error:
        error.filename = error.filename or str(out)
        raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return sorted([*names, MANIFEST])


def refuse_foreign(out: Path) -> None:
    """Stop before any of the user's files would be lost.

    Raises:
        BadInputError: naming the first file that is not part of a report, or was edited.
    """
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir() or out.is_symlink():
        raise BadInputError(f"{out}: not a folder; choose another --out")
    found = _files(out)
    if not found:
        return
    if MANIFEST not in found:
        raise BadInputError(f"{out}: contains {found[0]}, which is not part of a report; choose another --out")
    try:
        known = typed(Manifest, read_json(out / MANIFEST)).files
    except (OSError, ValueError) as error:
        raise BadInputError(f"{out / MANIFEST}: broken ({error}); choose another --out") from error
    for name in found:
        if name not in known and name != MANIFEST and not (name.startswith("main.") and Path(name).suffix in BY_LATEX):
            raise BadInputError(f"{out}: contains {name}, which is not part of a report; choose another --out")
        if name in known and _digest(out / name) != known[name]:
            raise BadInputError(f"{out}: {name} was changed since it was written; choose another --out")


def _put(fresh: Path, out: Path) -> None:
    """Replace what was there, which is removed only once the new folder is in place."""
    old = fresh.with_name(f"{fresh.name}.old")
    if out.exists():
        out.rename(old)
    try:
        fresh.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Who speaks in a file: by LibriSpeech's layout, or by a pattern that the user gives."""

from __future__ import annotations

import re
from pathlib import Path

from ssl_models.errors import BadInputError

LIBRISPEECH_STEM = re.compile(r"^([^-]+)-([^-]+)-\d+$")


def speaker_pattern(text: str | None) -> re.Pattern[str] | None:
    """The regular expression that finds the speaker in the path of a file below its folder: in its group `speaker`.

    A group `session` may tell the recording session.

    Raises:
        BadInputError: for what is no such expression.
    """
    if text is None:
        return None
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise BadInputError(f"--speakers {text}: no regular expression ({error})") from error
    if "speaker" not in pattern.groupindex:
        raise BadInputError(f"--speakers {text}: has no group named speaker, as in '^(?P<speaker>[^/]+)/'")
    return pattern


def voice_of(path: Path, root: Path, pattern: re.Pattern[str] | None) -> tuple[str | None, str]:
    """A file's speaker and session, None and empty where nothing tells them."""
    if pattern:
        found = pattern.search(path.relative_to(root).as_posix())
        groups = found.groupdict() if found else {}
        return groups.get("speaker") or None, groups.get("session") or ""
    stem = LIBRISPEECH_STEM.match(path.stem)
    if stem and (path.parent.name, path.parent.parent.name) == (stem[2], stem[1]):
        return stem[1], stem[2]
    return None, ""

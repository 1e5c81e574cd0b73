"""The speaker of a file, from LibriSpeech's layout or from a pattern given by the user."""

from __future__ import annotations

import re
from pathlib import Path

from ssl_models.errors import BadInputError

LIBRISPEECH_STEM = re.compile(r"^([^-]+)-([^-]+)-\d+$")


def speaker_pattern(text: str | None) -> re.Pattern[str] | None:
    """The regular expression whose group `speaker` finds the speaker in a file's path below its folder.

    A group `session` may find the recording session.

    Raises:
        BadInputError: for an invalid expression, or one without that group.
    """
    if text is None:
        return None
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise BadInputError(f"--speakers {text}: not a regular expression ({error})") from error
    if "speaker" not in pattern.groupindex:
        raise BadInputError(f"--speakers {text}: has no group named speaker, as in '^(?P<speaker>[^/]+)/'")
    return pattern


def voice_of(path: Path, root: Path, pattern: re.Pattern[str] | None) -> tuple[str | None, str]:
    """A file's speaker and session; None and empty if unknown."""
    if pattern:
        found = pattern.search(path.relative_to(root).as_posix())
        groups = found.groupdict() if found else {}
        return groups.get("speaker") or None, groups.get("session") or ""
    stem = LIBRISPEECH_STEM.match(path.stem)
    if stem and (path.parent.name, path.parent.parent.name) == (stem[2], stem[1]):
        return stem[1], stem[2]
    return None, ""

"""A folder of speech: which utterances it holds, who speaks, and what is said."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import BadInputError
from models.interface import SAMPLE_RATE
from ssl_bench.data.audio import AUDIO_SUFFIXES, UnreadableAudioError, samples_in
from ssl_bench.data.threads import threads

LIBRISPEECH_STEM = re.compile(r"^([^-]+)-([^-]+)-\d+$")


@dataclass(frozen=True)
class Utterance:
    """One audio file.

    Attributes:
        path: of the file.
        samples: its length at 16 kHz, by its header.
        speaker: who speaks, None where the folder does not say.
        text: what is said, empty where the transcript is, None where there is none.
    """

    path: Path
    samples: int
    speaker: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class Corpus:
    """The utterances of a folder, in a fixed order.

    Attributes:
        root: the folder.
        utterances: those that can be read.
        skipped: the path and the reason of each file that cannot.
        speakers_from: "LibriSpeech layout", "folder names" or "" where no speaker is known.
    """

    root: Path
    utterances: tuple[Utterance, ...]
    skipped: tuple[tuple[Path, str], ...] = ()
    speakers_from: str = ""

    @property
    def hours(self) -> float:
        """Of speech."""
        return hours(self.utterances)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who is known to speak, sorted."""
        return tuple(sorted({u.speaker for u in self.utterances if u.speaker is not None}))

    @property
    def has_text(self) -> bool:
        """Whether any utterance comes with its transcript."""
        return any(u.text for u in self.utterances)


def hours(utterances: tuple[Utterance, ...]) -> float:
    """Of speech in the utterances."""
    return sum(u.samples for u in utterances) / SAMPLE_RATE / 3600


def read_corpus(folder: Path) -> Corpus:
    """Find every audio file below `folder`; a LibriSpeech layout brings transcripts and speakers.

    Elsewhere a first folder level of two names or more counts as the speakers. Files that cannot be read are skipped,
    each with its reason.

    Raises:
        BadInputError: where there is no such folder, or nothing in it can be used.
    """
    if not folder.is_dir():
        raise BadInputError(f"{folder}: no such folder; --data takes a folder of audio files")
    files = sorted(_audio_files(folder))
    if not files:
        suffixes = " ".join(sorted(AUDIO_SUFFIXES))
        raise BadInputError(f"{folder}: no audio files in it (looked for {suffixes})")
    lengths = lengths_or_reasons(files)
    readable = {path: n for path, n in zip(files, lengths, strict=True) if isinstance(n, int)}
    skipped = tuple((path, n) for path, n in zip(files, lengths, strict=True) if isinstance(n, str))
    if not readable:
        path, reason = skipped[0]
        raise BadInputError(f"{folder}: none of its {len(files)} audio files can be read; the first, {path}: {reason}")
    speakers, speakers_from = _speakers(folder, list(readable))
    texts = _transcripts({path.parent for path in readable})
    utterances = tuple(
        Utterance(path, n, speakers.get(path), texts.get(path.with_suffix(""))) for path, n in readable.items()
    )
    return Corpus(folder, utterances, skipped, speakers_from)


def _audio_files(folder: Path) -> Iterator[Path]:
    """Audio files below a folder, through linked folders too, each folder once; hidden ones left out."""
    seen: set[tuple[int, int]] = set()
    for where, folders, names in os.walk(folder, followlinks=True):
        status = Path(where).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            if not name.startswith(".") and Path(name).suffix.lower() in AUDIO_SUFFIXES:
                yield Path(where) / name


def lengths_or_reasons(files: Sequence[Path]) -> list[int | str]:
    """Samples at 16 kHz of each file, by its header, or why it cannot be read."""
    with threads(min(16, (os.cpu_count() or 1) * 2)) as pool:
        return list(pool.map(_length_or_reason, files))


def _length_or_reason(path: Path) -> int | str:
    try:
        return samples_in(path)
    except UnreadableAudioError as error:
        return str(error)


def _speakers(root: Path, paths: list[Path]) -> tuple[dict[Path, str], str]:
    """Each file's speaker, and what told it."""
    matches = {path: LIBRISPEECH_STEM.match(path.stem) for path in paths}
    if all(m and path.parent.name == m[2] and path.parent.parent.name == m[1] for path, m in matches.items()):
        return {path: m[1] for path, m in matches.items() if m}, "LibriSpeech layout"
    tops = {path: path.relative_to(root).parts[0] for path in paths if path.parent != root}
    if len(tops) == len(paths) and len(set(tops.values())) > 1:
        return tops, "folder names"
    return {}, ""


def _transcripts(folders: set[Path]) -> dict[Path, str]:
    """Audio file without its suffix to text, from the `*.trans.txt` files beside the audio."""
    texts: dict[Path, str] = {}
    for folder in sorted(folders):
        for file in sorted(folder.glob("*.trans.txt")):
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                name, _, text = line.strip().partition(" ")
                if name:
                    texts[folder / name] = text.strip()
    return texts

"""A folder of speech: its utterances, speakers and transcripts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssl_bench.data.audio import AUDIO_SUFFIXES, UnreadableAudioError, samples_in
from ssl_bench.data.speakers import speaker_pattern, voice_of
from ssl_benchmarks.files.text_files import UnreadableTextError, read_lines
from ssl_benchmarks.processes.threads import threads
from ssl_models.errors import BadInputError
from ssl_models.interface import SAMPLE_RATE


@dataclass(frozen=True)
class Utterance:
    """One audio file.

    Attributes:
        path: of the file.
        samples: its length at 16 kHz, by its header.
        speaker: None if the folder does not say.
        text: the transcript, which may be empty; None if there is none.
        session: the chapter or recording session; empty if the folder does not say.
    """

    path: Path
    samples: int
    speaker: str | None = None
    text: str | None = None
    session: str = ""


@dataclass(frozen=True)
class Corpus:
    """The utterances of a folder, in a fixed order.

    Attributes:
        root: the folder.
        utterances: those that can be read.
        skipped: path and reason of each audio file, transcript file or folder that cannot be read.
        speakers_from: "LibriSpeech layout", "--speakers PATTERN", or "" if no speaker is known.
    """

    root: Path
    utterances: tuple[Utterance, ...]
    skipped: tuple[tuple[Path, str], ...] = ()
    speakers_from: str = ""

    @property
    def hours(self) -> float:
        """Hours of speech."""
        return hours(self.utterances)

    @property
    def speakers(self) -> tuple[str, ...]:
        """The known speakers, sorted."""
        return tuple(sorted({u.speaker for u in self.utterances if u.speaker is not None}))

    @property
    def of_unknown_speakers(self) -> int:
        """Number of utterances whose speaker is unknown."""
        return sum(u.speaker is None for u in self.utterances)

    @property
    def has_text(self) -> bool:
        """Whether any utterance comes with its transcript."""
        return any(u.text for u in self.utterances)


def hours(utterances: Sequence[Utterance]) -> float:
    """Hours of speech in the utterances."""
    return sum(u.samples for u in utterances) / SAMPLE_RATE / 3600


def formats_of(utterances: Sequence[Utterance]) -> dict[str, int]:
    """Files by suffix, such as "flac"."""
    return dict(Counter(u.path.suffix.lower().removeprefix(".") for u in utterances))


def read_corpus(folder: Path, speakers: str | None = None) -> Corpus:
    """Find every audio file below `folder`; LibriSpeech's layout gives transcripts and speakers, file by file.

    `speakers` is a pattern to find speakers instead (see `speaker_pattern`); those not found are unknown. Files that
    cannot be read are skipped, each with the reason.

    Raises:
        BadInputError: where there is no such folder, nothing in it can be used, or the pattern matches nothing.
    """
    pattern = speaker_pattern(speakers)
    if not folder.is_dir():
        raise BadInputError(f"{folder}: no such folder; --data takes a folder of audio files")
    skipped: list[tuple[Path, str]] = []
    files = sorted(_audio_files(folder, skipped))
    if not files:
        suffixes = " ".join(sorted(AUDIO_SUFFIXES))
        unseen = "".join(f"; {path}: {reason}" for path, reason in skipped[:1])
        raise BadInputError(f"{folder}: no audio files in it (looked for {suffixes}){unseen}")
    lengths = lengths_or_reasons(files)
    readable = {path: n for path, n in zip(files, lengths, strict=True) if isinstance(n, int)}
    skipped += [(path, n) for path, n in zip(files, lengths, strict=True) if isinstance(n, str)]
    if not readable:
        first = f"the first, {files[0]}: {lengths[0]}"
        raise BadInputError(f"{folder}: none of its {len(files)} audio files can be read; {first}")
    voices = {path: voice_of(path, folder, pattern) for path in readable}
    known = any(speaker is not None for speaker, _ in voices.values())
    if pattern and not known:
        example = next(iter(readable)).relative_to(folder)
        raise BadInputError(
            f"--speakers {speakers}: matches none of the {len(readable)} files of {folder}, such as {example}"
        )
    texts = _transcripts({path.parent for path in readable}, skipped)
    utterances = tuple(
        Utterance(path, n, voices[path][0], texts.get(path.with_suffix("")), voices[path][1])
        for path, n in readable.items()
    )
    source = "" if not known else f"--speakers {speakers}" if pattern else "LibriSpeech layout"
    return Corpus(folder, utterances, tuple(skipped), source)


def _audio_files(folder: Path, skipped: list[tuple[Path, str]]) -> Iterator[Path]:
    """Audio files below a folder, including linked folders, each folder once; hidden ones are left out."""
    seen: set[tuple[int, int]] = set()

    def skip(error: OSError) -> None:
        skipped.append((Path(error.filename), error.strerror or "cannot be read"))

    for where, folders, names in os.walk(folder, onerror=skip, followlinks=True):
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


def _transcripts(folders: set[Path], skipped: list[tuple[Path, str]]) -> dict[Path, str]:
    """Text by audio file without suffix, from the `*.trans.txt` files beside the audio: a name, white space, the text."""
    texts: dict[Path, str] = {}
    for folder in sorted(folders):
        for file in sorted(folder.glob("*.trans.txt")):
            try:
                lines = read_lines(file)
            except UnreadableTextError as error:
                skipped.append((file, str(error)))
                continue
            for name, *text in (line.split(maxsplit=1) for line in lines if line.strip()):
                audio = folder / name
                stem = audio.with_suffix("") if audio.suffix.lower() in AUDIO_SUFFIXES else audio
                texts[stem] = "".join(text).strip()
    return texts

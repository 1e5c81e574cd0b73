"""A folder in the layout of Speech Commands: one-second clips of one word each, in folders named after the words."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

from ssl_bench.data.corpus import Utterance, lengths_or_reasons
from ssl_bench.data.usable import Oddities, readable
from ssl_bench.data.waveforms import Waveforms
from ssl_benchmarks.downstream.spoken import Spoken
from ssl_benchmarks.files.text_files import UnreadableTextError, read_lines
from ssl_models.errors import BadInputError

Split = Literal["train", "dev", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
LISTS: dict[str, Split] = {"validation_list.txt": "dev", "testing_list.txt": "test"}
NOISE = "_background_noise_"
STEM = re.compile(r"^(.+)_nohash_\d+$")
LAYOUT = "WORD/SPEAKER_nohash_NUMBER.wav"
TOP = 2**27 - 1


@dataclass(frozen=True)
class Clip:
    """One word, said once.

    Attributes:
        path: of the file.
        samples: its length at 16 kHz, by its header.
        word: the name of its folder.
        speaker: a hash.
        split: the split it belongs to.
    """

    path: Path
    samples: int
    word: str
    speaker: str
    split: Split


@dataclass(frozen=True)
class SpeechCommands:
    """The clips of a folder, in a fixed order.

    Attributes:
        root: the folder.
        clips: those that can be read.
        skipped: path and reason of each file that cannot be used.
        missing: number of lines in the lists that name no file of the folder.
        split_by: "its lists", or "hash of the speaker".
    """

    root: Path
    clips: tuple[Clip, ...]
    skipped: tuple[tuple[Path, str], ...]
    missing: int
    split_by: str

    @property
    def words(self) -> tuple[str, ...]:
        """All words, sorted."""
        return tuple(sorted({clip.word for clip in self.clips}))

    def of(self, split: Split) -> tuple[Clip, ...]:
        """The clips of a split."""
        return tuple(clip for clip in self.clips if clip.split == split)


def read_speech_commands(folder: Path) -> SpeechCommands:
    """Find every clip below `folder`; files that cannot be used are skipped, each with the reason.

    Dev and test follow the folder's own lists or, where it has none, `split_of`. Background noise is not a word.

    Raises:
        BadInputError: where there is no such folder, it has only one list, a speaker is in two splits, there are
            fewer than two words, or a split has no clips.
    """
    if not folder.is_dir():
        raise BadInputError(f"{folder}: no such folder; keyword spotting needs one that contains {LAYOUT}")
    files = sorted(f for f in folder.glob("*/*.wav") if f.parent.name != NOISE and not _hidden(f))
    if not files:
        raise BadInputError(f"{folder}: no clips in it (looked for {LAYOUT})")
    listed = _listed(folder)
    clips: list[Clip] = []
    skipped: list[tuple[Path, str]] = []
    for path, length in zip(files, lengths_or_reasons(files), strict=True):
        named = STEM.match(path.stem)
        if isinstance(length, str):
            skipped.append((path, length))
        elif named is None:
            skipped.append((path, f"its name does not have the form {LAYOUT}"))
        else:
            split = split_of(path.name) if listed is None else listed.get(_key(path), "train")
            clips.append(Clip(path, length, path.parent.name, named[1], split))
    missing = sorted(set(listed or ()) - set(map(_key, files)))
    _check(folder, clips, skipped, missing)
    how = "hash of the speaker" if listed is None else "its lists"
    return SpeechCommands(folder, tuple(clips), tuple(skipped), len(missing), how)


def split_of(name: str) -> Split:
    """The split of a file by the rule of the data set: a tenth of the speakers is for validation, a tenth for testing.

    The SHA-1 of the name up to `_nohash_`, modulo 2^27, in percent of 2^27 - 1: below 10 is validation, below 20 is testing.
    Files of one speaker stay together, and stay in their split as files are added (P. Warden, Speech Commands, arXiv
    1804.03209, and "Partitioning" in the data set's README). The lists of the published data set follow it.
    """
    speaker = re.sub(r"_nohash_.*$", "", name)
    percent = int(hashlib.sha1(speaker.encode(), usedforsecurity=False).hexdigest(), 16) % (TOP + 1) * 100.0 / TOP
    return "dev" if percent < 10 else "test" if percent < 20 else "train"


def _key(path: Path) -> str:
    """The file's name in the lists."""
    return f"{path.parent.name}/{path.name}"


def _hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.parent.name.startswith(".")


def _listed(folder: Path) -> dict[str, Split] | None:
    """The split of each `WORD/FILE` in the folder's lists; None if it has none."""
    there = [name for name in LISTS if (folder / name).is_file()]
    if len(there) == 1:
        (absent,) = set(LISTS) - set(there)
        raise BadInputError(
            f"{folder}: has {there[0]} but no {absent}; give both, or neither to split by the speakers' hash"
        )
    found: dict[str, Split] = {}
    for name in there:
        try:
            lines = read_lines(folder / name)
        except UnreadableTextError as error:
            raise BadInputError(f"{folder / name}: {error}") from error
        # Drops what precedes WORD/FILE: `./` as find writes it, or a folder.
        found |= {"/".join(_parts(line)[-2:]): LISTS[name] for line in lines if _parts(line)}
    return found if there else None


def _parts(line: str) -> tuple[str, ...]:
    return PurePosixPath(line.strip().replace("\\", "/")).parts


def _check(folder: Path, clips: Sequence[Clip], skipped: Sequence[tuple[Path, str]], missing: Sequence[str]) -> None:
    """Check that every split has clips, and that no speaker is in two splits."""
    if not clips:
        path, reason = skipped[0]
        raise BadInputError(f"{folder}: none of its {len(skipped)} clips can be used; the first, {path}: {reason}")
    words = {clip.word for clip in clips}
    if len(words) < 2:
        raise BadInputError(f"{folder}: keyword spotting needs at least two words, found only {', '.join(words)}")
    sizes = Counter(clip.split for clip in clips)
    for split in SPLITS:
        if not sizes[split]:
            counts = ", ".join(f"{name} {sizes[name]}" for name in SPLITS)
            way = f"list some in {' and '.join(LISTS)}"
            if missing:
                way = f"{len(missing)} lines of {' and '.join(LISTS)} name no file in it, such as {missing[0]}"
            raise BadInputError(f"{folder}: no clips in {split} ({counts}); {way}")
    homes: dict[str, Split] = {}
    for clip in clips:
        home = homes.setdefault(clip.speaker, clip.split)
        if home != clip.split:
            reason = f"speaker {clip.speaker} is in both {home} and {clip.split}; a speaker must be in one split only"
            raise BadInputError(f"{folder}: {reason}")


def read_keywords(folder: Path, *, keep_odd: bool = False) -> tuple[list[list[Spoken]], dict[str, Any]]:
    """Train, dev and test of a Speech Commands folder, each clip's word as its text; and what was left out.

    Clips with odd audio are not learned from, unless `keep_odd`.

    Raises:
        BadInputError: where the folder is not one.
    """
    found = read_speech_commands(folder)
    odd, waveforms, splits = Oddities(), Waveforms(keep_odd=keep_odd), []
    for path, reason in found.skipped:
        odd.leave_out("broken", path, reason)
    words = {clip.path: clip.word for clip in found.clips}
    for split in ("train", "dev", "test"):
        clips = [Utterance(clip.path, clip.samples, clip.speaker) for clip in found.of(split)]
        utterances, spoken = readable(clips, waveforms, odd, training=split == "train")
        splits.append([replace(s, text=words[u.path]) for u, s in zip(utterances, spoken, strict=True)])
    return splits, {"split_by": found.split_by, "listed_but_missing": found.missing, **odd.document()}

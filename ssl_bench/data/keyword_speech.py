"""The clips of keyword spotting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ssl_bench.data.corpus import Utterance
from ssl_bench.data.speech_commands import read_speech_commands
from ssl_bench.data.usable import Oddities, readable
from ssl_bench.data.waveforms import Waveforms
from ssl_benchmarks.downstream.spoken import Spoken


def read_keywords(folder: Path, *, keep_odd: bool = False) -> tuple[list[list[Spoken]], dict[str, Any]]:
    """Train, dev and test of a Speech Commands folder, each clip's word as its text; and what was left out.

    Nothing is learned from clips whose audio is odd, unless `keep_odd`.

    Raises:
        BadInputError: where the folder is none.
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

"""The speech of all parts, as links below the output folder: `train`, `few` speakers of it, and `test`, of other speakers."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

TRAIN, TEST = "train-clean-5", "dev-clean"
TESTERS = 4
"""Speakers of the sample that are kept for testing."""


def speakers(folder: Path) -> list[str]:
    """Names of the speakers, sorted."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def link_speech(given: Path | None, out: Path, *, tiny: bool) -> str:
    """Link `given`, which has TRAIN and TEST, or the packaged sample; returns what it is.

    Raises:
        FileNotFoundError: if `given` lacks one of them.
    """
    if given is None:
        from ssl_bench.data.sample.sample import ABOUT, sample_corpus

        train = test = sample_corpus()
        (learners, others), about = (speakers(train)[:-TESTERS], speakers(train)[-TESTERS:]), f"the sample, {ABOUT}"
    else:
        train, test = given / TRAIN, given / TEST
        for folder in (train, test):
            if not folder.is_dir():
                raise FileNotFoundError(f"no folder {folder.name} in {given}")
        learners, others, about = speakers(train), speakers(test), f"{TRAIN} and {TEST}"
    shutil.rmtree(out / "speech", ignore_errors=True)
    most, heard = (5, 3) if tiny else (None, None)
    _link(train, out / "speech" / "train", learners[:most], heard)
    few = learners[:3] if tiny or given is not None else learners  # a step on a GPU hears minutes
    _link(train, out / "speech" / "few", few, heard)
    _link(test, out / "speech" / "test", others[: 2 if tiny else None], 2 if tiny else 10)
    return about


def _link(source: Path, target: Path, names: Sequence[str], utterances: int | None) -> None:
    """Link all utterances of these speakers, or so many of the first chapter of each."""
    for name in names:
        chapters = sorted(path for path in (source / name).iterdir() if path.is_dir())
        for chapter in chapters[: None if utterances is None else 1]:
            folder = target / name / chapter.name
            folder.mkdir(parents=True)
            files = sorted(path for path in chapter.iterdir() if path.suffix != ".txt")[:utterances]
            for path in [*files, *chapter.glob("*.trans.txt")]:
                (folder / path.name).symlink_to(path.resolve())

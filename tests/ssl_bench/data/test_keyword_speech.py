"""Keywords: clips whose audio is odd teach nothing unless asked for, and are rated all the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from ssl_bench.data.keyword_speech import read_keywords

SPLITS = {"train": ("aa", "dd"), "dev": ("bb",), "test": ("cc",)}
ODD = {
    "silent": np.zeros(16_000, np.int16),
    "clipped": np.tile(np.array([32_767, -32_768], np.int16), 8_000),
    "cancelled": np.stack([np.arange(16_000) % 999, -(np.arange(16_000) % 999)], axis=1).astype(np.int16),
}


@pytest.fixture(params=ODD)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """Two words by four speakers; of one in each split a clip is odd."""
    draw = np.random.default_rng(0)
    for word in ("yes", "no"):
        (tmp_path / word).mkdir()
        for speaker in "aa", "bb", "cc", "dd":
            samples = draw.integers(-9_000, 9_000, 16_000).astype(np.int16)
            soundfile.write(tmp_path / word / f"{speaker}_nohash_0.wav", samples, 16_000)
    for name, split in (("validation_list.txt", "dev"), ("testing_list.txt", "test")):
        (tmp_path / name).write_text("".join(f"{w}/{s}_nohash_0.wav\n" for w in ("yes", "no") for s in SPLITS[split]))
    for speaker in ("aa", "bb", "cc"):
        soundfile.write(tmp_path / "yes" / f"{speaker}_nohash_0.wav", ODD[request.param], 16_000)
    return tmp_path, request.param


def test_odd_clips_are_rated_and_not_learned_from(folder: tuple[Path, str]) -> None:
    root, kind = folder
    splits, about = read_keywords(root)
    assert [len(spoken) for spoken in splits] == [3, 2, 2]
    assert about["left_out"][kind]["total"] == 1
    assert about["kept"][kind]["total"] == 2
    assert about["counts"][kind] == 3


def test_asked_for_they_are_learned_from(folder: tuple[Path, str]) -> None:
    root, kind = folder
    splits, about = read_keywords(root, keep_odd=True)
    assert [len(spoken) for spoken in splits] == [4, 2, 2]
    assert about["left_out"] == {}
    assert about["kept"][kind]["total"] == 3

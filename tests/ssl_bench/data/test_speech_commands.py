"""A Speech Commands folder is split as the data set says, and no file in it can stop the rest.

Keywords: clips with odd audio are not learned from unless asked for, but are always rated.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ssl_bench.data.speech_commands import Clip, read_keywords, read_speech_commands, split_of
from ssl_models.errors import BadInputError

IN_TRAINING = [
    "01b4757a", "042a8dde", "07089da9", "0819edb0", "0b09edd3", "0ba018fc", "129c7d8d", "14c7b073", "1afd49bf",
    "256c0a05", "31583d30", "3d53244b", "435695e3", "4e99c1b7", "645ed69d", "7ff4fc72", "833d9f56", "8b25410a",
    "8eb4a1bf", "9151f184", "a996cf66", "b0ae6326", "b4ea0d9a", "b76f6088", "bb6d4301", "bbf38549", "c9b653a0",
    "cc3b5b62", "ccfd721c", "db9cd41d", "ed032775", "ef3367d9", "4a294341", "43f57297", "f9af823e", "9ff2d2f4",
    "651d108f", "810c99be",
]  # fmt: skip
"""Speakers that the published data set has in neither of its lists."""


def put(path: Path, seconds: float = 0.5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full(round(seconds * 16_000), 0.1), 16_000)
    return path


def folder_with_lists(root: Path) -> Path:
    """Two words by four speakers; one of them validates, one tests."""
    for word in ("yes", "no"):
        for speaker in ("aa", "bb", "cc", "dd"):
            put(root / word / f"{speaker}_nohash_0.wav")
    (root / "validation_list.txt").write_text("yes/bb_nohash_0.wav\nno/bb_nohash_0.wav\n")
    (root / "testing_list.txt").write_text("yes/cc_nohash_0.wav\r\nno/cc_nohash_0.wav\r\n\r\n")
    return root


@pytest.mark.parametrize(
    ("speaker", "split"),
    [
        # The digest ends in 9cd0d89d (FIPS 180); c is 1100, of which 100 counts: 0x4d0d89d of 0x7ffffff is 60.2 %.
        ("abc", "train"),
        # ...49418f98; 9 is 1001, of which 001 counts: 0x1418f98 is 15.7 %.
        ("b", "test"),
        # ...10b19759: 0x0b19759 is 8.7 %.
        ("p", "dev"),
    ],
)
def test_the_rule_by_hand(speaker: str, split: str) -> None:
    """The last 27 bits of the SHA-1 count: six hexadecimal digits, and three bits of the seventh from the end."""
    assert split_of(f"{speaker}_nohash_0.wav") == split


def test_the_rule_agrees_with_the_published_lists() -> None:
    """A wrong rule would place about 8 of these 38 elsewhere."""
    assert {split_of(f"{speaker}_nohash_1.wav") for speaker in IN_TRAINING} == {"train"}


def test_the_rule_gives_a_tenth_each_and_looks_at_the_speaker_only() -> None:
    names = [f"{i:08x}" for i in range(5_000)]
    found = [split_of(f"{name}_nohash_0.wav") for name in names]
    assert found.count("dev") == pytest.approx(500, abs=90)  # 4 standard deviations
    assert found.count("test") == pytest.approx(500, abs=90)
    assert found == [split_of(f"{name}_nohash_17.wav") for name in names]


def test_the_lists_decide_where_there_are_lists(tmp_path: Path) -> None:
    root = folder_with_lists(tmp_path)
    put(root / "_background_noise_" / "pink_nohash_0.wav", 3.0)
    put(root / ".cache" / "aa_nohash_0.wav")
    put(root / "yes" / "aa_nohash_1.wav", 1.0)
    (root / "yes" / "._aa_nohash_0.wav").write_bytes(b"what macOS leaves behind")
    with (root / "testing_list.txt").open("a") as lines:
        lines.write("no/gone_nohash_0.wav\n")
    found = read_speech_commands(root)
    assert found.words == ("no", "yes")
    assert found.of("train")[-3:] == (
        Clip(root / "yes/aa_nohash_0.wav", 8_000, "yes", "aa", "train"),
        Clip(root / "yes/aa_nohash_1.wav", 16_000, "yes", "aa", "train"),
        Clip(root / "yes/dd_nohash_0.wav", 8_000, "yes", "dd", "train"),
    )
    assert [(c.word, c.speaker) for c in found.of("dev")] == [("no", "bb"), ("yes", "bb")]
    assert [(c.word, c.speaker) for c in found.of("test")] == [("no", "cc"), ("yes", "cc")]
    assert (len(found.clips), found.skipped, found.missing, found.split_by) == (9, (), 1, "its lists")


@pytest.mark.parametrize(
    "line",
    [
        "./{}", "speech_commands_v0.02/{}", "/data/sc/{}", "  {}\t", ".\\{}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lists_are_read_as_tools_write_them(tmp_path: Path, line: str, encoding: str) -> None:
    """With a folder before each name, as find and others leave it."""
    root = folder_with_lists(tmp_path)
    for name, speaker in (("validation_list.txt", "bb"), ("testing_list.txt", "cc")):
        lines = [line.format(f"{word}/{speaker}_nohash_0.wav") for word in ("yes", "no")]
        (root / name).write_bytes("\r\n".join(["", *lines, ""]).encode(encoding))
    found = read_speech_commands(root)
    assert [len(found.of(split)) for split in ("train", "dev", "test")] == [4, 2, 2]
    assert found.missing == 0


def test_without_lists_the_hash_of_the_speaker_decides(tmp_path: Path) -> None:
    for i in range(40):
        put(tmp_path / ("yes", "no")[i % 2] / f"{i:08x}_nohash_0.wav", 0.01)
    found = read_speech_commands(tmp_path)
    assert found.split_by == "hash of the speaker"
    assert {c.split for c in found.clips} == {"train", "dev", "test"}
    assert all(c.split == split_of(c.path.name) for c in found.clips)


def test_broken_files_are_skipped_and_named(tmp_path: Path) -> None:
    root = folder_with_lists(tmp_path)
    (root / "yes" / "ee_nohash_0.wav").write_text("text\n" * 99)
    (root / "no" / "ee_nohash_0.wav").touch()
    put(root / "no" / "anonymous.wav")
    found = read_speech_commands(root)
    assert {f"{path.parent.name}/{path.name}": reason for path, reason in found.skipped} == {
        "yes/ee_nohash_0.wav": "not audio, or broken",
        "no/ee_nohash_0.wav": "an empty file",
        "no/anonymous.wav": "its name does not have the form WORD/SPEAKER_nohash_NUMBER.wav",
    }
    assert len(found.clips) == 8


def remove_list(root: Path) -> None:
    (root / "testing_list.txt").unlink()


def list_nothing(root: Path) -> None:
    (root / "validation_list.txt").write_text("")


def list_others(root: Path) -> None:
    (root / "validation_list.txt").write_text("yes_bb_nohash_0.wav\nno_bb_nohash_0.wav\n")


def list_no_text(root: Path) -> None:
    (root / "validation_list.txt").write_bytes(b"yes/caf\xe9_nohash_0.wav\n")


def part_a_speaker(root: Path) -> None:
    (root / "validation_list.txt").write_text("yes/bb_nohash_0.wav\n")


def keep_one_word(root: Path) -> None:
    for path in (root / "no").iterdir():
        path.unlink()


def break_all(root: Path) -> None:
    for path in root.glob("*/*.wav"):
        path.write_bytes(b"")


def remove_all(root: Path) -> None:
    for path in root.glob("*/*.wav"):
        path.unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (remove_list, "has validation_list.txt but no testing_list.txt"),
        (list_nothing, r"no clips in dev \(train 6, dev 0, test 2\)"),
        (list_others, r"no clips in dev .*; 2 lines of .* name no file in it, such as no_bb_nohash_0\.wav"),
        (list_no_text, r"validation_list\.txt: neither UTF-8 nor UTF-16 text"),
        (part_a_speaker, "speaker bb is in both train and dev"),
        (keep_one_word, "at least two words, found only yes"),
        (break_all, "none of its 8 clips can be used; the first, .*aa_nohash_0.wav: an empty file"),
        (remove_all, "no clips in it"),
    ],
)
def test_a_folder_that_cannot_be_used_is_one_line(tmp_path: Path, spoil: Callable[[Path], None], message: str) -> None:
    root = folder_with_lists(tmp_path)
    spoil(root)
    with pytest.raises(BadInputError, match=message) as raised:
        read_speech_commands(root)
    assert "\n" not in str(raised.value)
    assert str(root) in str(raised.value)


def test_no_folder_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such folder"):
        read_speech_commands(tmp_path / "nowhere")


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

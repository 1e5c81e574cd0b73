"""A folder of speech is read as it is laid out, and no file in it can stop the rest."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ssl_bench.data.corpus import read_corpus
from ssl_benchmarks.files.text_files import shown
from ssl_models.errors import BadInputError

FOLDERS = "^(?P<speaker>[^/]+)/"


def put(path: Path, seconds: float = 0.5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full(round(seconds * 16_000), 0.1), 16_000)
    return path


def test_librispeech_brings_speakers_and_texts(tmp_path: Path) -> None:
    for name, seconds in (("84-121123-0001", 1.0), ("84-121123-0000", 2.0), ("1272-5-0000", 0.5)):
        speaker, chapter, _ = name.split("-")
        put(tmp_path / "dev-clean" / speaker / chapter / f"{name}.flac", seconds)
    (tmp_path / "dev-clean/84/121123/84-121123.trans.txt").write_text("84-121123-0000 GO ON\n84-121123-0001 STOP\n")
    corpus = read_corpus(tmp_path)
    assert [(u.path.stem, u.speaker, u.text, u.samples) for u in corpus.utterances] == [
        ("1272-5-0000", "1272", None, 8_000),
        ("84-121123-0000", "84", "GO ON", 32_000),
        ("84-121123-0001", "84", "STOP", 16_000),
    ]
    assert corpus.speakers == ("1272", "84")
    assert corpus.speakers_from == "LibriSpeech layout"
    assert corpus.has_text
    assert corpus.hours == pytest.approx(3.5 / 3600)


def test_the_same_file_name_in_two_folders_keeps_its_own_text(tmp_path: Path) -> None:
    for folder, text in (("ann", "HELLO"), ("bob", "GOOD BYE")):
        put(tmp_path / folder / "0001.wav")
        (tmp_path / folder / "said.trans.txt").write_text(f"0001 {text}\n")
    texts = {u.speaker: u.text for u in read_corpus(tmp_path, FOLDERS).utterances}
    assert texts == {"ann": "HELLO", "bob": "GOOD BYE"}


@pytest.mark.parametrize(
    ("pattern", "speakers", "sessions"),
    [
        (FOLDERS, ["ann", "bob"], ["", ""]),
        (r"(?P<speaker>[^_/]+)_[^/]*$", ["a1", "b2"], ["", ""]),
        (r"(?P<session>s\d)/(?P<speaker>..)_", ["b2"], ["s1"]),
        (r"(?P<speaker>b\d)|x", ["b2"], [""]),
    ],
)
def test_a_pattern_finds_the_speakers_elsewhere(
    tmp_path: Path, pattern: str, speakers: list[str], sessions: list[str]
) -> None:
    """In the path below the folder; a speaker it does not find is unknown."""
    put(tmp_path / "ann" / "a1_x.wav")
    put(tmp_path / "bob" / "s1" / "b2_y.ogg")
    corpus = read_corpus(tmp_path, pattern)
    assert len(corpus.utterances) == 2
    assert [(u.speaker, u.session) for u in corpus.utterances if u.speaker] == list(
        zip(speakers, sessions, strict=True)
    )
    assert corpus.of_unknown_speakers == 2 - len(speakers)
    assert corpus.speakers_from == f"--speakers {pattern}"


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "not a regular expression"),
        ("[^/]+/", "no group named speaker"),
        ("(?P<speaker>zoe)/", r"matches none of the 1 files of .*, such as ann/x\.wav"),
    ],
)
def test_a_pattern_that_is_none_or_fits_nothing_is_one_line(tmp_path: Path, pattern: str, reason: str) -> None:
    put(tmp_path / "ann" / "x.wav")
    with pytest.raises(BadInputError, match=reason) as caught:
        read_corpus(tmp_path, pattern)
    assert str(caught.value).startswith(f"--speakers {pattern}: ")


@pytest.mark.parametrize(
    "names",
    [("x.wav", "y.wav"), ("only/x.wav", "only/y.wav"), ("ann/x.wav", "bob/y.wav"), ("wav/1-2-3.wav", "1/2-3.wav")],
)
def test_without_a_layout_no_speaker_is_made_up(tmp_path: Path, names: tuple[str, ...]) -> None:
    """The names of folders may be those of splits, of words or of anything."""
    for name in names:
        put(tmp_path / name)
    corpus = read_corpus(tmp_path)
    assert len(corpus.utterances) == len(names) == corpus.of_unknown_speakers
    assert corpus.speakers == ()
    assert corpus.speakers_from == ""
    assert not corpus.has_text


@pytest.mark.parametrize("stray", ["84/1/room tone.flac", "intro.flac", "84/84-1-0001.flac", "85/1/84-1-0001.flac"])
def test_a_stray_file_is_unknown_and_the_others_stay_known(tmp_path: Path, stray: str) -> None:
    for speaker in ("84", "85"):
        put(tmp_path / speaker / "1" / f"{speaker}-1-0000.flac")
    put(tmp_path / stray)
    corpus = read_corpus(tmp_path)
    assert corpus.speakers == ("84", "85")
    assert [u.path for u in corpus.utterances if u.speaker is None] == [tmp_path / stray]
    assert corpus.of_unknown_speakers == 1
    assert {u.session for u in corpus.utterances if u.speaker} == {"1"}


def test_linked_folders_are_followed_and_loops_end(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere" / "bob" / "y.wav")
    put(tmp_path / "data" / "ann" / "x.wav")
    (tmp_path / "data" / "bob").symlink_to(tmp_path / "elsewhere" / "bob", target_is_directory=True)
    (tmp_path / "data" / "ann" / "loop").symlink_to(tmp_path / "data", target_is_directory=True)
    corpus = read_corpus(tmp_path / "data", FOLDERS)
    assert [u.path.name for u in corpus.utterances] == ["x.wav", "y.wav"]
    assert corpus.speakers == ("ann", "bob")


def test_a_folder_linked_twice_is_read_once(tmp_path: Path) -> None:
    put(tmp_path / "data" / "ann" / "x.wav")
    (tmp_path / "data" / "again").symlink_to(tmp_path / "data" / "ann", target_is_directory=True)
    assert len(read_corpus(tmp_path / "data").utterances) == 1


def test_hidden_files_and_folders_are_left_alone(tmp_path: Path) -> None:
    put(tmp_path / "x.WAV")
    (tmp_path / "._x.wav").write_bytes(b"what macOS leaves behind")
    put(tmp_path / ".cache" / "y.wav")
    (tmp_path / "notes.txt").write_text("no audio")
    corpus = read_corpus(tmp_path)
    assert [u.path.name for u in corpus.utterances] == ["x.WAV"]
    assert corpus.skipped == ()


def test_broken_files_among_good_ones_are_skipped_and_named(tmp_path: Path) -> None:
    for name in ("a.wav", "d.wav"):
        put(tmp_path / name)
    (tmp_path / "b.wav").write_text("text\n" * 99)
    (tmp_path / "c.flac").touch()
    (tmp_path / "e.wav").symlink_to(tmp_path / "gone.wav")
    corpus = read_corpus(tmp_path)
    assert [u.path.name for u in corpus.utterances] == ["a.wav", "d.wav"]
    assert {path.name: reason for path, reason in corpus.skipped} == {
        "b.wav": "not audio, or broken",
        "c.flac": "an empty file",
        "e.wav": "No such file or directory",
    }


def test_a_broken_name_does_not_undo_the_speakers_of_the_rest(tmp_path: Path) -> None:
    """Speakers come from the files that can be used."""
    put(tmp_path / "84/1/84-1-0000.flac")
    (tmp_path / "84/1/draft.flac").touch()
    assert read_corpus(tmp_path).speakers == ("84",)


SAID = "84-1-0000 GO ON\n84-1-0001\n84-1-0002 CAF\u00c9\n"


@pytest.mark.parametrize(
    "raw",
    [
        SAID.encode(),
        SAID.encode("utf-8-sig").replace(b"\n", b"\r\n"),
        SAID.encode("utf-16"),
        SAID.encode("utf-32"),
        SAID.encode("utf-16-be").join([b"\xfe\xff", b""]),
        SAID.replace(" ", "\t", 1).replace("\n", "\r").encode(),
        SAID.replace("0000 ", "0000 \t  ").replace("0002", "0002.flac").encode(),
        b"\n" + SAID.encode("utf-8-sig").replace(b"\n", b"\n\n\xef\xbb\xbf", 1),
    ],
    ids=["plain", "mark and CRLF", "UTF-16", "UTF-32", "big-endian", "tab and CR", "white space", "joined"],
)
def test_transcripts_are_read_as_editors_leave_them(tmp_path: Path, raw: bytes) -> None:
    for number in range(3):
        put(tmp_path / f"84/1/84-1-000{number}.flac")
    (tmp_path / "84/1/84-1.trans.txt").write_bytes(raw)
    corpus = read_corpus(tmp_path)
    assert [u.text for u in corpus.utterances] == ["GO ON", "", "CAF\u00c9"], "one is there and empty"
    assert corpus.skipped == ()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (SAID.encode("latin-1"), "neither UTF-8 nor UTF-16 text"),
        ("84-1-0000 GO ON\n".encode("utf-16-le"), "with a byte order mark"),
        (b"\xff\xfe" + SAID.encode("utf-16-le")[:-1], "neither UTF-8 nor UTF-16 text"),
        (None, "Is a directory"),
    ],
    ids=["Latin-1", "no mark", "cut", "a folder"],
)
def test_transcripts_that_cannot_be_read_are_named_and_stop_nothing(
    tmp_path: Path, raw: bytes | None, reason: str
) -> None:
    put(tmp_path / "84/1/84-1-0000.flac")
    file = tmp_path / "84/1/84-1.trans.txt"
    file.mkdir() if raw is None else file.write_bytes(raw)
    corpus = read_corpus(tmp_path)
    assert [u.text for u in corpus.utterances] == [None]
    ((path, why),) = corpus.skipped
    assert path == file
    assert reason in why


def test_names_need_be_no_text(tmp_path: Path) -> None:
    """Latin-1 on a UTF-8 system, bytes that are not text at all, a line break: files like any other."""
    names = [b"caf\xe9 \xfcber.flac", b"\xff\xfe.wav", b"two\nlines.wav", "\u00fc.wav".encode()]
    for name in names:
        put(tmp_path / "x.flac").rename(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    corpus = read_corpus(tmp_path)
    assert sorted(os.fsencode(u.path.name) for u in corpus.utterances) == sorted(names)
    assert corpus.skipped == ()
    for utterance in corpus.utterances:
        assert shown(utterance.path).encode()


def test_what_is_no_file_is_named_and_never_waited_for(tmp_path: Path) -> None:
    """A pipe would block until written to; a link may lead nowhere or in a circle."""
    put(tmp_path / "a.wav")
    os.mkfifo(tmp_path / "b.wav")
    (tmp_path / "c.wav").symlink_to(tmp_path / "c.wav")
    (tmp_path / "d.wav").symlink_to(tmp_path)
    corpus = read_corpus(tmp_path)
    assert [u.path.name for u in corpus.utterances] == ["a.wav"]
    assert {path.name: reason for path, reason in corpus.skipped} == {
        "b.wav": "not a regular file", "c.wav": "Too many levels of symbolic links",
    }  # fmt: skip


def test_nothing_to_read_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "x.wav").write_text("text")
    (tmp_path / "file.wav").touch()
    for name, reason in {
        "empty": r"empty: no audio files in it \(looked for .*\.flac",
        "nowhere": "nowhere: no such folder",
        "file.wav": "file.wav: no such folder",
        "broken": r"none of its 1 audio files can be read; the first, .*x\.wav: not audio",
    }.items():
        with pytest.raises(BadInputError, match=reason) as caught:
            read_corpus(tmp_path / name)
        assert "\n" not in str(caught.value)

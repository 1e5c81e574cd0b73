"""A folder of speech is read as it is laid out, and no file in it can stop the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.errors import BadInputError
from ssl_bench.data.corpus import read_corpus


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
    texts = {u.speaker: u.text for u in read_corpus(tmp_path).utterances}
    assert texts == {"ann": "HELLO", "bob": "GOOD BYE"}


def test_first_folders_are_the_speakers_elsewhere(tmp_path: Path) -> None:
    put(tmp_path / "ann" / "x.wav")
    put(tmp_path / "bob" / "deep" / "er" / "y.ogg")
    corpus = read_corpus(tmp_path)
    assert {u.path.name: u.speaker for u in corpus.utterances} == {"x.wav": "ann", "y.ogg": "bob"}
    assert corpus.speakers_from == "folder names"


@pytest.mark.parametrize(
    "names", [("x.wav", "y.wav"), ("only/x.wav", "only/y.wav"), ("ann/x.wav", "bob/y.wav", "z.wav")]
)
def test_where_folders_do_not_tell_no_speaker_is_made_up(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        put(tmp_path / name)
    corpus = read_corpus(tmp_path)
    assert len(corpus.utterances) == len(names)
    assert corpus.speakers == ()
    assert corpus.speakers_from == ""
    assert not corpus.has_text


def test_linked_folders_are_followed_and_loops_end(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere" / "bob" / "y.wav")
    put(tmp_path / "data" / "ann" / "x.wav")
    (tmp_path / "data" / "bob").symlink_to(tmp_path / "elsewhere" / "bob", target_is_directory=True)
    (tmp_path / "data" / "ann" / "loop").symlink_to(tmp_path / "data", target_is_directory=True)
    corpus = read_corpus(tmp_path / "data")
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


def test_transcripts_in_another_encoding_do_not_stop_it(tmp_path: Path) -> None:
    put(tmp_path / "84/1/84-1-0000.flac")
    put(tmp_path / "84/1/84-1-0001.flac")
    (tmp_path / "84/1/84-1.trans.txt").write_bytes(b"84-1-0000 CAF\xe9\n\n84-1-0001\n")
    texts = [u.text for u in read_corpus(tmp_path).utterances]
    assert texts[0] is not None
    assert texts[0].startswith("CAF")
    assert texts[1] == "", "a transcript that is there and empty"


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

"""Text files of any editor give the same lines; what is no text says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.files.text_files import UnreadableTextError, read_lines, shown, text_of

# What no text file of words holds: the ends of lines, the mark itself, and halves of characters.
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0\ufeff"), max_size=20)


@given(
    st.lists(WORDS, min_size=1, max_size=5),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_the_lines_are_the_same_in_every_encoding(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str, encoding: str
) -> None:
    path = tmp_path_factory.mktemp("text") / "x.txt"
    path.write_bytes(end.join(lines).encode(encoding))
    assert read_lines(path) == lines


def test_files_joined_end_to_end_have_no_marks_between() -> None:
    assert text_of("a\n".encode("utf-8-sig") + "b\n".encode("utf-8-sig")) == "a\nb\n"


@pytest.mark.parametrize("raw", [b"caf\xe9", "a".encode("utf-16-le"), b"\xff\xfea", b"\x80", "é".encode("utf-16-be")])
def test_no_encoding_is_guessed(raw: bytes) -> None:
    with pytest.raises(UnreadableTextError, match="neither UTF-8"):
        text_of(raw)


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    for path, reason in ((tmp_path, "Is a directory"), (tmp_path / "gone", "No such file")):
        with pytest.raises(UnreadableTextError, match=reason):
            read_lines(path)


@given(st.binary(min_size=1, max_size=20).filter(lambda raw: b"\0" not in raw and b"/" not in raw))
def test_every_name_can_be_shown(raw: bytes) -> None:
    name = shown(os.fsdecode(raw))
    assert name.encode()
    try:
        assert name == raw.decode()
    except UnicodeDecodeError:
        assert "\\x" in name

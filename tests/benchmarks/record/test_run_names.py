"""Runs of one name get distinct names, whatever they are called, and no path of a machine is in a name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.record.run_names import told_apart


@pytest.mark.parametrize(
    ("names", "folders", "labels"),
    [
        (["a", "b"], ["/x/1", "/x/1"], ("a", "b")),
        (["run", "run"], ["/data/first/run", "/data/second/run"], ("first/run", "second/run")),
        (["run", "run"], ["/x/a/s/run", "/x/b/s/run"], ("a/s/run", "b/s/run")),
        (["run", "run", "run"], ["/a/b/run", "/c/b/run", "/c/d/run"], ("a/b/run", "c/b/run", "c/d/run")),
        (["run", "run"], ["/x/run", "/x/copy"], ("run", "run (copy)")),
        (["run", "other", "run"], [None, None, None], ("run #1", "other", "run #2")),
        (["run", "run"], ["/a/run", None], ("run #1", "run #2")),
    ],
)
def test_names_by_hand(names: list[str], folders: list[str | None], labels: tuple[str, ...]) -> None:
    assert told_apart(names, [None if folder is None else Path(folder) for folder in folders]) == labels


def test_a_relative_folder_is_told_apart_from_its_namesake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that is the working directory itself."""
    monkeypatch.chdir(tmp_path)
    assert told_apart(["run", "run"], [Path("one/run"), Path("two/run")]) == ("one/run", "two/run")
    assert told_apart(["x", "x"], [Path(), Path("two")]) == (f"x ({tmp_path.name})", "x (two)")


@given(st.lists(st.tuples(st.sampled_from("ab"), st.lists(st.sampled_from("abc"), min_size=1, max_size=4)), max_size=6))
def test_no_two_are_the_same_and_none_is_a_whole_path(runs: list[tuple[str, list[str]]]) -> None:
    folders = [Path("/top", *parts, name) for name, parts in runs]
    labels = told_apart([name for name, _ in runs], folders)
    assert len(labels) == len(runs)
    assert not any(label.startswith("/") for label in labels)
    if len(set(folders)) == len(folders):
        assert len(set(labels)) == len(labels)

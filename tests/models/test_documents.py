"""What is read as JSON is bounded and finite, and what is typed is exactly of its type."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_models import documents
from ssl_models.documents import MOST_DEPTH, json_schemas, parsed, read_json, typed

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@dataclass(frozen=True)
class Inner:
    size: float


@dataclass(frozen=True)
class Outer:
    name: str
    count: int
    parts: tuple[Inner, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError(f"a count of {self.count}")


@given(VALUES, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_what_json_can_hold_is_read_in_every_encoding(value: Any, encoding: str) -> None:
    assert parsed(json.dumps(value, ensure_ascii=False).encode(encoding, "surrogatepass")) == value
    assert parsed(json.dumps(value)) == value


@pytest.mark.parametrize(
    "text",
    ["", "[1", "NaN", "[-Infinity]", '{"x": 1e999}', f"[{'9' * 400}]", "9" * 5000, "[" * 5000, '{"x":' * 5000, b"\xff", b"\0\0"],
    ids=range(11),
)  # fmt: skip
def test_what_is_no_json_or_not_finite_is_a_value_error_of_one_line(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"^.+$"):
        parsed(text)


def test_depth_is_bounded_and_the_bound_is_reached() -> None:
    deepest = "[" * (MOST_DEPTH - 1) + "1" + "]" * (MOST_DEPTH - 1)
    assert json.dumps(parsed(deepest)) == deepest
    with pytest.raises(ValueError, match=f"nested more than {MOST_DEPTH} deep"):
        parsed(f"[{deepest}]")


def test_size_is_bounded_before_all_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MOST_BYTES", 2**20)
    (tmp_path / "a.json").write_text(f'"{"x" * 2**20}"')
    with pytest.raises(ValueError, match="more than 1 MiB"):
        read_json(tmp_path / "a.json")
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "b.json")


def test_a_document_becomes_its_type_and_what_is_unknown_is_passed_over() -> None:
    told = {"name": "x", "count": 2, "parts": [{"size": 3, "colour": "red"}], "more": {"y": [1]}, "later": None}
    assert typed(Outer, told) == Outer("x", 2, (Inner(3.0),), {"y": [1]})
    assert typed(tuple[Outer, ...], [told])[0].parts == (Inner(3.0),)
    assert typed(dict[str, float], {"a\udcff": 1}) == {"a?": 1.0}, "a name that is no text is no reason to refuse"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"count": "2"}, "count: Input should be a valid integer"), ({"count": 2.5}, "count: "), ({"count": True}, "count: "),
        ({"name": None}, "name: "), ({"parts": [{"size": 1}, {}]}, "parts.1.size: Field required"), ({"parts": {}}, "parts: "),
        ({"parts": [{"size": "\n"}]}, "parts.0.size: "), ({"more": []}, "more: "), ({"count": -1}, "a count of -1"),
    ],
)  # fmt: skip
def test_the_first_thing_that_is_wrong_is_named_in_one_line(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}.*$"):
        typed(Outer, {"name": "x", "count": 2, **change})


@given(VALUES)
def test_whatever_it_is_it_is_typed_or_refused_in_one_line(value: Any) -> None:
    found, words = None, ""
    try:
        found = typed(Outer, value)
    except ValueError as error:
        words = str(error)
    assert len(words.splitlines()) == (found is None)
    assert len(words) <= 300


def test_schemas_share_their_definitions() -> None:
    found, shared = json_schemas((Outer, Inner))
    assert found == {Outer: {"$ref": "#/$defs/Outer"}, Inner: {"$ref": "#/$defs/Inner"}}
    assert shared["Outer"]["required"] == ["name", "count"]

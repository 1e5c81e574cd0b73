"""A pickle's values are those that Python would load, and no pickle calls, imports or exhausts anything."""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import io
import os
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_models.errors import BadInputError
from ssl_models.loading.converting import pickle_values
from ssl_models.loading.converting.pickle_values import Named, StandIn, pickle_value
from ssl_models.loading.converting.plain import MOST_CHARACTERS, MOST_VALUES, Plain

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.lists(inner).map(tuple),
    max_leaves=30,
)


@given(PLAIN, st.integers(3, 5))
def test_plain_values_are_what_python_loads(value: Any, protocol: int) -> None:
    assert pickle_value(io.BytesIO(pickle.dumps(value, protocol))) == value


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_is_read(protocol: int) -> None:
    value = {"a": [1, 2.5, None, True, -(2**70), 300, 70_000], "b": ("x", ("y",), (), ((1, 2), 3)), "é": [[], {}]}
    assert pickle_value(io.BytesIO(pickle.dumps(value, protocol))) == value


def test_odd_escapes_are_read_without_a_warning() -> None:
    assert pickle_value(io.BytesIO(b"S'a\\yb'\n.")) == "a\\yb"


def test_several_pickles_follow_each_other() -> None:
    stream = io.BytesIO(pickle.dumps([1]) + pickle.dumps("two") + b"rest")
    assert (pickle_value(stream), pickle_value(stream), stream.read()) == ([1], "two", b"rest")


def test_objects_are_stand_ins_with_what_they_hold() -> None:
    """By class, by reduction, as a mapping or a set; an ordered dictionary is one."""
    held = {
        "namespace": argparse.Namespace(a=1), "default": collections.defaultdict(list, {"a": [1]}),
        "ordered": collections.OrderedDict(b=2), "day": dt.date(2026, 11, 29), "set": {3}, "kind": argparse.Namespace,
    }  # fmt: skip
    for protocol in range(6):
        found = pickle_value(io.BytesIO(pickle.dumps(held, protocol)))
        assert isinstance(found["namespace"], StandIn)
        assert (found["namespace"].kind, found["namespace"].state) == ("argparse.Namespace", {"a": 1})
        assert (found["default"].kind, found["default"].items) == ("collections.defaultdict", {"a": [1]})
        assert found["ordered"] == {"b": 2}
        assert found["day"].kind == "datetime.date"
        assert isinstance(found["kind"], Named)
        plain = Plain()
        words = plain.of(found)
        assert (words["namespace"], words["default"], words["ordered"]) == ({"a": 1}, {"a": [1]}, {"b": 2})
        assert "argparse.Namespace" in plain.stood_in


class Runs:
    """Runs a command where it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.called = function, arguments

    def __reduce__(self) -> Any:
        return self.called


def test_nothing_is_called(tmp_path: Path) -> None:
    """Not by reduction, nested, as an argument, as a key's value, or where state is restored; Python itself would."""
    trace = tmp_path / "trace"
    touch = Runs(os.system, f"touch {trace}")
    payloads: list[Any] = [
        touch,
        [touch, {"a": (touch,)}],
        Runs(list, [touch]),
        Runs(eval, f"__import__('pathlib').Path({str(trace)!r}).touch()"),
    ]
    payloads.append(argparse.Namespace(x=touch))
    for payload in payloads:
        for protocol in range(6):
            raw = pickle.dumps(payload, protocol)
            pickle_value(io.BytesIO(raw))
            assert not trace.exists()
            pickle.loads(raw)  # noqa: S301 - the payload is harmless
            assert trace.exists(), "the payload is one"
            trace.unlink()


def test_what_an_opcode_could_import_is_only_named(tmp_path: Path) -> None:
    """A module that leaves a trace when it is imported."""
    (tmp_path / "left_a_trace.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w')\n")
    for raw in (b"cleft_a_trace\nx\n.", b"\x80\x04\x8c\x0cleft_a_trace\x8c\x01x\x93.", b"(ileft_a_trace\nx\n."):
        assert "left_a_trace.x" in repr(pickle_value(io.BytesIO(raw)))
    assert not (tmp_path / "trace").exists()


def nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    return b"\x80\x02" + opening * depth + b"N" + closing * depth + b"."


HOSTILE = {
    "empty": b"", "no end": b"\x80\x02]", "no opcode": b"\xff.", "nothing on the stack": b".", "no mark": b"\x80\x02t.",
    "memo of nothing": b"\x80\x02h\x05.", "a huge memo": b"\x80\x02Nr\xff\xff\xff\xff0j\xfe\xff\xff\xff.",
    "bytes that are not there": b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b"x.",
    "an array that is not there": b"\x80\x05\x96" + (2**62).to_bytes(8, "little") + b"x.",
    "a text that is not there": b"\x80\x04\x8d" + (2**62).to_bytes(8, "little") + b"x.",
    "an integer that is not there": b"\x80\x02\x8b" + (2**31 - 1).to_bytes(4, "little") + b"\x01.",
    "a long integer": b"\x80\x02\x8b" + (10**6).to_bytes(4, "little") + b"\x7f" * 10**6 + b".",
    "digits without end": b"I" + b"9" * 10**6 + b"\n.",
    "an extension": b"\x80\x02\x82\x01.", "a buffer": b"\x80\x05\x97.", "a storage": b"\x80\x02NQ.",
    "a list as a key": b"\x80\x02}]Ns.", "a deep key": b"\x80\x02}" + b"N" + b"\x85" * 10**5 + b"Ns.",
    "a call of a number": b"\x80\x02K\x01)R.", "arguments that are none": b"\x80\x02cos\nsystem\nNR.",
    "append to a number": b"\x80\x02K\x01Na.", "an item of a list": b"\x80\x02]NNs.", "odd items": b"\x80\x02}(NNNu.",
    "a class named by a number": b"\x80\x04K\x01K\x01\x93.",
}  # fmt: skip


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_broken_or_hostile_pickle_is_one_line(raw: bytes) -> None:
    with pytest.raises(BadInputError, match="its pickle") as caught:
        pickle_value(io.BytesIO(raw))
    assert "\n" not in str(caught.value)


def test_a_large_frame_is_only_its_bytes() -> None:
    assert pickle_value(io.BytesIO(b"\x80\x04\x95" + (2**62).to_bytes(8, "little") + b"N.")) is None


@pytest.mark.parametrize(
    ("opening", "closing"), [(b"", b"\x85"), (b"]", b"a"), (b"}N", b"s"), (b"(", b"l"), (b"]q\x00h\x00", b"a0")]
)
def test_depth_is_no_harm(opening: bytes, closing: bytes) -> None:
    """A hundred thousand containers inside each other: read without recursion, and cut in words."""
    plain = Plain()
    plain.of(pickle_value(io.BytesIO(nested(opening, closing, 100_000))))
    assert plain.cut


def test_what_refers_to_itself_is_cut() -> None:
    loop: list[Any] = []
    loop.append(loop)
    plain = Plain()
    plain.of(pickle_value(io.BytesIO(pickle.dumps(loop))))
    assert plain.cut


def test_a_list_of_lists_a_billion_times_is_read_and_cut() -> None:
    """Sixty levels, each of which holds the one below ten times: small in memory, without end in words."""
    level: list[Any] = ["ha"]
    for _ in range(60):
        level = [level] * 10
    raw = pickle.dumps(level)
    assert len(raw) < 10_000
    plain = Plain()
    words = plain.of(pickle_value(io.BytesIO(raw)))
    assert plain.cut
    assert len(repr(words)) < 100 * MOST_VALUES


def test_copies_made_by_calls_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordered dictionary of one long list, again and again: each takes six bytes in the pickle."""
    pairs = b"](" + b"".join(b"(K" + bytes([n]) + b"Nt" for n in range(100)) + b"eq\x00"
    raw = b"\x80\x02ccollections\nOrderedDict\nq\x010" + pairs + b"0" + b"h\x01h\x00\x85R0" * 1000 + b"N."
    assert pickle_value(io.BytesIO(raw)) is None
    monkeypatch.setattr(pickle_values, "MOST_ITEMS", 50_000)
    with pytest.raises(BadInputError, match="more than 50,000 values"):
        pickle_value(io.BytesIO(raw))


def test_opcodes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_values, "MOST_OPCODES", 1_000)
    with pytest.raises(BadInputError, match="more than 1,000 opcodes"):
        pickle_value(io.BytesIO(b"\x80\x02" + b"N0" * 1_000 + b"N."))


def test_words_are_json_whatever_is_in_them() -> None:
    import json

    odd = {
        "nan": float("nan"),
        "large": 2**80,
        "bytes": b"x" * 9,
        ("a", 1): "tuple",
        None: "\ud800",
        "long": "x" * 10_000,
    }
    plain = Plain()
    words = json.loads(json.dumps(plain.of(odd), allow_nan=False))
    assert (words["nan"], words["bytes"], len(words["long"]), plain.cut) == ("nan", "9 bytes", MOST_CHARACTERS, True)


@given(st.binary(max_size=200), st.integers(0, 2**31))
def test_any_bytes_give_a_value_or_one_line(noise: bytes, place: int) -> None:
    """Noise alone, and in the middle of a real pickle."""
    real = pickle.dumps({"a": argparse.Namespace(x=[1, 2, (3, 4)]), "b": collections.OrderedDict(c={5})}, place % 6)
    at = place % len(real)
    for raw in (noise, real[:at] + noise[:3] + real[at + len(noise[:3]) :], real[:at]):
        with suppress(BadInputError):
            Plain().of(pickle_value(io.BytesIO(raw)))


def test_a_key_that_costs_time_at_each_look_is_refused() -> None:
    """A tuple of ten thousand is hashed anew each time that it is used: time must grow with the pickle's length alone."""
    key = b"\x80\x02}q\x00(" + b"N" * 10_000 + b"tq\x010"
    with pytest.raises(BadInputError, match="key"):
        pickle_value(io.BytesIO(key + b"h\x00h\x01Ns0" * 10 + b"N."))

"""No document from outside ends in a traceback; `make fuzz` draws ten times as many."""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
try:
    import fuzz
    from fuzz import Reader, faults, mutant, put
finally:
    sys.path.pop(0)

COUNT, SEED = 200, 0
"""Documents per way of reading; records of five kinds share one."""


@pytest.fixture(scope="module")
def readers() -> dict[str, Reader]:
    sys.path.insert(0, str(Path(fuzz.__file__).parent))
    try:
        from fuzz_readers import readers as found
    finally:
        sys.path.pop(0)
    return found()


def test_every_reader_takes_documents_that_are_right(readers: dict[str, Reader], tmp_path: Path) -> None:
    for number, reader in enumerate(readers.values()):
        put(reader.files, tmp_path / str(number))
        reader.read(tmp_path / str(number))


def test_no_reader_ends_in_a_traceback(readers: dict[str, Reader]) -> None:
    kinds = Counter(reader.read for reader in readers.values())
    found = [
        f"{name}, document {number}: {fault}"
        for name, reader in readers.items()
        for number, fault in faults(name, reader, COUNT // kinds[reader.read], SEED)
    ]
    assert not found, found[0]


def trusting(folder: Path) -> Any:
    return [1 / len(line["words"]) for line in json.loads((folder / "a.json").read_text())["lines"]]


def test_a_reader_that_trusts_its_documents_is_found_out() -> None:
    """By what is missing, of another type, empty, nested too deep, in another encoding or truncated."""
    reader = Reader({"a.json": json.dumps({"lines": [{"words": ["x"]}, {"words": ["y", "z"]}]}).encode()}, trusting)
    kinds = {fault.splitlines()[-1].partition(":")[0] for _, fault in faults("trusting", reader, COUNT, SEED)}
    expected = {
        "KeyError", "TypeError", "ZeroDivisionError", "RecursionError", "UnicodeDecodeError", "json.decoder.JSONDecodeError",
    }  # fmt: skip
    assert expected <= kinds


def test_documents_follow_from_seed_and_number() -> None:
    reader = Reader({"a.toml": b"a = 1\nb = 2\n", "b.json": b'{"c": [1, 2]}'}, lambda _: None, text=True)
    drawn = [[mutant(reader, random.Random(seed)) for seed in range(20)] for _ in range(2)]  # noqa: S311 - no secret
    assert drawn[0] == drawn[1]
    assert sum(files != reader.files for files in drawn[0]) > 15

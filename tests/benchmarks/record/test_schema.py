"""The JSON Schema of a record takes what `read_record` takes, and is the one that is kept for others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ssl_benchmarks.record.record import read_record
from ssl_benchmarks.record.schema import record_schema, schema_text

ROOT = Path(__file__).parents[3]
RECORDS = sorted((ROOT / "docs" / "results").glob("**/run.json"))
VALIDATOR = Draft202012Validator(record_schema())


def test_the_file_is_what_the_types_say() -> None:
    """Otherwise write it anew; see `schema_text`."""
    assert (ROOT / "docs" / "reference" / "run.schema.json").read_text() == schema_text()


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: "-".join(path.relative_to(ROOT).parts[2:-1]))
def test_examples_are_of_the_schema_as_they_were_and_as_they_are_written(path: Path) -> None:
    Draft202012Validator.check_schema(VALIDATOR.schema)
    for document in (json.loads(path.read_text()), json.loads(json.dumps(read_record(path).document()))):
        assert [error.message for error in VALIDATOR.iter_errors(document)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"status": "begun"}, {"kind": "poem"}, {"details": {"attempts": {}}}, {"config": {"pue": "1"}}, {"measurements": [{}]},
        {"environment": {"gpus": [{}]}}, {"schema": "sslbench.run/2"}, {"artifacts": {"a": 1}},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_what_a_reader_refuses_the_schema_refuses(change: dict[str, Any]) -> None:
    document = read_record(next(path for path in RECORDS if path.parent.name == "efficient-tiny-seed0")).document()
    assert VALIDATOR.is_valid(json.loads(json.dumps(document)))
    assert not VALIDATOR.is_valid(json.loads(json.dumps({**document, **change})))

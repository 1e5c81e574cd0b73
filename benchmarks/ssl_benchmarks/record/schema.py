"""The JSON Schema of `run.json`, for readers in other languages; docs/reference/run.schema.json holds it."""

from __future__ import annotations

import json
from typing import Any

from ssl_benchmarks.record.details.kinds import DETAILS
from ssl_benchmarks.record.measurement import LATER_COLUMNS
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import SCHEMA, Conditions, Head, Measurement
from ssl_models.documents import json_schemas


def schema_text() -> str:
    """The text of the file, printed by `python -c "from ssl_benchmarks.record.schema import schema_text; print(schema_text(), end='')"`."""
    return json.dumps(record_schema(), indent=1) + "\n"


def record_schema() -> dict[str, Any]:
    """The schema that `read_record` accepts. Fields that it does not name may be present and are ignored by this version.

    A row of `measurements` has the columns of a measurement, of its quantity and of its conditions side by side.
    """
    kinds = (Head, Measurement, Quantity, Conditions, *DETAILS.values())
    found, definitions = json_schemas(kinds)
    head, measurement, conditions = (definitions.pop(kind.__name__) for kind in (Head, Measurement, Conditions))
    parts = (measurement, definitions["Quantity"], conditions)
    columns = {name: schema for part in parts for name, schema in part["properties"].items()}
    row = {name: schema for name, schema in columns.items() if name not in {"quantity", "conditions"}}
    details = [
        {
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
            "then": {"properties": {"details": found[of_kind]}},
        }
        for kind, of_kind in DETAILS.items()
    ]
    properties = {"schema": {"const": SCHEMA}, **head["properties"]}
    required = [name for name in properties if name != "kind"]  # older records lack it
    properties["measurements"] = {
        "type": "array",
        "items": {"type": "object", "properties": row, "required": sorted(set(row) - LATER_COLUMNS)},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "run.json of sslbench",
        "type": "object",
        "properties": properties,
        "required": required,
        "allOf": details,
        "$defs": definitions,
    }

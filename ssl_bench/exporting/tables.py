"""The long table of a record as a file: CSV, or Parquet with the record's settings."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any, get_type_hints

from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import SCHEMA, Conditions, Measurement, Record


def write_csv(record: Record, path: Path) -> None:
    """The columns of `record.frame()`; an interval is a JSON list, what is missing an empty cell."""
    write_atomically(path, record.frame().to_csv(index=False, lineterminator="\n"))


def write_parquet(record: Record, path: Path) -> None:
    """The columns of `record.frame()`, each of its type also where it is empty; the rest of the record is metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"value": pa.float64(), "ci95": pa.list_(pa.float64()), "n": pa.int64()}
    hints: dict[str, Any] = get_type_hints(Conditions)
    plain = {float | None: pa.float64(), int | None: pa.int64(), bool | None: pa.bool_()}
    kinds |= {name: plain.get(hint, pa.string()) for name, hint in hints.items()}
    rest = {name: value for name, value in record.document().items() if name != "measurements"}
    names = list(Measurement("", "loss", Quantity(0.0, "nat", "measured")).row())
    schema = pa.schema(
        [(name, kinds.get(name, pa.string())) for name in names], metadata={SCHEMA: json.dumps(rest, allow_nan=False)}
    )
    held = BytesIO()
    pq.write_table(pa.Table.from_pylist([row.row() for row in record.measurements], schema), held)
    write_atomically(path, held.getvalue())

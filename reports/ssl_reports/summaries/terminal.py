"""A run's tables on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssl_reports.summaries.cost import quality, summary
from ssl_reports.summaries.layout import grid_table
from ssl_reports.tables.grid import Grid

if TYPE_CHECKING:
    from rich.table import Table

    from ssl_benchmarks.record.record import Record


def run_tables(record: Record) -> list[Table]:
    """Cost, and quality if it was evaluated."""
    lines = [(x.name, x.value, x.unit, x.method) for x in summary(record)]
    cost = grid_table(f"cost of {record.config['model']}", Grid(("what", "value", "unit", "method"), lines, []))
    rows, legend = quality(record)
    rates = Grid(("frozen features of", "metric", "value [95 % interval]"), rows, legend)
    return [cost, *([grid_table("quality, on speakers unseen in training", rates)] if rows else [])]

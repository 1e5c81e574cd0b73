"""A run's tables on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from ssl_reports.summaries.cost import quality, summary

if TYPE_CHECKING:
    from ssl_benchmarks.record.record import Record


def run_tables(record: Record) -> list[Table]:
    """Cost, and quality if it was evaluated."""
    cost = Table(title=f"cost of {escape(str(record.config['model']))}", title_justify="left")
    cost.add_column("what")
    cost.add_column("value", justify="right")
    cost.add_column("unit")
    cost.add_column("method")
    for line in summary(record):
        cost.add_row(escape(line.name), line.value, line.unit, line.method)
    rows, legend = quality(record)
    if not rows:
        return [cost]
    rates = Table(
        title="quality, on speakers unseen in training", title_justify="left",
        caption="\n".join(legend) or None, caption_justify="left",
    )  # fmt: skip
    for column in ("frozen features of", "metric", "value [95 % interval]"):
        rates.add_column(column)
    for row in rows:
        rates.add_row(*(escape(cell) for cell in row))
    return [cost, rates]

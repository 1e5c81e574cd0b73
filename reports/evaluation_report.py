"""`report.md` of `sslbench evaluate`, and its tables on the terminal."""

from __future__ import annotations

import json
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from benchmarks.record import Record, write_atomically
from reports.evaluation_tables import Grid, bill_grid, noted, quality_grid
from reports.tables import markdown_table

GIVES = "what it gives: error rate [95 % interval]"
COSTS = "what finding out cost"


def write_evaluation_report(record: Record, folder: Path) -> None:
    """Write it beside the record."""
    write_atomically(folder / "report.md", _report(record))


def evaluation_tables(record: Record) -> list[Table]:
    """Rates and bills."""
    return [_table(GIVES, quality_grid(record)), _table(COSTS, bill_grid(record))]


def _table(title: str, grid: Grid) -> Table:
    table = Table(title=title, title_justify="left", caption="\n".join(grid.legend) or None, caption_justify="left")
    for column in grid.header:
        table.add_column(escape(column))
    for row in grid.rows:
        table.add_row(*(escape(cell) for cell in row))
    return table


def _report(record: Record) -> str:
    quality, bill = quality_grid(record), bill_grid(record)
    stopped = f" Stopped {record.details['stopped']}: not everything was rated." if "stopped" in record.details else ""
    parts = [
        f"# {record.id}",
        f"`{record.command}`\n\n{record.status}, begun {record.created}.{stopped}",
        f"## {GIVES}",
        markdown_table(quality.header, quality.rows),
        *("\n".join(f"- {line}" for line in quality.legend),),
        f"## {COSTS}",
        markdown_table(bill.header, bill.rows),
        "## Speech",
        f"```json\n{json.dumps(record.details.get('speech', {}), indent=1)}\n```",
        "## Notes",
        "\n".join(f"- {'; '.join(columns)}: {note}" for note, columns in noted(record.measurements)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"

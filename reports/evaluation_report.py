"""`report.md` of `sslbench evaluate`, and its tables on the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from benchmarks.record import Record, write_atomically
from reports.evaluation_tables import Grid, bill_grid, noted, quality_grid
from reports.tables import legend_list, markdown_table

GIVES = "what it gives: error rate [95 % interval]"
COSTS = "what finding out cost"


def write_evaluation_report(record: Record, folder: Path) -> None:
    """Write it beside the record."""
    write_atomically(folder / "report.md", _report(record))


def evaluation_tables(record: Record) -> list[Table]:
    """Rates and bills."""
    return [grid_table(GIVES, quality_grid(record)), grid_table(COSTS, bill_grid(record))]


def left_out_lines(record: Record) -> list[str]:
    """What was odd in the speech, and what was left out for it; a line for each split and task that has any."""
    lines = []
    for split in ("train", "dev", "test"):
        counts = {kind: n for kind, n in record.details["speech"][split]["counts"].items() if n}
        if counts:
            lines.append(
                f"{split}:".ljust(10) + ", ".join(f"{kind.replace('_', ' ')} {n}" for kind, n in counts.items())
            )
    for task, about in record.details.get("left_out", {}).items():
        for split, found in about.items():
            if isinstance(found, dict) and found.get("utterances_left_out"):
                share = f"{found['unknown_words']} of {found['words']} words unknown"
                lines.append(
                    f"{task}:".ljust(10) + f"{found['utterances_left_out']} utterances of {split} left out, {share}"
                )
    return lines


def grid_table(title: str, grid: Grid) -> Table:
    """A table for the terminal."""
    legend = escape("\n".join(grid.legend)) or None
    table = Table(title=escape(title), title_justify="left", caption=legend, caption_justify="left")
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
        legend_list(quality.legend),
        f"## {COSTS}",
        markdown_table(bill.header, bill.rows),
        "## Speech",
        record.details["speech"]["how"],
        "\n".join(f"- {line}" for line in left_out_lines(record)),
        "## Notes",
        "\n".join(f"- {'; '.join(columns)}: {note}" for note, columns in noted(record.measurements)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"

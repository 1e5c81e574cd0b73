"""The pieces that reports and terminal tables share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.markup import escape
from rich.table import Table

from ssl_reports.tables.grid import Grid

NO_CO2E = "no CO2e: add `--country FRA` (ISO code) or `--grid-intensity G` (g/kWh)"


def document(parts: Iterable[str]) -> str:
    """The blocks of a Markdown file, without empty ones."""
    return "\n\n".join(part for part in parts if part) + "\n"


def bullets(lines: Iterable[str]) -> str:
    """A list in Markdown."""
    return "\n".join(f"- {line}" for line in lines)


def noted_names(notes: Mapping[str, Sequence[str]], between: str = "; ") -> list[str]:
    """A line for each note, with the names that it concerns."""
    return [f"{between.join(names)}: {note}" for note, names in notes.items()]


def disturbed_lines(found: Mapping[str, Sequence[str]]) -> list[str]:
    """A line for each disturbance of each part of a run."""
    return [f"**disturbed** {part}: {line}" for part, lines in found.items() for line in lines]


def grid_table(title: str, grid: Grid) -> Table:
    """A table for the terminal, in which a column named "value" is aligned to the right."""
    legend = escape("\n".join(grid.legend)) or None
    table = Table(title=escape(title), title_justify="left", caption=legend, caption_justify="left")
    for column in grid.header:
        table.add_column(escape(column), justify="right" if column == "value" else "left")
    for row in grid.rows:
        table.add_row(*(escape(cell) for cell in row))
    return table


def grid_tables(grids: Iterable[tuple[str, Grid]]) -> list[Table]:
    """The tables that have rows; the names in their first columns are not wrapped."""
    tables = [grid_table(title, grid) for title, grid in grids if grid.rows]
    for table in tables:
        table.columns[0].no_wrap = True
    return tables

"""Closing lines of the commands that meter something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssl_bench.console import fail, print_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssl_bench.sessions.run_folder import RunFolder
    from ssl_benchmarks.record.record import Record


def print_run(
    command: str, run: RunFolder, record: Record, summary: Callable[[RunFolder, Record], None], *, as_json: bool
) -> None:
    """Print the document of a run, or its summary."""
    if as_json:
        print_json(command, {"run": str(run.path), **record.document()})
    else:
        summary(run, record)


def disturbances(record: Record) -> list[str]:
    """Each disturbance of the measurement, with the part of the run in which it was seen."""
    return [f"{part}: {line}" for part, lines in record.details.get("disturbances", {}).items() for line in lines]


def closing_lines(record: Record) -> list[str]:
    """The disturbances of the measurement, and how to obtain CO2e."""
    said = [f"disturbed: {line}" for line in _by_cell(record)]
    if record.details["grid"] is None:
        said.append("No CO2e: add --country FRA (ISO code) or --grid-intensity G (g/kWh).")
    return said


def _by_cell(record: Record) -> list[str]:
    """The disturbances of the measurement, one line per cell for all of its rounds."""
    cells: dict[str, list[str]] = {}
    for part, lines in record.details.get("disturbances", {}).items():
        cells.setdefault(part.partition(", round ")[0], []).extend(lines)
    return [
        f"{cell}: {lines[0]}" + (f"; and {len(lines) - 1} more" if len(lines) > 1 else "")
        for cell, lines in cells.items()
    ]


def require_quiet(run: RunFolder, record: Record) -> None:
    """Exit with code 1 if `--strict` was given and something disturbed the measurement."""
    if record.config["strict"] and (seen := disturbances(record)):
        fail(f"{run.path}: --strict: the measurement was disturbed (the record is written): {'; '.join(seen)}", 1)

"""What the commands that meter something have to say at their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssl_bench.console import fail

if TYPE_CHECKING:
    from ssl_bench.sessions.run_folder import RunFolder
    from ssl_benchmarks.record.record import Record


def disturbances(record: Record) -> list[str]:
    """What disturbed the measurement, each with the part of the run it was seen in."""
    return [f"{part}: {line}" for part, lines in record.details.get("disturbances", {}).items() for line in lines]


def closing_lines(record: Record) -> list[str]:
    """What disturbed the measurement, and how to get carbon."""
    said = [f"disturbed {line}" for line in _by_cell(record)]
    if record.details["grid"] is None:
        said.append("No CO2e without a grid: add --country FRA (ISO code) or --grid-intensity G (g/kWh).")
    return said


def _by_cell(record: Record) -> list[str]:
    """What disturbed the measurement, the rounds of one cell in one line."""
    cells: dict[str, list[str]] = {}
    for part, lines in record.details.get("disturbances", {}).items():
        cells.setdefault(part.partition(", round ")[0], []).extend(lines)
    return [
        f"{cell}: {lines[0]}" + (f"; and {len(lines) - 1} times more" if len(lines) > 1 else "")
        for cell, lines in cells.items()
    ]


def require_quiet(run: RunFolder, record: Record) -> None:
    """End with exit code 1 where `--strict` was given and something disturbed the measurement."""
    if record.config["strict"] and (seen := disturbances(record)):
        fail(f"{run.path}: --strict: the measurement was disturbed, the record is written: {'; '.join(seen)}", 1)

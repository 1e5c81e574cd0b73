"""What a full pretraining would take: lines for the terminal and a table for the report."""

from __future__ import annotations

from ssl_benchmarks.record.details.projection import FullRun, Projection
from ssl_reports.summaries.comparison_tables import with_interval
from ssl_reports.tables.grid import markdown_table


def full_run_lines(found: FullRun | None) -> list[str]:
    """One line for each amount of audio; empty if there is nothing to project from."""
    return [_line(found, each) for each in found.projections if each.device_hours.value is not None] if found else []


def full_run_table(found: FullRun | None) -> str:
    """The same in Markdown, with the reasons for missing values; empty for records without projections."""
    if found is None or not found.projections:
        return ""
    header = ("audio hours", "source", "device-hours", f"kWh ({found.scope}, {found.method})", "CO2e", "price units", "missing")  # fmt: skip
    return markdown_table(header, [_row(each) for each in found.projections])


def _row(each: Projection) -> tuple[str, ...]:
    quantities = (each.device_hours, each.energy, each.co2e, each.price)
    reasons = dict.fromkeys(q.note for q in quantities if q is not None and q.value is None)
    cells = ("" if q is None else with_interval(q) for q in quantities)
    return (each.work.amount or "not reported", each.work.source, *cells, "; ".join(reasons))


def _line(found: FullRun, each: Projection) -> str:
    parts = [f"{with_interval(each.device_hours)} device-hours"]
    if each.energy.value is not None:
        parts.append(f"{with_interval(each.energy)} kWh ({found.scope}, {found.method})")
    if each.co2e.value is not None:
        parts.append(f"{with_interval(each.co2e)} CO2e")
    if each.price is not None:
        parts.append(f"{with_interval(each.price)} price units")
    return f"{each.work.hours or 0:,.0f} h of audio would take {', '.join(parts)}"

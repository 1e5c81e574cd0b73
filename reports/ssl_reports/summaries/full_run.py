"""What a whole pretraining would take, in lines for the terminal and a table for the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ssl_benchmarks.record.quantity import quantity_of
from ssl_reports.summaries.comparison_tables import with_interval
from ssl_reports.tables.grid import markdown_table

PARTS = ("device_hours", "energy", "co2e", "price")


def full_run_lines(found: Mapping[str, Any]) -> list[str]:
    """One line for each amount of audio; empty where there is nothing to project from."""
    return [_line(found, each) for each in found.get("projections", []) if each["device_hours"]["value"] is not None]


def full_run_table(found: Mapping[str, Any]) -> str:
    """The same with the reasons for what is missing, in Markdown; empty for records that have none."""
    if not found.get("projections"):
        return ""
    header = ("audio hours", "whose", "device-hours", f"kWh ({found['scope']}, {found['method']})", "CO2e", "price units", "missing")  # fmt: skip
    return markdown_table(header, [_row(each) for each in found["projections"]])


def _row(each: Mapping[str, Any]) -> tuple[str, ...]:
    hours, source = each["work"]["hours"], each["work"]["source"]
    quantities = [None if each[name] is None else quantity_of(each[name]) for name in PARTS]
    reasons = dict.fromkeys(q.note for q in quantities if q is not None and q.value is None)
    cells = ("" if q is None else with_interval(q) for q in quantities)
    return ("not told" if hours is None else f"{hours:,.0f}", source, *cells, "; ".join(reasons))


def _line(found: Mapping[str, Any], each: Mapping[str, Any]) -> str:
    hours, energy, carbon = (quantity_of(each[name]) for name in ("device_hours", "energy", "co2e"))
    parts = [f"{with_interval(hours)} device-hours"]
    if energy.value is not None:
        parts.append(f"{with_interval(energy)} kWh ({found['scope']}, {found['method']})")
    if carbon.value is not None:
        parts.append(f"{with_interval(carbon)} CO2e")
    if each["price"] is not None:
        parts.append(f"{with_interval(quantity_of(each['price']))} price units")
    return f"{each['work']['hours']:,.0f} h of audio take {', '.join(parts)}"

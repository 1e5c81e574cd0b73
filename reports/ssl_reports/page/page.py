"""`report.html`: one file that a browser opens from disk, with tables, plots and all the numbers behind them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from ssl_benchmarks.record.quantity import METHODS
from ssl_reports.page.claims import claims_table, verdict_list
from ssl_reports.page.markup import digest, packed
from ssl_reports.page.plots import page_plots, page_traces
from ssl_reports.page.sections import page_tables
from ssl_reports.page.store import ALONE, Store
from ssl_reports.page.surroundings import methods_text, runs_and_environments
from ssl_reports.reading.claims import Claim
from ssl_reports.reading.evidence import Evidence
from ssl_reports.tables.table import PaperTable
from ssl_reports.units import PREFIXES

if TYPE_CHECKING:
    import pandas as pd

SCRIPTS = ("numbers", "table", "frontier", "labels", "pareto", "card", "power", "page")
"""The scripts of `ssl_reports/page`, in the order in which they are concatenated."""


def report_page(
    title: str,
    evidence: Evidence,
    tables: Sequence[PaperTable],
    found: Sequence[Claim],
    traces: Mapping[int, pd.DataFrame],
) -> str:
    """The page.

    Args:
        title: the page's title.
        evidence: the records.
        tables: those of the paper, except the claims.
        found: the claims.
        traces: power samples of the records, by their number.
    """
    library, script = _library(), _script()
    return Template(_part("page.html")).substitute(
        title=escape(title),
        policy=f"{digest(script)} {digest(library)}",
        style=_part("page.css"),
        script=script,
        library=packed(library),
        data=packed(json.dumps(page_data(evidence, tables, traces), allow_nan=False, separators=(",", ":"))),
        counts=f"{_counted(len(evidence.records), 'record')}, {_counted(len(evidence.models), 'model')}",
        verdicts=verdict_list(found),
        claims=claims_table(found),
        methods=methods_text(evidence),
        environments=runs_and_environments(evidence),
    )


def page_data(evidence: Evidence, tables: Sequence[PaperTable], traces: Mapping[int, pd.DataFrame]) -> dict[str, Any]:
    """The data that the page's script draws."""
    store = Store()
    made, plots = page_tables(evidence, tables, store), page_plots(evidence, store)
    return {
        "quantities": store.columns(), "words": store.words, "conditions": store.conditions, "methods": METHODS,
        "prefixes": PREFIXES, "alone": ALONE, "tables": made, "plots": plots, "power": page_traces(evidence, traces),
    }  # fmt: skip


def _counted(number: int, word: str) -> str:
    """Such as "1 record" or "1,000 records"."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _library() -> str:
    """plotly.js, whole."""
    return (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def _script() -> str:
    """The page's own script, in a scope of its own."""
    parts = "\n".join(_part(f"{name}.js") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}}})();\n'


def _part(name: str) -> str:
    return (files("ssl_reports.page") / name).read_text(encoding="utf-8")

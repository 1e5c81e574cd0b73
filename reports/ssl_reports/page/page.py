"""`report.html`: one file that a browser opens from disk, with tables, plots and all the numbers behind them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from ssl_benchmarks.record.quantity import METHODS
from ssl_reports.claims.finding import Claim, Finding
from ssl_reports.flaw_marks import signed
from ssl_reports.page.looks import PALETTE, PLOTS, SYMBOLS, TABLES, THEMES, pareto_template, power_template
from ssl_reports.page.measurements import page_measurements
from ssl_reports.page.models import page_models
from ssl_reports.page.packing import digest, packed
from ssl_reports.page.power import page_traces
from ssl_reports.page.runs import runs_and_environments
from ssl_reports.page.store import TEXTS, Store
from ssl_reports.page.tables import FORMS, page_table
from ssl_reports.paper.methods import paragraphs
from ssl_reports.reading.evidence import Evidence
from ssl_reports.tables.notes import MARKS
from ssl_reports.tables.numbers import plain_number, with_commas
from ssl_reports.tables.table import PaperTable
from ssl_reports.units import method_word

if TYPE_CHECKING:
    import pandas as pd

SCRIPTS = ("tables.js", "pareto.js", "start.js")
"""The scripts of `ssl_reports/page`, in the order in which they are concatenated."""
SIGNS = {"holds": "✓", "fails": "✗", "not decided": "≈", "not measured here": "–"}
"""Shown beside the word, so that a verdict does not depend on colour."""


def report_page(
    title: str,
    evidence: Evidence,
    tables: Sequence[PaperTable],
    found: Sequence[Claim],
    traces: Mapping[int, pd.DataFrame],
    *,
    forms: Mapping[str, str],
) -> str:
    """The page.

    Args:
        title: the page's title.
        evidence: the records.
        tables: those of the paper, except the claims.
        found: the claims.
        traces: power samples of the records, by their number.
        forms: the texts of the paper's files of tables, by their names.
    """
    data, script, libraries = page_data(evidence, tables, traces, forms), "\n".join(map(_part, SCRIPTS)), _libraries()
    runs, environments = runs_and_environments(evidence)
    environment = Environment(
        loader=FunctionLoader(_part), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["worded"] = method_word
    return environment.get_template("page.html.j2").render(
        title=title,
        policy=" ".join(map(digest, [script, *libraries.values()])),
        style=_part("page.css"),
        script=script,
        libraries={name: packed(text) for name, text in libraries.items()},
        packed=packed(json.dumps(data, allow_nan=False, separators=(",", ":"))),
        data=data,
        counts=f"{_counted(len(evidence.records), 'record')}, {_models(evidence)}",
        models=dict.fromkeys(str(name) for table in data["tables"] for name in table["columns"][0]["cells"]),
        formats=FORMS,
        palette=PALETTE,
        claims=found,
        signs=SIGNS,
        marks=MARKS,
        result=_result,
        paragraphs=paragraphs(evidence, tables),
        runs=runs,
        environments=environments,
    )


def page_data(
    evidence: Evidence,
    tables: Sequence[PaperTable],
    traces: Mapping[int, pd.DataFrame],
    forms: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The data that the page's script draws."""
    store = Store()
    made = [
        *(page_table(table, store, forms or {}) for table in tables if table.rows),
        page_measurements(evidence, store),
    ]
    models = page_models(evidence, store)
    return {
        "quantities": store.quantities, "words": store.words, "texts": TEXTS, "methods": METHODS, "tables": made, "models": models,
        "power": page_traces(evidence, traces), "options": {"tables": TABLES, "plots": PLOTS, "symbols": SYMBOLS},
        "templates": {
            name: {theme: template(theme) for theme in THEMES} for name, template in {"pareto": pareto_template, "power": power_template}.items()
        },
    }  # fmt: skip


def _models(evidence: Evidence) -> str:
    """How many models there are, and how many controls: random weights and log-mel features."""
    controls = [model for model in evidence.models if model == "log-mel" or model.endswith(" (untrained)")]
    models = [model for model in evidence.models if model not in {*controls, "idle"}]
    apart = f", {_counted(len(controls), 'control')}" if controls else ""
    return f"{_counted(len(models), 'model')}{apart}"


def _counted(number: int, word: str) -> str:
    """Such as "1 record" or "1,000 records"."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _result(finding: Finding) -> str:
    """A ratio as "12.3 ± 0.2 times", a time in hours."""
    q = finding.shown
    if q is None or q.value is None:
        return "not available"
    number = with_commas(plain_number(q))
    return signed(f"{number} {'times' if q.unit == '1' else q.unit} ({method_word(q.method)})", q)


def _libraries() -> dict[str, str]:
    """DataTables and plotly, whole, in the order in which the page starts them."""
    plotly = files("plotly") / "package_data" / "plotly.min.js"
    return {"datatables": _part("vendor/dataTables.min.js"), "plotly": plotly.read_text(encoding="utf-8")}


def _part(name: str) -> str:
    return (files("ssl_reports.page") / name).read_text(encoding="utf-8")

r"""`main.tex`: a supplement of about two pages with the efficiency table, plots, methods and references, for pdflatex and BibTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files

from ssl_reports.tables.latex import escape_latex
from ssl_reports.tables.latex_table import Font, latex
from ssl_reports.tables.table import PaperTable

ROWS = 24
"""The most models in the table of the supplement; `tables/` has all of them."""
NOTHING = (
    "There is no efficiency table, because no record holds a cost and an error rate of a model: run "
    "\\texttt{sslbench compare} or \\texttt{sslbench train-and-measure} first."
)
FAMILIES: dict[Font, str] = {"serif": "\\rmdefault", "sans": "\\sfdefault"}


def main_tex(title: str, table: PaperTable | None, figures: Sequence[str], font: Font | None = None) -> str:
    """The document.

    Args:
        title: plain text.
        table: the efficiency table, whose `.tex` file is in `tables/`; None if no record fills one.
        figures: names of at most two figures in `figures/`, with captions in `figures/captions.tex`: the first stands on the first page.
        font: of the text; serif by default.
    """
    template = files("ssl_reports.paper").joinpath("main.tex").read_text(encoding="utf-8")
    first, *others = map(_figure, figures[:2] or [""])
    parts = {
        "TITLE": escape_latex(title),
        "FAMILY": FAMILIES[font or "serif"],
        "TABLE": NOTHING if table is None else _table(table),
        "CAPTIONS": "\\input{figures/captions.tex}" if figures else "",
        "FIRST": first,
        "SECOND": "".join(others),
    }
    for name, text in parts.items():
        template = template.replace(f"<{name}>", text)
    return template


def _table(table: PaperTable) -> str:
    """The table with its caption above it; of many models the first."""
    caption, body = table.caption, f"\\input{{tables/{table.name}.tex}}"
    if len(table.rows) > ROWS:
        caption += f": the first {ROWS}; all are in tables/{table.name}.csv"
        shown = replace(
            table, rows=table.rows[:ROWS], ruled=frozenset(n for n in table.ruled if n < ROWS), turned=False
        )
        body = latex(shown, "double")
    return f"\\begin{{center}}\n\\captionof{{table}}{{{escape_latex(caption)}}}\\label{{tab:{table.name}}}\n{body}\n\\end{{center}}"


def _figure(name: str) -> str:
    """A picture with its caption, which no break of a column separates."""
    if not name:
        return ""
    return (
        f"\\begin{{center}}\n\\begin{{minipage}}{{\\columnwidth}}\n\\includegraphics[width=\\linewidth]{{figures/{name}.pdf}}\n"
        f"\\captionof{{figure}}{{\\sslcaption{{{name}}}}}\\label{{fig:{name}}}\n\\end{{minipage}}\n\\end{{center}}"
    )

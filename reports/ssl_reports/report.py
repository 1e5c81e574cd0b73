"""What a paper needs from a set of records: tables, figures, methods, references, claims, and a page with all of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ssl_reports.efficiency.efficiency_table import EFFICIENCY, NothingToShowError, efficiency_table
from ssl_reports.efficiency.layout import Layout
from ssl_reports.page.page import report_page
from ssl_reports.paper.folder import write_whole
from ssl_reports.paper.main_tex import main_tex
from ssl_reports.paper.methods import methods_latex, methods_markdown
from ssl_reports.paper.model_card import model_cards
from ssl_reports.paper.reproduce import reproduce_script
from ssl_reports.paper.tables import claims_table, inference_table, memory_table, pretraining_table, quality_table
from ssl_reports.pictures.figures import write_figures
from ssl_reports.reading.claims import Claim, claims
from ssl_reports.reading.evidence import Evidence
from ssl_reports.reading.references import bibliography, bibtex
from ssl_reports.tables.data import comma_separated
from ssl_reports.tables.latex_table import latex
from ssl_reports.tables.markdown import markdown
from ssl_reports.tables.table import PaperTable

TITLE = "Cost and quality"
PAGE = "report.html"
PLAIN = Layout()


def write_paper(evidence: Evidence, out: Path, layout: Layout = PLAIN) -> list[str]:
    """Write the whole folder, over an earlier report; return the names of its files.

    Args:
        evidence: the runs.
        out: the folder.
        layout: of the efficiency table.

    Raises:
        BadInputError: if `out` contains anything else, or for a layout that does not suit the runs.
    """
    return write_whole(out, lambda folder: _fill(evidence, folder, layout))


def paper_tables(evidence: Evidence, found: list[Claim], layout: Layout = PLAIN) -> list[PaperTable]:
    """The tables, in the order of the page: the efficiency table first, where the records fill one."""
    makers = (pretraining_table, inference_table, memory_table, quality_table)
    return [*efficiency(evidence, layout), *(make(evidence) for make in makers), claims_table(found)]


def efficiency(evidence: Evidence, layout: Layout = PLAIN) -> list[PaperTable]:
    """The efficiency table, or nothing where the records fill none; a report refuses no run, so differences of conditions are marked."""
    try:
        return [efficiency_table(evidence, replace(layout, mark_differences=True))]
    except NothingToShowError:
        return []


def _fill(evidence: Evidence, folder: Path, layout: Layout) -> None:
    found, traces = claims(evidence), evidence.traces
    tables = paper_tables(evidence, found, layout)
    figures = write_figures(evidence.records, folder, traces, runs=evidence.labels)
    texts = {
        **{
            f"tables/{table.name}.tex": latex(table, "double" if table.name == EFFICIENCY else None) for table in tables
        },
        **{f"tables/{table.name}.md": markdown(table) for table in tables},
        **{f"tables/{table.name}.csv": comma_separated(table) for table in tables},
        "methods.tex": methods_latex(evidence),
        "methods.md": methods_markdown(evidence),
        "references.bib": bibtex(),
        "main.bbl": bibliography(),
        "main.tex": main_tex(TITLE, tables, [figure.name for figure in figures if figure.files]),
        "reproduce.sh": reproduce_script(evidence),
        **model_cards(evidence),
    }
    texts[PAGE] = report_page(TITLE, evidence, tables[:-1], found, traces, forms=texts)
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "reproduce.sh").chmod(0o755)


def unread_traces(evidence: Evidence) -> list[str]:
    """A line for each power trace on disk that could not be read, with a remedy."""
    return [trace.attrs["unread"] for trace in evidence.traces.values() if trace.attrs["unread"]]

"""What a paper needs from a set of records: tables, figures, methods, references, claims, and a page with all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ssl_models.errors import choose
from ssl_reports.claims.claims import claims
from ssl_reports.claims.finding import Claim
from ssl_reports.claims.predictions import NONE, Predictions
from ssl_reports.efficiency.efficiency_table import EFFICIENCY, NothingToShowError, efficiency_table
from ssl_reports.efficiency.layout import Layout
from ssl_reports.page.page import report_page
from ssl_reports.paper.anonymous import Scrub, scrubber, without_names
from ssl_reports.paper.folder import write_whole
from ssl_reports.paper.main_tex import main_tex
from ssl_reports.paper.methods import methods_latex, methods_markdown
from ssl_reports.paper.model_card import model_cards
from ssl_reports.paper.readme import readme
from ssl_reports.paper.reproduce import reproduce_script
from ssl_reports.paper.statement import statement_latex, statement_text
from ssl_reports.paper.tables import (
    claims_table,
    inference_table,
    memory_table,
    pretraining_table,
    projected_table,
    quality_table,
    sizes_table,
)
from ssl_reports.pictures.drawing import sentences
from ssl_reports.pictures.figures import Figure, write_figures
from ssl_reports.pictures.look import PARETO, Look
from ssl_reports.reading.axes import COSTS
from ssl_reports.reading.evidence import Evidence
from ssl_reports.reading.references import bibtex
from ssl_reports.tables.data import comma_separated
from ssl_reports.tables.latex_table import Font, latex
from ssl_reports.tables.markdown import markdown
from ssl_reports.tables.table import PaperTable

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Cost and quality"
PAGE = "report.html"
PLAIN = Layout()


def write_paper(
    evidence: Evidence,
    out: Path,
    layout: Layout = PLAIN,
    *,
    font: Font | None = None,
    costs: Sequence[str] = PARETO,
    anonymous: bool = True,
    predicted: Predictions = NONE,
) -> list[str]:
    """Write the whole folder, over an earlier report; return the names of its files.

    Args:
        evidence: the runs.
        out: the folder.
        layout: of the efficiency table; its names, order and published figures hold for the plots too.
        font: of the supplement and of the pictures; by default serif text and sans pictures.
        costs: the x axes of Pareto plots, keys of `ssl_reports.reading.axes.COSTS`.
        predicted: what may decide claims that were not measured; see `ssl_reports.claims.predictions.predictions`.
        anonymous: whether names of users and machines, and paths, are removed from what the runs' records say.

    Raises:
        BadInputError: if `out` contains anything else, for a layout that does not suit the runs, or for an unknown cost.
    """
    for cost in costs:
        choose(cost, COSTS, "cost")
    traces, shown = evidence.traces, evidence
    if anonymous:
        scrub = scrubber(evidence)
        shown, layout = without_names(evidence, scrub), _renamed(layout, scrub)
    look = Look(layout.names, layout.order, font, layout.published, tuple(costs))
    return write_whole(out, lambda folder: _fill(shown, traces, folder, layout, look, predicted=predicted))


def _renamed(layout: Layout, scrub: Scrub) -> Layout:
    """The layout with the models' names as the records have them now."""
    stated = replace(
        layout.stated,
        cost=tuple(replace(cost, model=scrub(cost.model)) for cost in layout.stated.cost),
        licence={scrub(model): text for model, text in layout.stated.licence.items()},
    )
    return replace(
        layout,
        names={scrub(model): name for model, name in layout.names.items()},
        order=tuple(map(scrub, layout.order)),
        baseline=layout.baseline and scrub(layout.baseline),
        stated=stated,
    )


def paper_tables(
    evidence: Evidence, found: list[Claim], layout: Layout = PLAIN, predicted: Predictions = NONE
) -> list[PaperTable]:
    """The tables that the records fill, in the order of the page: the efficiency table first, the claims last."""
    made = [make(evidence) for make in (projected_table, inference_table, memory_table, quality_table)]
    made.insert(0, pretraining_table(evidence, published=layout.published))
    made.append(sizes_table(predicted))
    return [*efficiency(evidence, layout), *(table for table in made if table.rows), claims_table(found)]


def efficiency(evidence: Evidence, layout: Layout = PLAIN) -> list[PaperTable]:
    """The efficiency table, or nothing where the records fill none; a report refuses no run, so differences of conditions are marked."""
    try:
        return [efficiency_table(evidence, replace(layout, mark_differences=True))]
    except NothingToShowError:
        return []


def _fill(
    evidence: Evidence,
    traces: Mapping[int, pd.DataFrame],
    folder: Path,
    layout: Layout,
    look: Look,
    *,
    predicted: Predictions,
) -> None:
    found = claims(evidence, predicted)
    tables = paper_tables(evidence, found, layout, predicted)
    figures = write_figures(evidence.records, folder, traces, runs=evidence.labels, look=look)
    shown = tables[0] if tables[0].name == EFFICIENCY else None
    sources = {
        **{f"tables/{table.name}.tex": latex(table, "double", look.font) for table in tables},
        "methods.tex": methods_latex(evidence, tables),
        "statement.tex": statement_latex(evidence),
        "main.tex": main_tex(TITLE, shown, _of_the_supplement(figures), look.font),
    }
    texts = {
        **sources,
        **{f"tables/{table.name}.md": markdown(table) for table in tables},
        **{f"tables/{table.name}.csv": comma_separated(table) for table in tables},
        "methods.md": methods_markdown(evidence, tables),
        "references.bib": bibtex(sources.values()),
        "reproduce.sh": reproduce_script(evidence),
        "README.md": readme(
            TITLE,
            statement_text(evidence),
            {figure.name: sentences(figure.caption, figure.omitted) for figure in figures},
        ),
        **model_cards(evidence),
    }
    texts[PAGE] = report_page(TITLE, evidence, tables[:-1], found, traces, forms=texts)
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "reproduce.sh").chmod(0o755)


def _of_the_supplement(figures: Sequence[Figure]) -> list[str]:
    """The first Pareto plot and the first other figure."""
    drawn = [figure.name for figure in figures if figure.files]
    pareto = [name for name in drawn if name.startswith("pareto")]
    return [*pareto[:1], *[name for name in drawn if name not in pareto][:1]]


def unread_traces(evidence: Evidence) -> list[str]:
    """A line for each power trace on disk that could not be read, with a remedy."""
    return [trace.attrs["unread"] for trace in evidence.traces.values() if trace.attrs["unread"]]

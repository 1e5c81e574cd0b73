"""The figures of a paper: written as PDF, SVG and PNG, with their captions and the numbers behind them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.record.record import Record
from ssl_benchmarks.record.run_names import told_apart
from ssl_reports.pictures.breakdown import energy_picture, energy_rate_picture, memory_picture
from ssl_reports.pictures.drawing import Drawing, Row, flawed_numbers, no_figure, save, sentences
from ssl_reports.pictures.length import length_picture
from ssl_reports.pictures.look import Look
from ssl_reports.pictures.pareto import pareto_picture
from ssl_reports.pictures.style import print_style
from ssl_reports.pictures.trace import trace_picture
from ssl_reports.reading.axes import Axis, cost_axes, error_axes
from ssl_reports.reading.frontier import best_plot
from ssl_reports.reading.systems import System, arranged, published_systems, systems_of
from ssl_reports.tables.latex import typeset

if TYPE_CHECKING:
    import pandas as pd

PLAIN = Look()
TRACES = 6
"""The most runs whose power is drawn."""


@dataclass(frozen=True)
class Figure:
    """A figure that was written, or the reason why there is none.

    Attributes:
        name: the stem of its files: letters, digits and "-".
        caption: in plain text, as a paper prints it, or why there is no figure.
        rows: every number behind it.
        files: the files written, none if there is no figure.
        omitted: what is left out and why.
    """

    name: str
    caption: str
    rows: tuple[Row, ...]
    files: tuple[Path, ...]
    omitted: str = ""


def write_figures(
    records: Sequence[Record],
    folder: Path,
    traces: Mapping[int, pd.DataFrame] | None = None,
    runs: Sequence[str] | None = None,
    look: Look = PLAIN,
) -> list[Figure]:
    r"""Write `figures/NAME.pdf`, `.svg` and `.png`, `figures/captions.tex` and `data/NAME.csv`.

    `captions.tex` defines `\sslcaption{NAME}` for those that were drawn. The same records give the same bytes.

    Args:
        records: the records to draw.
        folder: the paper's folder.
        traces: power samples of the records, by their number in `records`.
        runs: names of the records; by default their own, made unique.
        look: names, order and font.
    """
    pictures, data = folder / "figures", folder / "data"
    for path in (pictures, data):
        path.mkdir(parents=True, exist_ok=True)
    figures, captions, named = list[Figure](), dict[str, str](), runs or told_apart([record.id for record in records])
    with print_style(look.font):
        for drawing in _drawings(records, named, traces or {}, look):
            caption = sentences(drawing.caption, flawed_numbers(drawing.rows))
            files = save(drawing, pictures)
            figures.append(Figure(drawing.name, caption, drawing.rows, files, drawing.omitted))
            if drawing.canvas is not None:
                captions[drawing.name] = caption
            if drawing.rows:
                write_atomically(data / f"{drawing.name}.csv", _csv(drawing.rows))
    write_atomically(pictures / "captions.tex", _captions(captions))
    return figures


def _drawings(
    records: Sequence[Record], runs: Sequence[str], traces: Mapping[int, pd.DataFrame], look: Look
) -> Iterator[Drawing]:
    systems = arranged(systems_of(records, runs), look.names, look.order)
    context = arranged(published_systems(), look.names, ()) if look.published else []
    errors = error_axes(systems)
    for cost in look.costs:
        yield _pareto(f"pareto-{cost}", [*systems, *context], cost_axes(cost), errors)
    yield energy_picture(systems, ordered=bool(look.order))
    yield energy_rate_picture(systems, ordered=bool(look.order))
    yield memory_picture(systems, ordered=bool(look.order))
    yield length_picture(records, runs, look)
    yield from _traces(runs, traces)


def _pareto(name: str, systems: Sequence[System], xs: Sequence[Axis], ys: Sequence[Axis]) -> Drawing:
    plot = best_plot(systems, xs, ys)
    if plot is None:
        return no_figure(name, f"error against {xs[0].name}", "no record has an error rate.")
    return pareto_picture(name, plot)


def _traces(names: Sequence[str], traces: Mapping[int, pd.DataFrame]) -> Iterator[Drawing]:
    taken: dict[str, int] = {}
    for number in sorted(traces)[:TRACES]:
        name = f"power-{slug(names[number])}"
        taken[name] = taken.get(name, 0) + 1
        yield trace_picture(name if taken[name] == 1 else f"{name}-{taken[name]}", names[number], traces[number])
    if len(traces) > TRACES:
        yield no_figure("power", "power over time", f"that of {len(traces) - TRACES} more runs is on the page.")


def slug(name: str) -> str:
    """A name for files and for LaTeX: lower-case letters, digits and "-"."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "figure"


def _csv(rows: Sequence[Row]) -> str:
    header = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    table = csv.DictWriter(text, header, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _captions(captions: Mapping[str, str]) -> str:
    lines = [r"\newcommand{\sslcaption}[1]{\csname sslcaption@#1\endcsname}"]
    lines += [
        rf"\expandafter\def\csname sslcaption@{name}\endcsname{{{typeset(caption)}}}"
        for name, caption in captions.items()
    ]
    return "\n".join(lines) + "\n"

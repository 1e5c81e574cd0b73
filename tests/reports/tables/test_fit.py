"""A table is set in the largest type that fits, then in parts; pdflatex finds no box too wide."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.tables.fit import POINTS, SIZES, fit
from ssl_reports.tables.latex_table import Float, latex
from ssl_reports.tables.table import LONG, Column, PaperTable, Words

STYLES = {
    "ACL": (219.08, 455.24),
    "IEEE": (252.0, 516.0),
    "Interspeech": (227.6, 483.7),
}
"""Widths of one and of two columns in pt."""


def table(columns: int, digits: int = 4) -> PaperTable:
    values = [Quantity(float(f"{7 * 10 ** (i % digits)}.{i}"), "1", "modelled", None) for i in range(columns)]
    near = [Quantity(q.value, "1", "measured", ((q.value or 0) * 0.99, (q.value or 0) * 1.01)) for q in values]
    heads = tuple(Column(f"Median of {i}", "GFLOP / audio s") for i in range(columns))
    rows = tuple((name, *found) for name, found in (("efficient-small", values), ("wav2vec2-base-MWWM", near)))
    return PaperTable("x", "Made up", (Column("Model"), *heads), rows, best=frozenset({(1, 1)}))


def test_more_columns_need_smaller_type_then_parts() -> None:
    sizes = [name for name, _ in SIZES]
    found = [
        fit([["Model", *["Median latency"] * n], ["efficient", *["123.4 ± 1.2"] * n]], "double") for n in range(1, 30)
    ]
    order = [sizes.index(each.size) for each in found]
    assert order == sorted(order)
    assert {"normalsize", "scriptsize"} <= {each.size for each in found}
    assert [len(each.blocks) for each in found] == sorted(len(each.blocks) for each in found)
    assert len(found[-1].blocks) > 1
    assert sorted(i for block in found[-1].blocks for i in block if i) == list(range(1, 30))
    assert all(block[0] == 0 for block in found[-1].blocks)


@pytest.mark.parametrize("count", range(9, 25))
def test_parts_are_about_equally_wide(count: int) -> None:
    """No part is left with a single column while another has several more."""
    found = fit([["Model", *["Median latency"] * count], ["efficient", *["123.4 ± 1.2"] * count]], "double")
    sizes = [len(block) - 1 for block in found.blocks]
    assert sum(sizes) == count
    assert max(sizes) - min(sizes) < len(sizes)


def test_wrapped_text_is_no_wider_than_its_share() -> None:
    line = ["efficient", "a text of many words " * 9, *["123.4 ± 1.2"] * 5]
    assert len(fit([line], "double").blocks) > 1
    assert len(fit([line], "double", {1: 0.2}).blocks) == 1


def grouped() -> PaperTable:
    """Two columns below one head, and a third below none."""
    heads = (
        Column("Speed", "h", head="Training speed", group="Training step", short="Speed", better="high"),
        Column("Memory", "h", head="Training memory", group="Training step", short="Memory"), Column("PER", "%", group="Quality"),
    )  # fmt: skip
    row = (Words("HuBERT Base", "hubert-base", "hsu2021hubert"), *[Quantity(1.0, "h", "measured")] * 3)
    return PaperTable("x", "Made up", (Column("model"), *heads), (row,))


def test_columns_of_a_group_stand_below_its_head_in_latex() -> None:
    text = latex(grouped())
    assert r"& \multicolumn{2}{c}{Training step} &" in text
    assert r"\cmidrule(lr){2-3}" in text
    assert r"{Speed~$\uparrow$} & {Memory} & {PER}" in text
    assert "Quality" not in text
    assert r"HuBERT Base~\cite{hsu2021hubert} & 1.00" in text


def test_a_caption_or_a_label_makes_a_float() -> None:
    text = latex(grouped(), "double", floating=Float("Cost & more", "tab:cost"))
    assert r"\begin{table*}[t]" in text
    assert r"\caption{Cost \& more}\label{tab:cost}" in text
    assert r"\begin{table}[t]" in latex(grouped(), "single", floating=Float("Cost", ""))
    assert "table}" not in latex(grouped(), "double")


def test_a_table_names_the_packages_that_it_needs_and_no_others() -> None:
    assert latex(grouped()).startswith("% x: needs T1 fonts, booktabs, siunitx 3, BibTeX\n")
    rows = tuple((str(number), "b") for number in range(LONG + 1))
    long = latex(
        PaperTable("x", "Made up", (Column("a"), Column("b")), rows), "double", floating=Float("Long", "tab:x")
    )
    assert long.startswith("% x: needs T1 fonts, booktabs, siunitx 3, longtable\n")
    assert "\\begin{longtable}{ll}\n\\caption{Long}\\label{tab:x} \\\\\n" in long
    assert "table*" not in long


def test_the_widths_are_those_of_the_narrowest_style() -> None:
    assert POINTS["single"] <= min(single for single, _ in STYLES.values())
    assert POINTS["double"] <= min(double for _, double in STYLES.values())


DOCUMENT = r"""\documentclass[10pt]{article}
\usepackage[T1]{fontenc}
%s
\usepackage{booktabs,longtable,array,textcomp,siunitx}
\setlength{\textwidth}{700pt}\setlength{\textheight}{2000pt}
\begin{document}
%s
\end{document}
"""


@pytest.mark.slow
@pytest.mark.pdflatex
@pytest.mark.parametrize("font", ["", r"\usepackage{mathptmx}"], ids=["computer-modern", "times"])
@pytest.mark.parametrize("style", STYLES)
def test_no_box_is_too_wide(tmp_path: Path, style: str, font: str) -> None:
    parts = []
    for number, width in enumerate(("single", "double")):
        for columns in (1, 3, 5, 8, 14):
            text = latex(table(columns), width)  # type: ignore[arg-type]
            parts.append(
                f"\\noindent\\begin{{minipage}}{{{STYLES[style][number]}pt}}\\noindent\n{text}\\end{{minipage}}\\newpage"
            )
    (tmp_path / "t.tex").write_text(DOCUMENT % (font, "\n".join(parts)))
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "t.tex"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    log = (tmp_path / "t.log").read_text(errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert not re.findall(r"(?:Over|Under)full.*", log)

"""`README.md` of a paper's folder: how to set it, and what each figure shows or why there is none."""

from __future__ import annotations

from collections.abc import Mapping

from ssl_reports.tables.markdown import escape_markdown

TEXT = """# {title}

- `main.tex`: a supplement of tables, plots and methods: `latexmk -pdf main`, or pdflatex, bibtex, pdflatex, pdflatex.
- `tables/`: every table as LaTeX, Markdown and CSV; `figures/`: every plot as PDF, SVG and PNG; `data/`: the numbers behind them.
- `methods.tex`, `statement.tex`, `references.bib`: to include in a paper.
- `reproduce.sh`: the commands, versions and seeds.
- `report.html`: all of it on one page.

## Compute and carbon

{statement}

## Figures

{figures}"""


def readme(title: str, statement: str, captions: Mapping[str, str]) -> str:
    """The text; `captions` are those of the figures by name, or why there is none."""
    lines = (f"- `{name}`: {escape_markdown(caption)}\n" for name, caption in captions.items())
    return TEXT.format(title=escape_markdown(title), statement=escape_markdown(statement), figures="".join(lines))

"""`main.tex`: a document with every table and figure, for pdflatex."""

from __future__ import annotations

from collections.abc import Sequence

from ssl_reports.tables.latex import escape_latex
from ssl_reports.tables.table import LONG, PaperTable

# Times and Courier are T1 vector fonts that every TeX distribution includes.
PREAMBLE = r"""\documentclass{article}
\usepackage[a4paper,margin=18mm]{geometry}
\usepackage[T1]{fontenc}
\usepackage{mathptmx}
\usepackage{courier}
\usepackage{array,booktabs,longtable,graphicx}
\usepackage{siunitx}
\sisetup{separate-uncertainty=true,group-minimum-digits=5}
\setlength{\tabcolsep}{3.5pt}
\renewcommand{\arraystretch}{1.15}
\renewcommand{\topfraction}{0.95}\renewcommand{\bottomfraction}{0.95}
\renewcommand{\textfraction}{0.05}\renewcommand{\floatpagefraction}{0.8}
\setlength{\abovecaptionskip}{4pt}\setlength{\belowcaptionskip}{4pt}
\makeatletter\setlength{\@fptop}{0pt}\makeatother
\emergencystretch=3em
\title{%s}
\author{}
\date{}
\begin{document}
\maketitle
\section*{Methods}
\input{methods.tex}
\section*{Tables}
"""

END = r"""\clearpage
\raggedright
\nocite{*}
\bibliographystyle{plain}
\bibliography{references}
\end{document}
"""


def main_tex(title: str, tables: Sequence[PaperTable], figures: Sequence[str]) -> str:
    """The document.

    Args:
        title: plain text.
        tables: those whose `.tex` files are in `tables/`.
        figures: names of the figures in `figures/`, with captions in `figures/captions.tex`.
    """
    parts = [PREAMBLE % escape_latex(title), *(_table(table) for table in tables)]
    if figures:
        parts += ["\\clearpage\n\\section*{Figures}\n", "\\input{figures/captions.tex}\n", *map(_figure, figures)]
    return "\n".join([*parts, END])


def _table(table: PaperTable) -> str:
    """A float; a table of many rows is set in the text, because a float cannot break over pages."""
    caption, body = escape_latex(table.caption), f"\\input{{tables/{table.name}.tex}}"
    if not table.rows:
        return f"\\paragraph{{{caption}:}} nothing to show, because no record has such rows.\n"
    if len(table.rows) > LONG:
        title = f"\\noindent\\refstepcounter{{table}}\\label{{tab:{table.name}}}Table \\thetable: {caption}"
        return f"{{\\scriptsize {title}\n{body}}}\n"
    return f"\\begin{{table}}[htbp]\n\\centering\\scriptsize\n\\caption{{{caption}}}\\label{{tab:{table.name}}}\n{body}\n\\end{{table}}\n"


def _figure(name: str) -> str:
    return (
        f"\\begin{{figure}}[htbp]\n\\centering\n\\includegraphics{{figures/{name}.pdf}}\n"
        f"\\caption{{\\sslcaption{{{name}}}}}\\label{{fig:{name}}}\n\\end{{figure}}\n"
    )

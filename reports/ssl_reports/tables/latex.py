"""Text and numbers for pdflatex; needs T1 fonts, booktabs and siunitx 3."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.tables.citations import CITED
from ssl_reports.tables.numbers import DIGITS, decimal, plain_number, scaled

# fmt: off
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "'": r"\textquotesingle{}", "`": r"\textasciigrave{}",
    # These are ordinary characters, except after a line end or in an option.
    "[": "{[}", "]": "{]}", "*": "{*}",
    "µ": r"\textmu{}", "\u00d7": r"\texttimes{}", "±": r"\textpm{}", "°": r"\textdegree{}", "€": r"\texteuro{}", "†": r"\textdagger{}", "‡": r"\textdaggerdbl{}", "§": r"\textsection{}", "¶": r"\textparagraph{}",
    "\u2013": r"\textendash{}", "—": r"\textemdash{}", "…": r"\textellipsis{}", "\u00a0": "~",
}
"""Each character with a special meaning in LaTeX, and how to write it."""

LIGATURE = re.compile(r"([-,])(?=\1)")

NOT_IN_T1 = frozenset("ĦħĸĿŀŉŦŧſ")
# fmt: on

CRAFT = (
    (re.compile(r"(?<=[A-Za-z])\\textquotesingle\{\}"), "'"),
    (re.compile(r"(?<=\d) (?=\\%)"), r"\,"),
    (re.compile(r"\\textpm\{\} (?=\d)"), r"\textpm{}\,"),
    (re.compile(r"(?<=[\w)]) x (?=\d)"), r"~\texttimes{}~"),
    (re.compile(r"\bx(?= real time)"), r"\texttimes{}"),
    (re.compile(r"(?<=\d) (?=(?:[kmMGTPE]?(?:Wh|J|FLOPs?|MACs?|W)|[MGk]iB|g|kg|mg|h|min|ms|s|d|clips?|seeds|rounds)\b)"), "~"),
    (re.compile(r"\bCO2(?=e)"), r"CO\textsubscript{2}"),
    (re.compile(r"\{\\ttfamily U\+2193\}"), r"$\downarrow$"),
    (re.compile(r"\{\\ttfamily U\+2191\}"), r"$\uparrow$"),
)  # fmt: skip
"""What a typesetter does to escaped text: apostrophes, spaces at which no line breaks, the signs of the field."""


def escape_latex(text: str) -> str:
    """Any text as running text; a character that pdflatex cannot set is given by its code point.

    Line ends and other control characters become spaces, as in LaTeX itself.
    """
    # Two hyphens or commas in a row would be set as a single different character.
    return LIGATURE.sub(r"\1{}", "".join(_escaped(character) for character in text))


def _escaped(character: str) -> str:
    if character in SPECIAL:
        return SPECIAL[character]
    if ord(character) < 32 or ord(character) == 127:
        return " "
    if ord(character) < 127 or ("À" <= character <= "ž" and character not in NOT_IN_T1):
        return character
    return rf"{{\ttfamily U+{ord(character):04X}}}"


def typeset(text: str) -> str:
    r"""Running text with the signs of the field, and a `\cite` for each citation; see `ssl_reports.tables.citations`."""
    parts = CITED.split(text)
    return "".join(f"~\\cite{{{part}}}" if number % 2 else _crafted(part) for number, part in enumerate(parts))


def _crafted(text: str) -> str:
    found = escape_latex(text)
    for pattern, sign in CRAFT:
        found = sign.join(pattern.split(found))
    return found


def number(quantity: Quantity, factor: float = 1.0, digits: int = DIGITS) -> str:
    r"""Value times `factor` with its uncertainty, in the syntax of siunitx; "" if there is no value.

    A balanced interval is written as value and half-width, with one digit less of the latter: `\num{12.34 +- 0.21}`. An
    unbalanced one, or one wider than its value, is written out: `\num{12.3} [\num{9.1}, \num{20}]`.
    """
    if quantity.value is None:
        return ""
    plain, (value, ends) = plain_number(quantity, factor, digits, " +- "), scaled(quantity, factor)
    if ends is None or "[" not in plain:
        return rf"\num{{{plain}}}"
    low, high = (rf"\num{{{decimal(end, digits)}}}" for end in ends)
    return rf"\num{{{decimal(value, digits)}}} {{[}}{low}, {high}{{]}}"


def tabular(
    columns: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    long: bool,
    ruled: Collection[int] = (),
    above: str = "",
) -> str:
    """A table with the rules of booktabs, of cells that are LaTeX already; a long one breaks over pages.

    A rule stands before each row whose number is in `ruled`, the caption `above` over a long one.
    """
    name = "longtable" if long else "tabular"
    head = f"{' & '.join(header)} \\\\\n\\midrule\n" + ("\\endhead\n" if long else "")
    gap = "\\addlinespace[2pt]\n" if "p{" in columns and not long else ""
    rules = ["\\midrule\n" if i in ruled else "" for i in range(len(rows))]
    body = gap.join(f"{rule}{' & '.join(row)} \\\\\n" for rule, row in zip(rules, rows, strict=True))
    caption = f"{above} \\\\\n" if above and long else ""
    return f"\\begin{{{name}}}{{{columns}}}\n{caption}\\toprule\n{head}{body}\\bottomrule\n\\end{{{name}}}\n"

"""Text and numbers for pdflatex; needs T1 fonts, booktabs and siunitx."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ssl_benchmarks.record.quantity import Quantity

# fmt: off
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "'": r"\textquotesingle{}", "`": r"\textasciigrave{}",
    # These are ordinary characters, except after a line end or in an option.
    "[": "{[}", "]": "{]}", "*": "{*}",
    "µ": r"\textmu{}", "\u00d7": r"\texttimes{}", "±": r"\textpm{}", "°": r"\textdegree{}", "€": r"\texteuro{}", "†": r"\textdagger{}",
    "\u2013": r"\textendash{}", "—": r"\textemdash{}", "…": r"\textellipsis{}", "\u00a0": "~",
}
"""Each character with a special meaning in LaTeX, and how to write it."""

LIGATURE = re.compile(r"([-,])(?=\1)")

NOT_IN_T1 = frozenset("ĦħĸĿŀŉŦŧſ")
# fmt: on


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


def number(quantity: Quantity, factor: float = 1.0) -> str:
    r"""Value times `factor` with its uncertainty, in the syntax of siunitx; "" if there is no value.

    A balanced interval is written as value and half-width, with two digits of the latter: `\num{12.34 +- 0.21}`. An unbalanced
    one, or one wider than its value, is written out: `\num{12.3} [\num{9.1}, \num{20}]`.
    """
    match written(quantity, factor):
        case [value]:
            return rf"\num{{{value}}}"
        case [value, half]:
            return rf"\num{{{value} +- {half}}}"
        case [value, low, high]:
            return rf"\num{{{value}}} {{[}}\num{{{low}}}, \num{{{high}}}{{]}}"
    return ""


def written(quantity: Quantity, factor: float) -> list[str]:
    """Value times `factor` with its uncertainty as texts: value, value and half-width, or value and both ends; empty without a value.

    An interval is written as a half-width, the larger one, if its sides differ by at most a fifth and it is narrower than its value.
    """
    if quantity.value is None:
        return []
    value = quantity.value * factor
    if quantity.ci95 is None:
        return [single(quantity, value)]
    low, high = (end * factor for end in quantity.ci95)
    half, narrow = max(value - low, high - value), min(value - low, high - value)
    if 0 < half < abs(value) and narrow >= 0.8 * half:
        places = max(0, 1 - math.floor(math.log10(half)))
        return [f"{value:.{places}f}", f"{half:.{places}f}"]
    return [decimal(value), decimal(low), decimal(high)]


def decimal(value: float, digits: int = 3) -> str:
    """The value with `digits` significant digits, with an exponent if it would be long otherwise."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if -4 <= exponent < 6:
        return f"{float(f'{value:.{digits - 1}e}'):.{max(0, digits - 1 - exponent)}f}"
    mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
    return f"{mantissa}e{int(power)}"


def single(quantity: Quantity, value: float) -> str:
    """A value without interval: published figures in full, all others with three digits."""
    text = f"{value:.7g}"
    return text if quantity.method == "published" and "e" not in text else decimal(value)


def tabular(columns: str, header: Sequence[str], rows: Sequence[Sequence[str]], *, long: bool) -> str:
    """A table with the rules of booktabs, of cells that are LaTeX already; a long one breaks over pages."""
    name = "longtable" if long else "tabular"
    head = f"{' & '.join(header)} \\\\\n\\midrule\n" + ("\\endhead\n" if long else "")
    gap = "\\addlinespace[2pt]\n" if "p{" in columns and not long else ""
    body = gap.join(f"{' & '.join(row)} \\\\\n" for row in rows)
    return f"\\begin{{{name}}}{{{columns}}}\n\\toprule\n{head}{body}\\bottomrule\n\\end{{{name}}}\n"

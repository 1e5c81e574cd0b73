"""Text and numbers for pdflatex; needs T1 fonts, booktabs and siunitx."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence

from ssl_benchmarks.record.quantity import Quantity

DIGITS = 3
"""Significant digits of a figure without an interval; an interval's half-width has one less."""

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


def number(quantity: Quantity, factor: float = 1.0, digits: int = DIGITS) -> str:
    r"""Value times `factor` with its uncertainty, in the syntax of siunitx; "" if there is no value.

    A balanced interval is written as value and half-width, with one digit less of the latter: `\num{12.34 +- 0.21}`. An
    unbalanced one, or one wider than its value, is written out: `\num{12.3} [\num{9.1}, \num{20}]`.
    """
    if quantity.value is None:
        return ""
    value, ends = scaled(quantity, factor)
    if ends is None:
        return rf"\num{{{single(quantity, value, digits)}}}"
    half = half_width(value, ends)
    if half is not None:
        places = places_of(half, digits)
        return rf"\num{{{fixed(value, places)} +- {fixed(half, places)}}}"
    low, high = (rf"\num{{{decimal(end, digits)}}}" for end in ends)
    return rf"\num{{{decimal(value, digits)}}} {{[}}{low}, {high}{{]}}"


def scaled(quantity: Quantity, factor: float) -> tuple[float, tuple[float, float] | None]:
    """Value and interval of a quantity, each times `factor`.

    Raises:
        ValueError: if the quantity has no value.
    """
    if quantity.value is None:
        raise ValueError("no value")
    ends = None if quantity.ci95 is None else (quantity.ci95[0] * factor, quantity.ci95[1] * factor)
    return quantity.value * factor, ends


def half_width(value: float, ends: tuple[float, float]) -> float | None:
    """The larger side of an interval that is narrower than its value and balanced to within a fifth, else None."""
    below, above = value - ends[0], ends[1] - value
    wide = max(below, above)
    return wide if 0 < wide < abs(value) and min(below, above) >= 0.8 * wide else None


def places_of(uncertainty: float, digits: int = DIGITS) -> int:
    """Decimal places that show one digit less than `digits` of an uncertainty, but at least one; below 0 for tens, hundreds and so on."""
    return max(0, digits - 2) - math.floor(math.log10(uncertainty))


def fixed(value: float, places: int) -> str:
    """With so many decimals; rounded to tens, hundreds and so on where these are fewer than none."""
    return f"{round(value, places):.{max(0, places)}f}"


def decimal(value: float, digits: int = DIGITS) -> str:
    """The value with `digits` significant digits, with an exponent if it would be long otherwise."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if -4 <= exponent < 6:
        return f"{float(f'{value:.{digits - 1}e}'):.{max(0, digits - 1 - exponent)}f}"
    mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
    return f"{mantissa}e{int(power)}"


def single(quantity: Quantity, value: float, digits: int = DIGITS) -> str:
    """A value without interval: figures from elsewhere in full, all others with so many significant digits."""
    text = f"{value:.7g}"
    return text if quantity.elsewhere and "e" not in text else decimal(value, digits)


def tabular(
    columns: str, header: Sequence[str], rows: Sequence[Sequence[str]], *, long: bool, ruled: Collection[int] = ()
) -> str:
    """A table with the rules of booktabs, of cells that are LaTeX already; a long one breaks over pages.

    A rule stands before each row whose number is in `ruled`.
    """
    name = "longtable" if long else "tabular"
    head = f"{' & '.join(header)} \\\\\n\\midrule\n" + ("\\endhead\n" if long else "")
    gap = "\\addlinespace[2pt]\n" if "p{" in columns and not long else ""
    rules = ["\\midrule\n" if i in ruled else "" for i in range(len(rows))]
    body = gap.join(f"{rule}{' & '.join(row)} \\\\\n" for rule, row in zip(rules, rows, strict=True))
    return f"\\begin{{{name}}}{{{columns}}}\n\\toprule\n{head}{body}\\bottomrule\n\\end{{{name}}}\n"

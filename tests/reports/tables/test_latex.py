"""Any text comes back from its LaTeX, and numbers keep value and uncertainty."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_reports.tables.latex import NOT_IN_T1, SPECIAL, escape_latex, number, typeset
from ssl_reports.tables.numbers import decimal

NASTY = r"""a_b%c$d#e&f{g}h\i^j~k|l<m>n"o'p`q[r]s*t--u---v,,w!`x?`y``z'' µ×±°€–—… ÄÖßéŁž 中文 🎤 fi ffl \\[2pt] \end{document}"""


def read_back(text: str) -> str:
    """A reader of escaped text, written for this test: what a page would show."""
    names = {
        "textbackslash": "\\", "textasciicircum": "^", "textasciitilde": "~", "textless": "<", "textgreater": ">",
        "textbar": "|", "textquotedbl": '"', "textquotesingle": "'", "textasciigrave": "`", "textmu": "µ",
        "texttimes": "\u00d7", "textpm": "±", "textdegree": "°", "texteuro": "€", "textdagger": "†", "textdaggerdbl": "‡", "textsection": "§", "textparagraph": "¶", "textendash": "\u2013",
        "textemdash": "—", "textellipsis": "…",
    }  # fmt: skip
    found, at = [], 0
    while at < len(text):
        rest = text[at:]
        if match := re.match(r"\{\\ttfamily U\+([0-9A-F]{4,6})\}", rest):
            found.append(chr(int(match[1], 16)))
        elif match := re.match(r"\\([a-z]+)\{\}", rest):
            found.append(names[match[1]])
        elif (
            (match := re.match(r"\\([{}$&#_%])", rest))
            or (match := re.match(r"\{([\[\]*])\}", rest))
            or (match := re.match(r"([-,])\{\}", rest))
        ):
            found.append(match[1])
        else:
            match = re.match(r"[^\\{}$&#_%^\[\]*]", rest)
            assert match is not None, f"not plain: {rest[:20]}"
            found.append("\u00a0" if match[0] == "~" else match[0])
        at += match.end()
    return "".join(found)


@given(st.text() | st.text(alphabet="".join(SPECIAL) + "ab -,!?"))
def test_escaped_text_reads_back(text: str) -> None:
    """No character is lost or taken for a command; control characters are spaces, as TeX takes line ends."""
    shown = "".join(" " if ord(c) < 32 or ord(c) == 127 else c for c in text)
    assert read_back(escape_latex(text)) == shown


def test_nothing_looks_like_an_option_or_a_ligature() -> None:
    assert escape_latex("[x]") == "{[}x{]}"
    assert "--" not in escape_latex("a---b")


@pytest.mark.parametrize(
    ("quantity", "factor", "text"),
    [
        (Quantity(12.344, "s", "measured", (12.13, 12.55)), 1.0, r"\num{12.34 +- 0.21}"),
        (Quantity(12.344, "s", "measured", (12.344, 12.344)), 1.0, r"\num{12.3} {[}\num{12.3}, \num{12.3}{]}"),
        (Quantity(3.6e6, "J", "measured", (3.0e6, 9.0e6)), 1 / 3.6e6, r"\num{1.00} {[}\num{0.833}, \num{2.50}{]}"),
        (Quantity(1234.0, "s", "measured", (1000.0, 1468.0)), 1.0, r"\num{1230 +- 230}"),
        (Quantity(0.0, "s", "measured"), 1.0, r"\num{0}"),
        (Quantity(8.4e-8, "s", "measured"), 1.0, r"\num{8.40e-8}"),
        (Quantity(1.62e6, "h", "published"), 1.0, r"\num{1620000}"),
        (Quantity(0.097, "1", "published"), 100.0, r"\num{9.7}"),
        (Quantity(1.62e6, "h", "measured"), 1.0, r"\num{1.62e6}"),
        (unavailable("s", "why"), 1.0, ""),
    ],
)
def test_numbers_by_hand(quantity: Quantity, factor: float, text: str) -> None:
    assert number(quantity, factor) == text


@pytest.mark.parametrize(
    ("text", "set_as"),
    [
        ("each model's own", "each model's own"),
        ("say 'x'", r"say \textquotesingle{}x'"),
        ("95 % intervals", r"95\,\% intervals"),
        ("± 2 %", r"\textpm{}\,2\,\%"),
        ("64 V100 x 1.6 d", r"64 V100~\texttimes{}~1.6~d"),
        ("x real time", r"\texttimes{} real time"),
        ("one 5 s clip, 18,000 h; 1 MAC = 2 FLOPs", r"one 5~s clip, 18,000~h; 1~MAC = 2~FLOPs"),
        ("CO2e", r"CO\textsubscript{2}e"),
        ("PER\u00a0↓", r"PER~$\downarrow$"),
        ("by A⟦essl⟧ and B", r"by A~\cite{essl} and B"),
    ],
)
def test_text_is_set_as_a_typesetter_sets_it(text: str, set_as: str) -> None:
    assert typeset(text) == set_as


@given(st.floats(min_value=1e-12, max_value=1e15) | st.floats(min_value=-1e15, max_value=-1e-12))
def test_decimals_keep_three_digits(value: float) -> None:
    assert float(decimal(value)) == pytest.approx(value, rel=0.0051)


@pytest.mark.pdflatex
def test_pdflatex_takes_every_character(tmp_path: Path) -> None:
    """Every character that is written as itself, every special one, and some that T1 has no letter for."""
    letters = "".join(chr(code) for code in (*range(32, 127), *range(0xA0, 0x180)))
    lines = "\n\n".join(escape_latex(text) for text in (letters, NASTY, "".join(NOT_IN_T1), "".join(SPECIAL)))
    cells = f"\\begin{{tabular}}{{l}}\nx \\\\\n{escape_latex('[2pt] * y')} \\\\\n{escape_latex('* z')} \\\\\n\\end{{tabular}}"
    (tmp_path / "x.tex").write_text(
        f"\\documentclass{{article}}\\usepackage[T1]{{fontenc}}\\usepackage{{mathptmx,courier}}\n\\begin{{document}}\n{lines}\n\n{cells}\n"
        "\\end{document}\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "x.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in (tmp_path / "x.log").read_text(errors="replace")

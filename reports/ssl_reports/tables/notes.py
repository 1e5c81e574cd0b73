"""The signs of a table's numbers, and the lines below it that explain them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ssl_benchmarks.record.quantity import Method, Quantity
from ssl_reports.flaw_marks import meaning, nth_sign
from ssl_reports.tables.citations import uncited
from ssl_reports.tables.numbers import plain_number
from ssl_reports.tables.table import ABSENT, DASH, PaperTable, Shown

MARKS: dict[Method, tuple[str, str]] = {
    "sampled": ("s", "sampled: integrated power samples"),
    "modelled": ("m", "modelled: an estimate, not metered"),
    "analytic": ("c", "counted from the graph"),
    "projected": ("p", "projected: a measured rate times a stated amount of audio"),
    "published": ("l", "published"),
    "stated": ("u", "stated by the user, not measured here"),
}
"""The sign and meaning of each method; measured numbers have none."""

FROM_ELSEWHERE: tuple[Method, ...] = ("published", "stated")
"""Methods whose meaning names the sources."""
IMPORTED = "i"
"""The sign of a number that another tool recorded."""

REASONS = 9
"""The most distinct reasons in a table's notes; the CSV has all."""
UNMARKED = "Numbers without a mark are measured"
COUNTED = ", or counted where a note says so"
INTERVALS = "Intervals are 95 % intervals"
BEST = "the best of its column, and what is not shown to differ from it"
BOTH_FORMS = ": ± half their width, or [low, high] where their sides differ"


@dataclass
class Notes:
    """Which signs a table's cells use.

    Attributes:
        methods: of the numbers that were marked.
        flaws: the sign of each.
        sources: of the numbers from elsewhere, by method.
        tools: by which imported numbers were recorded.
        reasons: the sign of each, for the numbers that are missing.
        intervals: the first signs of the forms in which intervals stand, "±" and "[".
        more: whether some reasons have no sign of their own.
        absent: whether a figure was not measured at all.
    """

    methods: set[Method] = field(default_factory=set)
    flaws: dict[str, str] = field(default_factory=dict)
    sources: dict[Method, dict[str, None]] = field(default_factory=dict)
    tools: dict[str, None] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    intervals: set[str] = field(default_factory=set)
    more: bool = False
    absent: bool = False

    def marks(self, shown: Shown) -> str:
        """The signs of a number and of its ratio, or the number of the reason why there is none; empty for text."""
        quantity = shown.cell
        if not isinstance(quantity, Quantity):
            return ""
        if quantity.value is None:
            self.absent |= shown.absent
            return "" if shown.absent else self._reason(quantity.note)
        if quantity.ci95 is not None:
            text = plain_number(quantity, shown.column.factor, shown.column.digits)
            self.intervals.add("[" if "[" in text else "±")
        found = (each.flaw.split("; ") for each in (quantity, shown.ratio) if each is not None and each.flaw)
        flaws = dict.fromkeys(self._flaw(word) for words in found for word in words)
        method = "" if quantity.method == shown.column.method else self._method(quantity)
        return ",".join(filter(None, (method, self._tool(quantity), *sorted(flaws, key=self._place))))

    def _flaw(self, word: str) -> str:
        """The sign of a flaw, one of its own."""
        return self.flaws.setdefault(word, nth_sign(len(self.flaws)))

    def _place(self, sign: str) -> int:
        return list(self.flaws.values()).index(sign)

    def _tool(self, quantity: Quantity) -> str:
        """The sign of a number that another tool recorded."""
        tool = quantity.imported.partition(":")[0]
        if tool:
            self.tools[tool] = None
        return IMPORTED if tool else ""

    def _reason(self, why: str) -> str:
        if why not in self.reasons and len(self.reasons) == REASONS:
            self.more = True
            return "*"
        return self.reasons.setdefault(why, str(len(self.reasons) + 1))

    def _method(self, quantity: Quantity) -> str:
        self.methods.add(quantity.method)
        if quantity.elsewhere:
            self.sources.setdefault(quantity.method, {})[quantity.note] = None
        # Carbon is modelled even where its energy was measured; see `ssl_benchmarks.energy.carbon.co2e`.
        if quantity.method == "projected" and ("modelled rate" in quantity.note or quantity.unit == "g"):
            self.methods.add("modelled")
            return f"{MARKS['modelled'][0]},{MARKS['projected'][0]}"
        return MARKS[quantity.method][0] if quantity.method in MARKS else ""

    def foot(self, table: PaperTable, best: str = "Bold") -> list[tuple[str, str]]:
        """The lines below a table: its own notes, then sign and meaning of all that its cells used.

        Args:
            table: whose cells were marked.
            best: what emphasises the best numbers.
        """
        return [(sign, uncited(text)) for sign, text in self.cited_foot(table, best)]

    def cited_foot(self, table: PaperTable, best: str = "Bold") -> list[tuple[str, str]]:
        """The same with citations; see `ssl_reports.tables.citations`."""
        counted = any(column.method == "analytic" for column in table.columns)
        own = [*table.notes, *([f"{best}: {BEST}."] if table.best else [])]
        return [*(("", note) for note in own), *self.lines(table.sources, counted=counted)]

    def lines(self, sources: Mapping[str, str], *, counted: bool) -> list[tuple[str, str]]:
        """Sign and meaning of all that were used."""
        lines = [("", self._unmarked(counted=counted))] if self.methods or self.intervals else []
        lines += [(MARKS[method][0], self._meaning(method, sources)) for method in MARKS if method in self.methods]
        lines += [(IMPORTED, "; ".join(self.tools))] if self.tools else []
        lines += [(sign, meaning([word])) for word, sign in self.flaws.items()]
        lines += [(number, f"not available: {reason}") for reason, number in self.reasons.items()]
        lines += [("*", "not available: see the table's CSV")] if self.more else []
        return [*lines, *([("", f"{DASH}: {ABSENT}.")] if self.absent else [])]

    def _unmarked(self, *, counted: bool) -> str:
        """What the numbers without a sign are, and what their intervals."""
        said = [f"{UNMARKED}{COUNTED if counted else ''}."] if self.methods else []
        said += [f"{INTERVALS}{BOTH_FORMS if '[' in self.intervals else ''}."] if self.intervals else []
        return " ".join(said)

    def _meaning(self, method: Method, sources: Mapping[str, str]) -> str:
        said = MARKS[method][1]
        if method not in FROM_ELSEWHERE:
            return said
        named = dict.fromkeys(sources.get(note, note.replace("; ", ", ")) for note in self.sources[method])
        return f"{said}: {'; '.join(named)}"


def marked(shown: Shown, notes: Notes, form: str = "{}") -> str:
    """The signs of a cell in a form for them; empty without signs."""
    signs = notes.marks(shown)
    return form.format(signs) if signs else ""

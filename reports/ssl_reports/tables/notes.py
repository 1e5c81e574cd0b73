"""The signs of a table's figures, and the lines below it that explain them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ssl_benchmarks.record.quantity import Method, Quantity
from ssl_reports.flaw_marks import SIGNS, meaning
from ssl_reports.tables.table import PaperTable, Shown

MARKS: dict[Method, tuple[str, str]] = {
    "sampled": ("s", "sampled: integrated power samples"),
    "modelled": ("m", "modelled: an estimate, not metered"),
    "analytic": ("c", "counted from the graph"),
    "projected": ("p", "projected: a measured rate times a stated amount of audio"),
    "published": ("l", "published by others (literature)"),
    "stated": ("u", "stated by the user, not measured here"),
}
"""The sign and meaning of each method; measured numbers have none."""

IMPORTED = "i"
"""The sign of a figure that another tool recorded."""

REASONS = 9
"""The most distinct reasons in a table's notes; the CSV has all."""


@dataclass
class Notes:
    """Which signs a table's cells use.

    Attributes:
        methods: of the figures that were marked.
        flaws: the sign of each.
        sources: of the stated figures.
        tools: by which imported figures were recorded.
        reasons: the sign of each, for the figures that are missing.
        more: whether some reasons have no sign of their own.
    """

    methods: set[Method] = field(default_factory=set)
    flaws: dict[str, str] = field(default_factory=dict)
    sources: dict[str, None] = field(default_factory=dict)
    tools: dict[str, None] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    more: bool = False

    def marks(self, shown: Shown) -> str:
        """The signs of a figure and of its ratio, or the number of the reason why there is none; empty for text."""
        quantity = shown.cell
        if not isinstance(quantity, Quantity):
            return ""
        if quantity.value is None:
            return "" if shown.absent else self._reason(quantity.note)
        found = (each.flaw.split("; ") for each in (quantity, shown.ratio) if each is not None and each.flaw)
        flaws = dict.fromkeys(self._flaw(word) for words in found for word in words)
        method = "" if quantity.method == shown.column.method else self._method(quantity)
        return ",".join(filter(None, (method, self._tool(quantity), *flaws)))

    def _flaw(self, word: str) -> str:
        """The sign of a flaw; the last one stands for all that have no sign of their own."""
        return self.flaws.setdefault(word, SIGNS[min(len(self.flaws), len(SIGNS) - 1)])

    def _tool(self, quantity: Quantity) -> str:
        """The sign of a figure that another tool recorded."""
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
        if quantity.method == "stated":
            self.sources[quantity.note] = None
        # Carbon is modelled even where its energy was measured; see `ssl_benchmarks.energy.carbon.co2e`.
        if quantity.method == "projected" and ("modelled rate" in quantity.note or quantity.unit == "g"):
            self.methods.add("modelled")
            return f"{MARKS['modelled'][0]},{MARKS['projected'][0]}"
        return MARKS[quantity.method][0] if quantity.method in MARKS else ""

    def foot(self, table: PaperTable) -> list[tuple[str, str]]:
        """The lines below a table: its own notes, then sign and meaning of all that its cells used."""
        counted = any(column.method == "analytic" for column in table.columns)
        return [("", note) for note in table.notes] + self.lines("Other unmarked" if counted else "Unmarked")

    def lines(self, unmarked: str = "Unmarked") -> list[tuple[str, str]]:
        """Sign and meaning of all that were used."""
        lines = [("", f"{unmarked} numbers are measured; intervals are 95 % intervals.")] if self.methods else []
        lines += [(MARKS[method][0], self._meaning(method)) for method in MARKS if method in self.methods]
        lines += [(IMPORTED, "; ".join(self.tools))] if self.tools else []
        signs = {sign: [word for word, own in self.flaws.items() if own == sign] for sign in self.flaws.values()}
        lines += [(sign, meaning(words)) for sign, words in signs.items()]
        lines += [(number, f"not available: {reason}") for reason, number in self.reasons.items()]
        return [*lines, *([("*", "not available: see the table's CSV")] if self.more else [])]

    def _meaning(self, method: Method) -> str:
        return MARKS[method][1] + (f" ({'; '.join(self.sources)})" if method == "stated" else "")


def marked(shown: Shown, notes: Notes, form: str = "{}") -> str:
    """The signs of a cell in a form for them; empty without signs."""
    signs = notes.marks(shown)
    return form.format(signs) if signs else ""

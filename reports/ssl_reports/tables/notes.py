"""The signs of a table's figures, and the lines below it that explain them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ssl_benchmarks.record.metrics import FROM_OTHERS
from ssl_benchmarks.record.quantity import Method, Quantity
from ssl_reports.flaw_marks import SIGN, meaning
from ssl_reports.tables.table import PaperTable, Shown

MARKS: dict[Method, tuple[str, str]] = {
    "sampled": ("a", "sampled: integrated power samples"),
    "modelled": ("b", "modelled: an estimate, not metered"),
    "analytic": ("c", "counted from the graph"),
    "projected": ("d", "projected: a measured rate times a stated amount of audio"),
    "published": ("e", "published by others"),
    "stated": ("f", "stated, not measured here"),
}
"""The sign and meaning of each method; measured numbers have none."""

IMPORTED = "g"
"""The sign of a figure that another tool recorded."""

REASONS = 9
"""The most distinct reasons in a table's notes; the CSV has all."""


@dataclass
class Notes:
    """Which signs a table's cells use.

    Attributes:
        methods, flaws: of the figures that were marked.
        sources: of the stated figures.
        tools: by which imported figures were recorded.
        reasons: the sign of each, for the figures that are missing.
        more: whether some reasons have no sign of their own.
    """

    methods: set[Method] = field(default_factory=set)
    flaws: list[str] = field(default_factory=list)
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
            return self._reason(quantity.note)
        flaws = [each.flaw for each in (quantity, shown.ratio) if each is not None and each.flaw]
        self.flaws += flaws
        method = "" if quantity.method == shown.column.method else self._method(quantity)
        return ",".join(filter(None, (method, self._tool(quantity), SIGN if flaws else "")))

    def _tool(self, quantity: Quantity) -> str:
        """The sign of a figure that another tool recorded."""
        tools = [part for part in quantity.note.split("; ") if part.startswith(FROM_OTHERS)]
        self.tools |= dict.fromkeys(part.partition(":")[0] for part in tools)
        return IMPORTED if tools else ""

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
        return [("", note) for note in table.notes] + self.lines()

    def lines(self) -> list[tuple[str, str]]:
        """Sign and meaning of all that were used."""
        lines = [("", "Unmarked numbers are measured; intervals are 95 % intervals.")] if self.methods else []
        lines += [(MARKS[method][0], self._meaning(method)) for method in MARKS if method in self.methods]
        lines += [(IMPORTED, "; ".join(self.tools))] if self.tools else []
        lines += [(SIGN, meaning(self.flaws))] if self.flaws else []
        lines += [(number, f"not available: {reason}") for reason, number in self.reasons.items()]
        return [*lines, *([("*", "not available: see the table's CSV")] if self.more else [])]

    def _meaning(self, method: Method) -> str:
        return MARKS[method][1] + (f" ({'; '.join(self.sources)})" if method == "stated" else "")


def marked(shown: Shown, notes: Notes, form: str = "{}") -> str:
    """The signs of a cell in a form for them; empty without signs."""
    signs = notes.marks(shown)
    return form.format(signs) if signs else ""

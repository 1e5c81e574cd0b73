"""How the numbers were had and where, as HTML: methods, and each run with its environment."""

from __future__ import annotations

from ssl_benchmarks.record.record import Record
from ssl_reports.page.markup import element, nested, table
from ssl_reports.paper.methods import paragraphs, said_of
from ssl_reports.reading.evidence import Evidence
from ssl_reports.summaries.machine import QUANTITIES

RUNS = ("run", "where", "status", "begun", "seed", "command")


def methods_text(evidence: Evidence) -> str:
    """The paragraphs of `methods.md`."""
    said = paragraphs(evidence)
    return "".join(nested("p", element("strong", f"{head}."), " ", element("span", text)) for head, text in said)


def runs_and_environments(evidence: Evidence) -> str:
    """Every run with its command, then each of their environments once."""
    numbers: dict[str, int] = {}
    rows = []
    for record, label in zip(evidence.records, evidence.labels, strict=True):
        number = numbers.setdefault(_environment(record), len(numbers) + 1)
        rows.append(_run(record, label, number))
    return table("Runs", RUNS, rows) + "".join(_numbered(block, number) for block, number in numbers.items())


def _run(record: Record, label: str, number: int) -> str:
    link = element("a", f"environment {number}", href=f"#environment-{number}")
    told = (record.status, record.created, record.config.get("seed", "not told"))
    return nested(
        "tr",
        element("th", label, scope="row"),
        nested("td", link, class_="one-line"),
        *(element("td", text, class_="one-line") for text in told),
        nested("td", element("code", record.command)),
    )


def _numbered(block: str, number: int) -> str:
    place = f"environment-{number}"
    title = element("h3", f"Environment {number}", id=f"{place}-title")
    return nested("section", title, block, class_="panel", id=place, aria_labelledby=f"{place}-title")


def _environment(record: Record) -> str:
    said = nested("dl", *(element("dt", head) + element("dd", text) for head, text in said_of(record)))
    ways = record.machine.capabilities.measurable
    rows = [
        nested(
            "tr",
            element("th", QUANTITIES.get(key, key), scope="row"),
            element("td", way.method),
            element("td", way.how),
        )
        for key, way in ways.items()
    ]
    found = table("What can be measured there", ("quantity", "method", "how, or why not"), rows)
    return said + (nested("details", element("summary", "What can be measured there"), found) if rows else "")

"""Methods, and each run with its environment, as HTML."""

from __future__ import annotations

from ssl_benchmarks.record.record import Record
from ssl_reports.page.markup import element, nested, table
from ssl_reports.paper.methods import paragraphs, said_of
from ssl_reports.reading.evidence import Evidence
from ssl_reports.summaries.machine import QUANTITIES

RUNS = ("run", "environment", "status", "started", "seed", "command")


def methods_text(evidence: Evidence) -> str:
    """The paragraphs of `methods.md`."""
    said = paragraphs(evidence)
    return "".join(nested("p", element("strong", f"{head}."), " ", element("span", text)) for head, text in said)


def runs_and_environments(evidence: Evidence) -> str:
    """Every run with its command, then each environment once."""
    numbers: dict[str, int] = {}
    rows = []
    for record, label in zip(evidence.records, evidence.labels, strict=True):
        number = numbers.setdefault(_environment(record), len(numbers) + 1)
        rows.append(_run(record, label, number))
    return table("Runs", RUNS, rows) + "".join(_numbered(block, number) for block, number in numbers.items())


def _run(record: Record, label: str, number: int) -> str:
    link = element("a", f"environment {number}", href=f"#environment-{number}")
    about = (record.status, record.created, record.config.get("seed", "not recorded"))
    return nested(
        "tr",
        element("th", label, scope="row"),
        nested("td", link, class_="one-line"),
        *(element("td", text, class_="one-line") for text in about),
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
    found = table("What could be measured there", ("quantity", "method", "how, or why not"), rows)
    return said + (nested("details", element("summary", "What could be measured there"), found) if rows else "")

"""What a page says in words: claims with their verdicts, methods, and the surroundings of each run."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from benchmarks.record import Record
from reports.claims import Claim, Finding
from reports.evidence import Evidence
from reports.html_text import element
from reports.machine import QUANTITIES
from reports.methods import paragraphs, said_of
from reports.paper_rendering import plain_number

SIGNS = {"holds": "✓", "fails": "✗", "not decided": "≈", "not measured here": "-"}
"""Beside the word, so that a verdict is no colour alone."""


def verdict_list(found: Sequence[Claim]) -> str:
    """All claims at a glance, each a link to its table."""
    items = (
        f'<li><a href="#claim-{escape(claim.id)}" class="chip">{element("strong", claim.id)} {element("span", claim.text)} '
        f"{_badge(claim.verdict)}</a></li>"
        for claim in found
    )
    return f'<ul class="chips" aria-label="Verdicts on the claims">{"".join(items)}</ul>'


def claims_section(found: Sequence[Claim]) -> str:
    """One table, a heading row for each claim, below it what bears on it."""
    head = "".join(
        element("th", name, scope="col")
        for name in ("measured", "result", "must be", "verdict", "where, or what is missing")
    )
    body = "".join(_claim(claim) for claim in found)
    return f'<table class="claims"><caption class="quiet">Claims C1 to C6</caption><thead><tr>{head}</tr></thead>{body}</table>'


def _claim(claim: Claim) -> str:
    title = f'<th scope="rowgroup" colspan="5">{escape(f"{claim.id}: {claim.text}")} {_badge(claim.verdict)}</th>'
    rows = "".join(_finding(finding) for finding in claim.findings)
    return f'<tbody id="claim-{escape(claim.id)}"><tr class="claim">{title}</tr>{rows}</tbody>'


def _finding(finding: Finding) -> str:
    numbers = element("td", _result(finding)) + element("td", finding.bound)
    return f"<tr>{element('th', finding.what, scope='row')}{numbers}<td>{_badge(finding.verdict)}</td>{element('td', finding.why)}</tr>"


def _result(finding: Finding) -> str:
    """A ratio as "12.3 ± 0.2 times", a time in hours."""
    q = finding.quantity
    if q is None or q.value is None:
        return "not available"
    return f"{plain_number(q)} {'times' if q.unit == '1' else q.unit} ({q.method})"


def _badge(verdict: str) -> str:
    kind = verdict.replace(" ", "-")
    return (
        f'<span class="badge {escape(kind)}"><span aria-hidden="true">{SIGNS[verdict]}</span> {escape(verdict)}</span>'
    )


def methods_section(evidence: Evidence) -> str:
    """The paragraphs of `methods.md`."""
    return "".join(f"<p>{element('strong', f'{head}.')} {escape(text)}</p>" for head, text in paragraphs(evidence))


def environments_section(evidence: Evidence) -> str:
    """Every run with its command, then each of their environments once."""
    numbers: dict[str, int] = {}
    runs = []
    for record, label in zip(evidence.records, evidence.labels, strict=True):
        number = numbers.setdefault(_environment(record), len(numbers) + 1)
        link = f'<td class="one-line"><a href="#environment-{number}">environment {number}</a></td>'
        texts = (record.status, record.created, record.config.get("seed", "not told"))
        told = "".join(element("td", text, class_="one-line") for text in texts)
        runs.append(
            f"<tr>{element('th', label, scope='row')}{link}{told}<td>{element('code', record.command)}</td></tr>"
        )
    names = ("run", "where", "status", "begun", "seed", "command")
    head = "".join(element("th", name, scope="col") for name in names)
    table = f'<table><caption class="quiet">Runs</caption><thead><tr>{head}</tr></thead><tbody>{"".join(runs)}</tbody></table>'
    blocks = "".join(
        f'<section class="panel" id="environment-{number}" aria-labelledby="environment-{number}-title">'
        f'<h3 id="environment-{number}-title">Environment {number}</h3>{block}</section>'
        for block, number in numbers.items()
    )
    return f'<div class="scroll" role="region" tabindex="0" aria-label="Runs">{table}</div>{blocks}'


def _environment(record: Record) -> str:
    parts = "".join(f"{element('dt', head)}{element('dd', text)}" for head, text in said_of(record))
    ways = record.environment.get("capabilities", {}).get("measurable", {})
    rows = "".join(
        f"<tr>{element('th', QUANTITIES.get(key, key), scope='row')}{element('td', way['method'])}{element('td', way['how'])}</tr>"
        for key, way in ways.items()
    )
    head = "".join(element("th", name, scope="col") for name in ("quantity", "method", "how, or why not"))
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
    more = f'<details><summary>What can be measured there</summary><div class="scroll" role="region" tabindex="0" aria-label="What can be measured">{table}</div></details>'
    return f"<dl>{parts}</dl>{more if rows else ''}"


def counted(number: int, word: str) -> str:
    """Such as "1 record" or "1,000 records"."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"

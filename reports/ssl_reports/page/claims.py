"""The claims and their verdicts, as HTML."""

from __future__ import annotations

from collections.abc import Sequence

from ssl_reports.flaw_marks import signed
from ssl_reports.page.markup import element, nested
from ssl_reports.reading.claims import Claim, Finding
from ssl_reports.tables.numbers import plain_number

SIGNS = {"holds": "✓", "fails": "✗", "not decided": "≈", "not measured here": "-"}
"""Shown beside the word, so that a verdict does not depend on colour."""
COLUMNS = ("measured", "verdict", "result", "required", "conditions, or what is missing")


def verdict_list(found: Sequence[Claim]) -> str:
    """All claims at a glance, each linked to its part of the table."""
    return nested(
        "ul", *(nested("li", _chip(claim)) for claim in found), class_="chips", aria_label="Verdicts on the claims"
    )


def _chip(claim: Claim) -> str:
    parts = (element("strong", claim.id), element("span", claim.text), _badge(claim.verdict))
    return nested("a", " ".join(parts), href=f"#claim-{claim.id}", class_="chip")


def claims_table(found: Sequence[Claim]) -> str:
    """One table: a heading row per claim, followed by the comparisons that bear on it."""
    head = nested("tr", *(element("th", name, scope="col") for name in COLUMNS))
    caption = element("caption", "Claims C1 to C6", class_="quiet")
    return nested("table", caption, nested("thead", head), *map(_claim, found), class_="claims")


def _claim(claim: Claim) -> str:
    named = f"{element('span', f'{claim.id}: {claim.text}')} {_badge(claim.verdict)}"
    title = nested("tr", nested("th", named, scope="rowgroup", colspan=str(len(COLUMNS))), class_="claim")
    return nested("tbody", title, *map(_finding, claim.findings), id=f"claim-{claim.id}")


def _finding(finding: Finding) -> str:
    return nested(
        "tr",
        element("th", finding.what, scope="row"),
        nested("td", _badge(finding.verdict)),
        element("td", _result(finding)),
        element("td", finding.bound),
        element("td", finding.why),
    )


def _result(finding: Finding) -> str:
    """A ratio as "12.3 ± 0.2 times", a time in hours."""
    q = finding.quantity
    if q is None or q.value is None:
        return "not available"
    return signed(f"{plain_number(q)} {'times' if q.unit == '1' else q.unit} ({q.method})", q)


def _badge(verdict: str) -> str:
    sign = element("span", SIGNS[verdict], aria_hidden="true")
    return nested("span", sign, " ", element("span", verdict), class_=f"badge {verdict.replace(' ', '-')}")

"""`sslbench report`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ssl_bench.commands.options import Config
from ssl_bench.console import Json, print_json, print_summary, stdout
from ssl_bench.settings.tabulating import ReportConfig

if TYPE_CHECKING:
    from rich.table import Table

    from ssl_reports.claims.finding import Claim

MOST_ROWS = 40
"""A longer table is not printed."""
TYPESET = "pdflatex main && bibtex main && pdflatex main && pdflatex main"


def report_command(
    config: ReportConfig,
    *,
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN", help="Run folders, written by any command, or folders of runs.")
    ],
    file: Config = None,  # noqa: ARG001 - its contents are in `config`
    as_json: Json = False,
) -> None:
    """Write a paper's tables, figures, methods and references from runs, and check which claims hold."""
    config.check()
    from ssl_reports.reading.evidence import read_evidence

    evidence, layout, out = config.restated(read_evidence(runs)), config.layout(), Path(config.out)
    from ssl_reports.claims.claims import claims
    from ssl_reports.claims.predictions import NONE, predictions
    from ssl_reports.paper.tables import sizes_table
    from ssl_reports.report import PAGE, efficiency, unread_traces, write_paper

    predicted = predictions(evidence.models) if config.claims else NONE
    found = claims(evidence, predicted)
    files = write_paper(
        evidence,
        out,
        layout,
        font=config.font,
        costs=config.pareto,
        anonymous=config.anonymous,
        predicted=predicted,
    )
    for line in unread_traces(evidence):
        typer.echo(f"no power trace: {line}", err=True)
    if as_json:
        rows = [row.row() for record in evidence.records for row in record.measurements]
        print_json(
            "report", {"out": str(out), "files": files, "claims": [_document(c) for c in found], "measurements": rows}
        )
        return
    decided = [f"{claim.id} {claim.said}" for claim in found if claim.verdict in {"holds", "fails"}]
    more = "" if config.claims else f" (--claims lists all {len(found)}, with what counts and predictions decide)"
    said = [f"claims:   {', '.join(decided) or 'none decided'}{more}"]
    said += [f"records:  {len(evidence.records)}", f"report:   {out} ({len(files)} files)"]
    said.append(f"paper:    cd {shlex.quote(str(out))} && {TYPESET}")
    said.append(f"next:     {_opener()} {shlex.quote(str(out / PAGE))}")
    sizes = [sizes_table(predicted)] if predicted else []
    for table in [*efficiency(evidence, layout), *sizes]:
        from ssl_reports.tables.plain import plain_text

        if len(table.rows) > MOST_ROWS:
            said.insert(0, f"table:    {len(table.rows):,} models, in {out / 'tables' / table.name}.md")
        else:
            typer.echo(plain_text(table, width=stdout().width))
    print_summary([_claim_table(found)] if config.claims else [], said)


def _opener() -> str:
    """The command that opens a file in the browser on this system."""
    return {"darwin": "open", "win32": "start"}.get(sys.platform, "xdg-open")


def _document(claim: Claim) -> dict[str, object]:
    findings = [
        {
            "what": each.what, "value": each.quantity and each.quantity.value, "ci95": each.quantity and each.quantity.ci95,
            "bound": each.bound, "verdict": each.verdict, "basis": each.basis, "why": each.why,
        }
        for each in claim.findings
    ]  # fmt: skip
    return {"id": claim.id, "claim": claim.text, "verdict": claim.verdict, "basis": claim.basis, "findings": findings}


def _claim_table(found: list[Claim]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="claims of arXiv:2406.07696", title_justify="left")
    for name in ("claim", "verdict"):
        table.add_column(name)
    for claim in found:
        table.add_row(escape(f"{claim.id}: {claim.text}"), claim.said)
    return table

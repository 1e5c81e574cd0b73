"""Write reports, tables and pictures beside the records anew, then the figures of the pages: `python docs/results/renew.py`.

Only what is there already is replaced. Reports of single trainings stay: they need the curve, which is not kept here.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import figures

from ssl_benchmarks.record.record import read_record
from ssl_reports.claims.predictions import NONE, predictions
from ssl_reports.reading.evidence import read_evidence
from ssl_reports.report import write_paper
from ssl_reports.summaries.comparing import write_compare_report
from ssl_reports.summaries.evaluating import write_evaluation_report
from ssl_reports.summaries.studying import write_study_report

WRITERS = {"study": write_study_report, "evaluation": write_evaluation_report, "comparison": write_compare_report}
"""By the kind of a record."""
PARTS = ("tables", "figures")


def paper(folder: Path, out: Path) -> None:
    """What `report` makes of the runs in a folder; with `--claims` if they were made so."""
    evidence = read_evidence([str(folder)])
    claims = (folder / "tables" / "claims-by-size.md").is_file()
    write_paper(evidence, out, predicted=predictions(evidence.models) if claims else NONE)


def renew(path: Path, scratch: Path) -> None:
    """The report beside one record."""
    record = read_record(path)
    if record.kind in WRITERS:
        WRITERS[record.kind](record, scratch)
        shutil.copyfile(scratch / "report.md", path.parent / "report.md")


def renew_paper(folder: Path, scratch: Path) -> None:
    """The tables and figures of the runs in one folder."""
    paper(folder, scratch / "paper")
    for each in [each for part in PARTS for each in sorted((folder / part).glob("*"))]:
        shutil.copyfile(scratch / "paper" / each.relative_to(folder), each)


if __name__ == "__main__":
    for found in sorted(figures.HERE.glob("**/run.json")):
        with TemporaryDirectory() as made:
            renew(found, Path(made))
    for found in sorted({path.parent.parent for path in figures.HERE.glob("*/*/*") if path.parent.name in PARTS}):
        with TemporaryDirectory() as made:
            renew_paper(found, Path(made))
    sys.exit(figures.main([]))

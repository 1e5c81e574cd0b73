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
from ssl_reports.reading.evidence import read_evidence
from ssl_reports.report import write_paper
from ssl_reports.summaries.comparing import write_compare_report
from ssl_reports.summaries.evaluating import write_evaluation_report
from ssl_reports.summaries.studying import write_study_report

WRITERS = {"study": write_study_report, "evaluation": write_evaluation_report, "comparison": write_compare_report}
"""By the kind of a record."""


def renew(path: Path, scratch: Path) -> None:
    """The files beside one record."""
    record, folder = read_record(path), path.parent
    if record.kind in WRITERS:
        WRITERS[record.kind](record, scratch)
        shutil.copyfile(scratch / "report.md", folder / "report.md")
    kept = [each for part in ("tables", "figures") for each in sorted((folder / part).glob("*"))]
    if kept:
        write_paper(read_evidence([str(folder)]), scratch / "paper")
    for each in kept:
        shutil.copyfile(scratch / "paper" / each.relative_to(folder), each)


if __name__ == "__main__":
    for found in sorted(figures.HERE.glob("**/run.json")):
        with TemporaryDirectory() as made:
            renew(found, Path(made))
    sys.exit(figures.main([]))

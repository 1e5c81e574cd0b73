"""`report.md` of `sslbench evaluate`, and its tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.record.details.evaluation import Evaluated, EvaluationDetails, LeftOut, Speech, SpeechPart
from ssl_benchmarks.record.record import Record
from ssl_reports.summaries.layout import bullets, document, grid_table, noted_names
from ssl_reports.summaries.rates import bill_grid, noted, quality_grid
from ssl_reports.tables.grid import legend_list, markdown_table

if TYPE_CHECKING:
    from rich.table import Table

QUALITY = "quality: error rate [95 % interval]"
COST = "cost by system and phase"


def write_evaluation_report(record: Record, folder: Path) -> None:
    """Write `report.md` beside the record."""
    write_atomically(folder / "report.md", _report(record))


def evaluation_tables(record: Record) -> list[Table]:
    """Quality and cost."""
    return [grid_table(QUALITY, quality_grid(record)), grid_table(COST, bill_grid(record))]


def left_out_lines(record: Record) -> list[str]:
    """What was odd in the speech, and what was left out because of it: a line for each split and task concerned."""
    tasks = record.told(Evaluated).left_out
    lines = [_counted(name, part.counts) for name, part in _parts(record).items() if any(part.counts.values())]
    for task, about in tasks.items():
        for split, found in about.splits.items():
            if found.utterances_left_out:
                share = f"{found.unknown_words} of {found.words} words unknown"
                lines.append(
                    f"{task}:".ljust(10) + f"{found.utterances_left_out} utterances of {split} left out, {share}"
                )
    return lines


def _parts(record: Record) -> dict[str, SpeechPart | LeftOut]:
    """The splits of the speech, and what each task left out of it."""
    details = record.told(Evaluated)
    speech = details.speech or Speech()
    splits = {"train": speech.train, "dev": speech.dev, "test": speech.test}
    return {name: part for name, part in splits.items() if part is not None} | dict(details.left_out)


OF_WHOLE_CORPORA = frozenset({"averaged", "resampled", "unknown_speaker"})
"""Oddities that usually concern every file of a corpus or none, so that a count is enough."""


def kept_lines(record: Record) -> list[str]:
    """The names of files that were rated although their audio is odd, or was changed on reading."""
    return [
        f"{name}: {file}"
        for name, part in _parts(record).items()
        for kind, found in part.kept.items()
        if kind not in OF_WHOLE_CORPORA
        for file in found.files
    ]


def remark_lines(record: Record) -> list[str]:
    """What to know before reading any rate, and which controls were taken from another run rather than rated again."""
    details = record.told(Evaluated)
    read = dict.fromkeys((entry["system"], entry["from"]) for entry in details.controls_read)
    runs = {run: [system for system, of in read if of == run] for _, run in read}
    return [
        *details.remarks,
        *(f"{', '.join(names)}: rated in {run}, which bears the cost; not rated again" for run, names in runs.items()),
    ]


def _counted(name: str, counts: Mapping[str, int]) -> str:
    return f"{name}:".ljust(10) + ", ".join(f"{kind.replace('_', ' ')} {n}" for kind, n in counts.items() if n)


def _report(record: Record) -> str:
    quality, bill, details = quality_grid(record), bill_grid(record), record.told(EvaluationDetails)
    stopped = f" Stopped {details.stopped}: not everything was rated." if details.stopped else ""
    parts = [
        f"# {record.id}",
        f"`{record.command}`\n\n{record.status}, started {record.created}.{stopped}",
        bullets(remark_lines(record)),
        f"## {QUALITY.capitalize()}",
        markdown_table(quality.header, quality.rows),
        legend_list(quality.legend),
        f"## {COST.capitalize()}",
        markdown_table(bill.header, bill.rows),
        "## Speech",
        details.speech.how,
        bullets([*left_out_lines(record), *kept_lines(record)]),
        "## Notes",
        bullets(noted_names(noted(record.measurements))),
    ]
    return document(parts)

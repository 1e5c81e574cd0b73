"""`report.md` and `training.png` of one run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from ssl_benchmarks.energy.trace_file import read_trace
from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.record.details.common import SAMPLE, Details
from ssl_benchmarks.record.details.training import Data, TrainingDetails
from ssl_benchmarks.record.record import Record
from ssl_reports.pictures.training import training_picture
from ssl_reports.summaries.cost import Line, quality, summary
from ssl_reports.summaries.full_run import full_run_table
from ssl_reports.summaries.layout import NO_CO2E, bullets, document, noted_names
from ssl_reports.tables.grid import grouped, legend_list, markdown_table

if TYPE_CHECKING:
    from ssl_benchmarks.profile.second_opinion import ModuleMacs


def write_run_report(
    record: Record, folder: Path, metrics: Sequence[dict[str, Any]], modules: Sequence[ModuleMacs] | str | None
) -> None:
    """Write both beside the record; `modules` is fvcore's table, or the reason why there is none."""
    training_picture(metrics, read_trace(folder), folder / "training.png")
    write_atomically(folder / "report.md", _report(record, modules))


def _report(record: Record, modules: Sequence[ModuleMacs] | str | None) -> str:
    parts = [
        f"# {record.id}",
        _opening(record),
        "## Cost",
        markdown_table(
            ("what", "value", "unit", "method"), [(x.name, x.value, x.unit, x.method) for x in summary(record)]
        ),
        "![loss and power over time](training.png)",
        *_whole(record),
        *_quality(record),
        "## Notes",
        _notes(record, summary(record)),
    ]
    if modules is not None:
        parts += ["## MACs by module", f"None: {modules}." if isinstance(modules, str) else _modules(modules)]
    return document(parts)


def _opening(record: Record) -> str:
    details = record.told(TrainingDetails)
    data, held_out = details.data, details.held_out
    speech = _speech(data)
    stopped = f" Stopped {details.stopped}." if details.stopped else ""
    speakers = f"{data.speakers} speakers" if data.speakers else "an unknown number of speakers"
    return (
        f"`{record.command}`\n\n{record.status}, started {record.created}, on {record.machine.named}. "
        f"{data.hours:.2f} h of {speech}, {data.utterances} utterances of {speakers}. "
        f"Held out: {held_out.how}{': ' + ', '.join(held_out.speakers) if held_out.speakers else ''}.{stopped}"
    )


def _speech(data: Data) -> str:
    """What was trained on; `synthetic` is of records whose sample was made by eSpeak NG."""
    if data.synthetic:
        return "synthetic speech (eSpeak NG)"
    of_sample = PurePath(data.folder).name == SAMPLE
    return "the sample of LibriSpeech train-clean-5" if of_sample else f"speech from `{data.folder}`"


def _whole(record: Record) -> list[str]:
    """What the full recipe would take."""
    table = full_run_table(record.told(TrainingDetails).full_run)
    about = (
        "At the rate of these steps, without fitting targets; the interval is that of the rate, and the hours are "
        "taken as exact."
    )
    return ["## Projected full pretraining on this device", about, table] if table else []


def _quality(record: Record) -> list[str]:
    rows, legend = quality(record)
    if not rows:
        return []
    table = markdown_table(("frozen features of", "metric", "value [95 % interval]"), rows)
    return ["## Quality", table, *([legend_list(legend)] if legend else [])]


def _notes(record: Record, lines: Sequence[Line]) -> str:
    """Disturbances, every distinct note of the tables, and every file that was left out."""
    details = record.told(TrainingDetails)
    found = [
        f"{word} in {part}: {line}"
        for lines_of, word in ((details.disturbances, "**disturbed**"), (details.meter_remarks, "noted"))
        for part, lines_in_part in lines_of.items()
        for line in lines_in_part
    ]
    found += noted_names(grouped((x.note, x.name) for x in lines if x.note), ", ")
    found += limited_lines(record)
    skipped = {**details.data.skipped_files, **details.broken_files}
    found += [f"left out `{path}`: {reason}" for path, reason in skipped.items()]
    found += audio_lines(record)
    if record.settings.country is None and record.settings.grid_intensity is None:
        found.append(NO_CO2E)
    return bullets(found)


def audio_lines(record: Record) -> list[str]:
    """What was odd in the audio files, or was changed on reading them."""
    audio = record.told(TrainingDetails).audio
    found = ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in audio.counts.items() if count)
    return [f"audio of {audio.files_read} files: {found}; the record names them"] if found else []


def limited_lines(record: Record) -> list[str]:
    """What used less speech than planned, to keep within the time budget."""
    details = record.told(Details)
    targets = details.targets.limited if isinstance(details, TrainingDetails) else ""
    limit = details.evaluation_limit
    lines = [f"targets were fitted {targets}"] if targets else []
    return lines + (
        [f"evaluated with {limit.taken}"] if limit is not None and min(limit.share, limit.effort) < 1.0 else []
    )


def _modules(modules: Sequence[ModuleMacs]) -> str:
    rows = [(f"`{name}`", f"{macs / 1e6:,.1f}", f"{size:,}") for name, macs, size in modules]
    about = (
        "A second opinion: fvcore's count for encoding one clip of the training length. fvcore counts neither the "
        "backward pass nor fused attention, whose products are added here, nor FFT, RMSNorm and other elementwise "
        "work."
    )
    return f"{about}\n\n{markdown_table(('module', 'MMAC', 'parameters'), rows)}"

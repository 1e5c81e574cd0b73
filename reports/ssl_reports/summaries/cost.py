"""The cost and quality of a run, made from the rows of its record."""

from __future__ import annotations

from dataclasses import dataclass

from ssl_benchmarks.record.record import Record
from ssl_reports.flaw_marks import noted, signed
from ssl_reports.reading.cells import in_percent, scopes_of
from ssl_reports.tables.grid import legend, marks
from ssl_reports.units import method_word, percent, shown


@dataclass(frozen=True)
class Line:
    """One line of a summary: name, value, unit, method and note."""

    name: str
    value: str
    unit: str
    method: str
    note: str = ""


# Name, metric, phase, scope: "" none, "*" every one there is, "headline" that of the run's headlines.
COST = (
    ("parameters of the encoder", "parameters", "inference", ""),
    ("inference MACs per audio second", "macs_per_audio_second", "inference", ""),
    ("inference FLOPs per audio hour", "flops_per_audio_second", "inference", ""),
    ("training FLOPs per audio hour", "flops_per_audio_second", "training", ""),
    ("training peak memory", "peak_memory", "training", ""),
    ("training speed", "audio_seconds_per_second", "training", ""),
    ("MFU", "mfu", "training", ""),
    ("fitting the targets", "duration", "targets", ""),
    ("training", "duration", "training", ""),
    ("device-hours of training", "device_hours", "training", ""),
    ("targets, time lost in failed attempts", "duration_lost", "targets", ""),
    ("training, time lost in failed attempts", "duration_lost", "training", ""),
    ("evaluation, time lost in failed attempts", "duration_lost", "evaluation", ""),
    ("audio hours seen", "audio_hours_seen", "training", ""),
    ("energy of the targets", "energy", "targets", "*"),
    ("energy of training", "energy", "training", "*"),
    ("targets, energy lost in failed attempts", "energy_lost", "targets", "headline"),
    ("training, energy lost in failed attempts", "energy_lost", "training", "headline"),
    ("evaluation, energy lost in failed attempts", "energy_lost", "evaluation", "headline"),
    ("CO2e of training", "co2e", "training", "headline"),
    ("energy per audio hour of training", "energy_per_audio_hour", "training", "headline"),
    ("energy per audio hour of inference", "energy_per_audio_hour", "inference", "headline"),
    ("inference real-time factor", "real_time_factor", "inference", ""),
    ("inference peak memory", "peak_memory", "inference", ""),
    ("final loss", "loss", "training", ""),
    ("entropy of the targets", "target_entropy", "training", ""),
    ("final masked accuracy", "masked_accuracy", "training", ""),
)


def summary(record: Record) -> list[Line]:
    """The lines of a run's cost, in a fixed order; what was not asked for is left out, what is unavailable stays."""
    lines = []
    for name, metric, phase, scope in COST:
        for each in scopes_of(scope, record.settings.device):
            quantity = record.find(metric, phase, each)
            if quantity is None:
                continue
            if metric == "flops_per_audio_second":
                quantity = quantity.scaled(3600.0, "FLOP")
            if metric == "parameters":
                quantity = quantity.scaled(1e-6, "M")
            quantity = in_percent(metric, quantity)
            value, unit = shown(quantity)
            full = name if each is None else f"{name}, {each}"
            method = "" if quantity.value is None else method_word(quantity.method)
            lines.append(Line(full, signed(value, quantity), unit, method, noted(quantity)))
    return lines


def quality(record: Record) -> tuple[list[tuple[str, str, str]], list[str]]:
    """Model, metric and value of each rate of the evaluation, in the order measured, and the legend of the signs."""
    names = {"cer": "CER", "wer": "WER", "per": "PER", "accuracy": "speaker accuracy"}
    used: dict[str, str] = {}
    rated = (m for m in record.measurements if m.phase == "evaluation" and m.metric in names)
    rows = [(m.model, names[m.metric], percent(m.quantity) + marks(m.quantity, used)) for m in rated]
    return rows, legend(used)

"""The columns that an efficiency table may have: a new one is one row here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ssl_models.errors import BadInputError
from ssl_reports.tables.numbers import DIGITS
from ssl_reports.tables.readable import BYTES, ENERGY, MASS, suited
from ssl_reports.tables.table import Column

Phase = Literal["training", "inference"]


@dataclass(frozen=True)
class EfficiencyColumn:
    """A column of numbers.

    Attributes:
        key: as `--columns` takes it.
        name: in CSV and JSON; `{phase}` stands for training or inference.
        units: in which it may be shown, each with the factor from the record's unit, from small to large.
        metric: of the rows that fill it.
        phase: of these rows: one of them, "asked" for the phase of the table, "rated" for evaluation and fine-tuning,
            "pretraining" for rows that `pretraining_rows` makes, "published" for those of the authors' own pretraining, "stated"
            where only a user's statement fills it.
        short: the head below that of its phase; empty for a column whose head is its name.
        scoped: whether its rows have the scope of the headline.
        better: which way is better; None where it is not known.
        others: units in which it is shown only when asked.
    """

    key: str
    name: str
    units: tuple[tuple[str, float], ...]
    metric: str
    phase: Literal["inference", "training", "asked", "rated", "pretraining", "published", "stated"]
    scoped: bool = False
    better: Literal["low", "high"] | None = "low"
    others: tuple[tuple[str, float], ...] = ()
    short: str = ""

    def column(
        self, phase: Phase, values: Sequence[float], asked: Collection[str] = (), digits: int = DIGITS
    ) -> Column:
        """The head in a table of that phase, in the unit asked for, else in that in which most values read well; of equals, the largest."""
        units = [pair for pair in (*self.units, *self.others) if pair[0] in asked] or self.units
        unit, factor = suited(units, values)
        shown = Column(self.name.format(phase=phase.capitalize()), unit, factor, digits=digits, better=self.better)
        if not self.short:
            return replace(shown, group="Quality" if self.phase == "rated" else "")
        first = {"asked": phase, "inference": "inference"}.get(self.phase, "pretraining").capitalize()
        rest = self.short if self.short[1].isupper() else self.short.lower()
        group = "Training step" if first == "Training" else first
        return replace(shown, head=f"{first} {rest}", group=group, short=self.short)

    def factor(self, unit: str) -> float:
        """The factor from the record's unit to another.

        Raises:
            BadInputError: naming the units of the column.
        """
        known = dict((*self.units, *self.others))
        if unit not in known:
            raise BadInputError(f"{self.key} in {unit!r}: give it in {' or '.join(known)}")
        return known[unit]


MILLIONS = (("M", 1e-6),)
FLOPS = (("MFLOP per audio s", 1e-6), ("GFLOP per audio s", 1e-9), ("TFLOP per audio s", 1e-12))
MACS = (("MMAC per audio s", 1e-6), ("GMAC per audio s", 1e-9), ("TMAC per audio s", 1e-12))
SPEED = (("x real time", 1.0),)
SECONDS = (("ms", 1e3), ("s", 1.0))
DECIMAL_BYTES = (("MB", 1e-6), ("GB", 1e-9))
WEIGHTS = tuple((unit, 4 * factor) for unit, factor in BYTES)
"""The size of parameters in float32."""
PER_HOUR = (("J per audio h", 1.0), ("kJ per audio h", 1e-3), ("MJ per audio h", 1e-6))
HOURS = (("device-s", 3600.0), ("device-min", 60.0), ("device-h", 1.0))
JOULES = (("J", 1.0), ("kJ", 1e-3), ("MJ", 1e-6), ("GJ", 1e-9))
PERCENT = (("%", 100.0),)


def _rate(key: str, head: str, better: Literal["low", "high"] = "low") -> EfficiencyColumn:
    return EfficiencyColumn(key, head, PERCENT, key, "rated", better=better)


COLUMNS = {
    column.key: column
    for column in (
        EfficiencyColumn("parameters", "Params", MILLIONS, "parameters", "inference"),
        EfficiencyColumn("flops", "{phase} FLOPs", FLOPS, "flops_per_audio_second", "asked", short="FLOPs"),
        EfficiencyColumn("macs", "{phase} MACs", MACS, "macs_per_audio_second", "asked", short="MACs"),
        EfficiencyColumn(
            "rtf", "{phase} speed", SPEED, "audio_seconds_per_second", "asked", better="high", short="Speed"
        ),
        EfficiencyColumn("latency", "Median latency", SECONDS, "latency_p50", "inference", short="Latency"),
        EfficiencyColumn(
            "memory", "Peak memory", BYTES, "peak_memory", "asked", others=DECIMAL_BYTES, short="Peak memory"
        ),
        EfficiencyColumn(
            "predicted-memory", "Predicted peak", BYTES, "predicted_peak_memory", "asked", others=DECIMAL_BYTES,
            short="Predicted peak memory",
        ),
        EfficiencyColumn("disk", "Weights", WEIGHTS, "parameters", "inference"),
        EfficiencyColumn(
            "joules", "{phase} energy", PER_HOUR, "energy_per_audio_hour", "asked", scoped=True, short="Energy"
        ),
        EfficiencyColumn("mfu", "MFU", PERCENT, "mfu", "asked", better="high", short="MFU"),
        EfficiencyColumn("gpu-hours", "Pretraining", HOURS, "device_hours", "pretraining", short="Time"),
        EfficiencyColumn(
            "energy", "Energy", ENERGY, "energy", "pretraining", scoped=True, others=JOULES, short="Energy"
        ),
        EfficiencyColumn("co2e", "CO2e", MASS, "co2e", "pretraining", scoped=True, short="CO2e"),
        EfficiencyColumn("price", "Price", (("price units", 1.0),), "price", "pretraining", short="Price"),
        EfficiencyColumn(
            "published-gpu-hours", "Published pretraining", (("GPU-h", 1.0),), "device_hours", "published"
        ),
        _rate("per", "PER"),
        _rate("cer", "CER"),
        _rate("wer", "WER"),
        _rate("abx", "ABX"),
        _rate("eer", "EER"),
        _rate("accuracy", "Accuracy", "high"),
    )
}  # fmt: skip
DEFAULT = (
    "parameters",
    "flops",
    "rtf",
    "memory",
    "gpu-hours",
    "energy",
    "co2e",
    "price",
    "published-gpu-hours",
    "per",
    "cer",
    "wer",
    "abx",
    "eer",
    "accuracy",
)
"""In this order, those of which the runs have a value for at least one model."""

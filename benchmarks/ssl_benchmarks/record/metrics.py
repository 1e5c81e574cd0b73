"""The metrics of the long table: a new one is one row here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MACHINE = ("device", "driver", "power_limit", "threads", "torch")
SHAPE = ("dtype", "clip_seconds", "batch_seconds", "compile")
ON_HARDWARE = (*MACHINE, *SHAPE)
WITH_CARBON = (*ON_HARDWARE, "pue", "grid")
COUNTED = ("clip_seconds",)
"""How attention is computed is the model's own and matters nowhere."""
ON_PAPER = ()

OverRounds = Literal["mean", "largest", "sum", "same"]


@dataclass(frozen=True)
class Metric:
    """What a row of the long table may show.

    Attributes:
        name: as in the table.
        unit: in SI, with hours for what papers give in hours.
        label: in tables and on axes.
        better: which way, None where neither is.
        share: whether it is a share of one, shown in per cent.
        rate: whether it is a rate of error or success on a downstream task.
        over_rounds: its figure of several rounds; a "sum" depends on how long a round measured, so that it stays in the
            rounds, and repeats add it up; "same" is a count that every round has alike.
        spoilt: whether other work on the machine changes it.
        agrees_on: the conditions that must be equal before two rows are compared.
    """

    name: str
    unit: str
    label: str
    better: Literal["low", "high"] | None = "low"
    share: bool = False
    rate: bool = False
    over_rounds: OverRounds = "same"
    spoilt: bool = False
    agrees_on: tuple[str, ...] = ON_HARDWARE


def _count(name: str, unit: str, label: str) -> Metric:
    return Metric(name, unit, label, agrees_on=COUNTED)


def _timed(
    name: str, unit: str, label: str, better: Literal["low", "high"] = "low", *, of: OverRounds = "mean",
    agrees_on: tuple[str, ...] = ON_HARDWARE, share: bool = False,
) -> Metric:  # fmt: skip
    return Metric(name, unit, label, better, share, over_rounds=of, spoilt=True, agrees_on=agrees_on)


def _bytes(name: str, label: str, *, of: OverRounds = "same") -> Metric:
    return Metric(name, "B", label, over_rounds=of)


def _rate(name: str, label: str, better: Literal["low", "high"] = "low") -> Metric:
    return Metric(name, "1", label, better, share=True, rate=True)


METRICS = {
    metric.name: metric
    for metric in (
        Metric("parameters", "1", "parameters", agrees_on=ON_PAPER),
        _count("macs", "MAC", "MACs"),
        _count("flops", "FLOP", "FLOPs"),
        Metric("superb_macs", "MAC", "MACs by SUPERB's measure", agrees_on=ON_PAPER),
        _count("macs_per_audio_second", "MAC/s", "MACs per audio second"),
        _count("flops_per_audio_second", "FLOP/s", "FLOPs per audio second"),
        _timed("audio_seconds_per_second", "s/s", "audio seconds a second", "high"),
        _timed("real_time_factor", "1", "real-time factor"),
        _timed("latency_p50", "s", "median latency"),
        _timed("latency_p95", "s", "95th percentile of latency"),
        _timed("duration", "s", "duration", of="sum"),
        _timed("device_hours", "h", "device-hours", of="same"),
        _timed("mfu", "1", "MFU", "high", of="same", share=True),
        Metric("data_wait", "s", "wait for speech"),
        Metric("duration_lost", "s", "time lost with attempts"),
        _bytes("peak_memory", "peak memory", of="largest"),
        _bytes("predicted_peak_memory", "predicted peak memory", of="largest"),
        _bytes("memory_reserved", "memory reserved by the allocator", of="largest"),
        _bytes("memory_weights", "weights"),
        _bytes("memory_gradients", "gradients"),
        _bytes("memory_optimizer", "optimiser state"),
        _bytes("memory_activations", "activations and the rest"),
        _bytes("bytes_moved", "bytes moved"),
        # Joules do not depend on the grid, but what is projected from them does.
        _timed("energy", "J", "energy", of="sum"),
        _timed("energy_net", "J", "energy less idle", of="sum"),
        _timed("energy_per_audio_hour", "J/h", "energy per audio hour", agrees_on=WITH_CARBON),
        _timed("power_mean", "W", "mean power"),
        _timed("co2e", "g", "CO2e", of="sum", agrees_on=WITH_CARBON),
        Metric("energy_lost", "J", "energy lost with attempts"),
        Metric("power_idle", "W", "idle power"),
        Metric("audio_hours_seen", "h", "audio hours seen", None, agrees_on=ON_PAPER),
        Metric("loss", "nat", "loss"),
        Metric("masked_accuracy", "1", "masked accuracy", "high", share=True),
        Metric("target_entropy", "nat", "entropy of the targets", None),
        _rate("cer", "CER"),
        _rate("wer", "WER"),
        _rate("per", "PER"),
        _rate("accuracy", "accuracy", "high"),
        _rate("eer", "EER"),
        _rate("abx", "ABX error"),
    )
}
RATES = tuple(name for name, metric in METRICS.items() if metric.rate)
"""Metrics of quality, in the order that tables have them."""


def label_of(name: str) -> str:
    """Of a metric; a name that is none is shown as words."""
    return METRICS[name].label if name in METRICS else name.replace("_", " ")

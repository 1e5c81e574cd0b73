"""The metrics of the long table; a new metric is one row here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MACHINE = ("device", "driver", "power_limit", "threads", "torch")
SHAPE = ("dtype", "clip_seconds", "batch_seconds", "compile")
ON_HARDWARE = (*MACHINE, *SHAPE)
WITH_CARBON = (*ON_HARDWARE, "pue", "grid")
COUNTED = ("clip_seconds",)
"""How attention is computed is the model's own choice, so it is no condition of comparability."""
ON_PAPER = ()
STATED = "stated_cost"
"""A figure that a user states and no other metric covers; its unit is the user's too."""

OverRounds = Literal["mean", "largest", "sum", "same"]


@dataclass(frozen=True)
class Metric:
    """A metric that a row of the long table may have.

    Attributes:
        name: as in the table.
        unit: SI, except hours where papers report hours.
        label: its name in tables and on axes.
        better: whether low or high is better; None if neither.
        share: whether it is a fraction, shown in per cent.
        rate: whether it is an error or success rate on a downstream task.
        over_rounds: how several rounds combine; a "sum" depends on how long a round lasted, so it stays with the rounds
            (repeats are added up); "same" is a count that is equal in every round.
        disturbable: whether other work on the machine changes it.
        agrees_on: the conditions that must be equal before two rows may be compared.
    """

    name: str
    unit: str
    label: str
    better: Literal["low", "high"] | None = "low"
    share: bool = False
    rate: bool = False
    over_rounds: OverRounds = "same"
    disturbable: bool = False
    agrees_on: tuple[str, ...] = ON_HARDWARE


def _count(name: str, unit: str, label: str) -> Metric:
    return Metric(name, unit, label, agrees_on=COUNTED)


def _timed(
    name: str, unit: str, label: str, better: Literal["low", "high"] = "low", *, of: OverRounds = "mean",
    agrees_on: tuple[str, ...] = ON_HARDWARE, share: bool = False,
) -> Metric:  # fmt: skip
    return Metric(name, unit, label, better, share, over_rounds=of, disturbable=True, agrees_on=agrees_on)


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
        Metric("superb_macs", "MAC", "MACs as SUPERB counts them", agrees_on=ON_PAPER),
        _count("macs_per_audio_second", "MAC/s", "MACs per audio second"),
        _count("flops_per_audio_second", "FLOP/s", "FLOPs per audio second"),
        _timed("audio_seconds_per_second", "s/s", "audio seconds per second", "high"),
        _timed("real_time_factor", "1", "real-time factor"),
        _timed("latency_p50", "s", "median latency"),
        _timed("latency_p95", "s", "95th percentile of latency"),
        _timed("duration", "s", "duration", of="sum"),
        _timed("device_hours", "h", "device-hours", of="same"),
        _timed("mfu", "1", "MFU", "high", of="same", share=True),
        Metric("data_wait", "s", "wait for speech"),
        Metric("duration_lost", "s", "time lost in interrupted attempts"),
        _bytes("peak_memory", "peak memory", of="largest"),
        _bytes("peak_host_memory", "peak host memory", of="largest"),
        _bytes("predicted_peak_memory", "predicted peak memory", of="largest"),
        _bytes("memory_reserved", "memory reserved by the allocator", of="largest"),
        _bytes("memory_weights", "weights"),
        _bytes("memory_gradients", "gradients"),
        _bytes("memory_optimizer", "optimiser state"),
        _bytes("memory_activations", "activations and the rest"),
        _bytes("bytes_moved", "bytes moved"),
        # Energy does not depend on the grid, but projections from it do.
        _timed("energy", "J", "energy", of="sum"),
        _timed("energy_net", "J", "energy less idle", of="sum"),
        _timed("energy_per_audio_hour", "J/h", "energy per audio hour", agrees_on=WITH_CARBON),
        _timed("power_mean", "W", "mean power"),
        _timed("co2e", "g", "CO2e", of="sum", agrees_on=WITH_CARBON),
        _timed("price", "price units", "price", of="same"),
        Metric(STATED, "1", "stated cost", None, agrees_on=ON_PAPER),
        Metric("energy_lost", "J", "energy lost in interrupted attempts"),
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
"""Metrics of quality, in the order of the tables."""


def label_of(name: str) -> str:
    """The label of a metric; an unknown name is shown as words."""
    return METRICS[name].label if name in METRICS else name.replace("_", " ")

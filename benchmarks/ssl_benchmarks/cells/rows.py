"""The rows of a cell: from times, bytes and joules to the metrics of the long table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ssl_benchmarks.counting.counted import COUNTED, UNITS, counted
from ssl_benchmarks.energy.carbon import GridIntensity, co2e
from ssl_benchmarks.record.intervals import call_quantile, hull, inverse, repeat_interval
from ssl_benchmarks.record.metrics import label_of
from ssl_benchmarks.record.quantity import Quantity, flaws, joined, unavailable

if TYPE_CHECKING:
    from ssl_benchmarks.counting.flops import FlopCount
    from ssl_benchmarks.timing.repeats import Repeats

Row = tuple[str, str | None, Quantity]
"""Metric, scope, quantity."""

COUNT_NOTE = f"of one clip; {COUNTED}; FFT and elementwise work not counted"


def time_rows(repeats: Repeats, batch_seconds: float) -> list[Row]:
    """Throughput and real-time factor from the median latency; notes say how warm the step was."""
    middle = call_quantile(repeats.calls, 0.5)
    note = f"from the median latency of {len(repeats.calls)} repeats; {repeats.warm.note}"
    if middle.note:
        note = f"{note}; {middle.note}"
    speed = replace(inverse(middle, batch_seconds, "s/s"), note=note)
    factor = replace(middle.scaled(1 / batch_seconds, "1"), note=note)
    return [("audio_seconds_per_second", None, speed), ("real_time_factor", None, factor)]


def latency_rows(calls: Sequence[Sequence[float]], what: str) -> list[Row]:
    """Median and 95th percentile of latency in s; `what` says of what."""
    found: list[Row] = []
    for name, share in (("latency_p50", 0.5), ("latency_p95", 0.95)):
        quantity = call_quantile(calls, share)
        note = joined(what, quantity.note)
        found.append((name, None, replace(quantity, note=note)))
    return found


def energy_rows(repeats: Repeats, batch_seconds: float, pue: float, grid: GridIntensity | None) -> list[Row]:
    """Time and energy of all repeats by scope, gross and net, and energy per audio hour.

    The interval of energy per audio hour is the union of the counter's own error and Student's interval over repeats;
    modelled energy has none.
    """
    total, audio = repeats.total, [len(calls) * batch_seconds for calls in repeats.calls]
    net = total.net_by_scope()
    rows: list[Row] = [("duration", None, replace(total.duration, note="all repeats, rests excluded"))]
    for scope, energy in total.by_scope().items():
        per_hour = energy.scaled(3600 / sum(audio), "J/h")
        each = [
            reading.by_scope()[scope].scaled(3600 / s, "J/h")
            for reading, s in zip(repeats.readings, audio, strict=True)
        ]
        rows += [
            ("energy", scope, energy),
            ("energy_net", scope, net[scope]),
            ("power_mean", scope, total.power_mean(scope)),
            ("energy_per_audio_hour", scope, _with_scatter(per_hour, each)),
            ("co2e", scope, co2e(energy, grid, pue)),
        ]  # fmt: skip
    return rows


def _with_scatter(whole: Quantity, each: Sequence[Quantity]) -> Quantity:
    """The quantity with the variance between repeats in its interval."""
    values = [q.value for q in each if q.value is not None and q.value > 0]
    if whole.value is None or whole.ci95 is None or len(values) < len(each):
        return whole
    interval = hull((whole.value, whole.value), whole.ci95, repeat_interval(values))
    return replace(whole, ci95=interval, n=len(values))


def memory_rows(peak: Quantity, sizes: dict[str, Quantity], on_device: Quantity | None) -> list[Row]:
    """The peak, its known parts, and the remainder (activations and other)."""
    rows: list[Row] = [("peak_memory", None, replace(peak, note=f"{peak.note}; over all calls but the first"))]
    rows += [(f"memory_{part}", None, size) for part, size in sizes.items()]
    rows.append(("memory_activations", None, _rest(peak, sizes)))
    return [*rows, *([("memory_reserved", None, on_device)] if on_device is not None else [])]


def _rest(peak: Quantity, sizes: dict[str, Quantity]) -> Quantity:
    """The part of the peak that is neither weights nor gradients nor optimiser state."""
    if peak.value is None:
        return unavailable("B", peak.note)
    if missing := [size.note for size in sizes.values() if size.value is None]:
        return unavailable("B", missing[0])
    known, named = sum(size.value or 0.0 for size in sizes.values()), [label_of(f"memory_{part}") for part in sizes]
    if peak.value < known:
        return unavailable("B", f"the peak ({peak.value:.0f} B) is below {' + '.join(named)} ({known:.0f} B)")
    note = f"peak minus {', '.join(named)}: input, activations, workspaces"
    return Quantity(peak.value - known, "B", peak.method, note=note)


def count_rows(count: Callable[[], FlopCount], clip_seconds: float) -> list[Row]:
    """MACs and FLOPs of one clip and per audio second; unavailable, with the reason, if the count is not complete."""
    try:
        found = counted(count(), clip_seconds, COUNT_NOTE)
    except Exception as error:  # noqa: BLE001 - a user's own encoder may do what fake tensors cannot
        reason = f"counting on fake tensors failed: {error}"
        found = {name: unavailable(unit, reason) for name, unit in UNITS.items()}
    return [(name, None, quantity) for name, quantity in found.items()]


def mfu(rate: Quantity, flops: Quantity, ceiling: Quantity) -> Quantity:
    """Model FLOPs utilisation: FLOPs per second divided by the matrix-product rate measured on this device.

    The ends of its interval come from those ends of rate and ceiling that are farthest apart.
    """
    missing = next((q for q in (rate, flops, ceiling) if not q.value), None)
    if missing is not None or rate.value is None or flops.value is None or ceiling.value is None:
        return unavailable("1", missing.note if missing else "no rate")
    ci95 = None
    if rate.ci95 and ceiling.ci95:
        ci95 = (flops.value * rate.ci95[0] / ceiling.ci95[1], flops.value * rate.ci95[1] / ceiling.ci95[0])
    note = f"of {ceiling.value / 1e12:.3g} TFLOP/s, measured: {ceiling.note}"
    if rate.value * flops.value > ceiling.value:
        note = f"above 1: the measured ceiling is too low (disturbed); {note}"
    return Quantity(
        flops.value * rate.value / ceiling.value, "1", "measured", ci95, rate.n, note, flaws((rate, flops, ceiling))
    )

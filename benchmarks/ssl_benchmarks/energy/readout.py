"""From sources and spans to readings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssl_benchmarks.energy.idle import NOT_MEASURED, net_by_scope
from ssl_benchmarks.energy.reading import EnergyReading, LiveReading, add_devices
from ssl_benchmarks.energy.sources.parts import MODULE, SCOPES, of_machine
from ssl_benchmarks.energy.sources.source import Span
from ssl_benchmarks.energy.sources.trace import Samples
from ssl_benchmarks.record.quantity import Quantity, total, unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ssl_benchmarks.energy.idle import IdlePower
    from ssl_benchmarks.energy.neighbours.disturbances import Disturbances
    from ssl_benchmarks.energy.sources.discovery import Sources

NO_GPU = "no GPU was metered"


def read_out(
    sources: Sources,
    spans: Mapping[str, Span],
    times: Sequence[tuple[float, float]],
    origin_s: float,
    *,
    idle: IdlePower | None,
    watch: Disturbances | None,
    passes: int = 1,
) -> EnergyReading:
    """The reading of windows at `times` with the given spans, already added up by device; `passes` is their number."""
    duration_s = sum(end - start for start, end in times)
    by_device = {source: source.energy(spans.get(source.device, Span())) for source in sources}
    per_gpu = {source.device: by_device[source] for source in sources.gpus}
    integrals = {source.device: source.integral(spans.get(source.device, Span())) for source in sources.gpus}
    modules = {source.device: by_device[source] for source in sources.modules}
    others: dict[str, Quantity] = {source.scope: by_device[source] for source in sources.others}
    missing = {scope: unavailable("J", sources.reasons.get(scope, "not metered")) for scope in SCOPES}
    parts = missing | others | ({"gpu": add_devices(per_gpu, "J")} if per_gpu else {})
    parts |= {MODULE: add_devices(modules, "J")} if modules else {}
    net = net_by_scope(parts, duration_s, idle)
    at_idle = () if idle is None else tuple(f"during the idle measurement: {line}" for line in idle.disturbances)
    overlaps = f"{passes} windows, some open at once: shared time counts once" if passes > len(times) else ""
    return EnergyReading(
        duration=Quantity(duration_s, "s", "measured", n=len(times), note=overlaps)
        if times
        else unavailable("s", "nothing was metered"),
        energy_gpu=parts["gpu"],
        per_gpu=per_gpu,
        energy_cpu=parts["cpu"],
        energy_dram=parts["dram"],
        energy_net=net["machine"],
        power_idle=unavailable("W", NOT_MEASURED) if idle is None else idle.machine,
        samples=Samples(tuple(source.trace for source in sources), origin_s, tuple(times)),
        integral_gpu=add_devices(integrals, "J") if integrals else unavailable("J", sources.reasons.get("gpu", NO_GPU)),
        energy_module=parts.get(MODULE),
        net={scope: net[scope] for scope in parts},
        disturbances=at_idle + (() if watch is None else watch.lines),
        remarks=() if watch is None else watch.remarks,
    )


def read_live(sources: Sources, duration_s: float) -> LiveReading:
    """The current totals of the sources; queries no hardware."""
    energy: dict[str, Quantity] = {}
    power: dict[str, Quantity] = {}
    for scope in (*SCOPES, *([MODULE] if sources.modules else [])):
        mine = [source for source in sources if source.scope == scope]
        reason = sources.reasons.get(scope, "not metered")
        energies = {
            source.device: source.energy(Span(duration_s, source.energy_j, fault=source.fault)) for source in mine
        }
        # a running total has no edges yet and so no interval
        energies = {name: Quantity(e.value, "J", e.method, note=e.note) for name, e in energies.items()}
        energy[scope] = add_devices(energies, "J") if mine else unavailable("J", reason)
        power[scope] = add_devices({s.device: s.power() for s in mine}, "W") if mine else unavailable("W", reason)
    energy["machine"], power["machine"] = total(of_machine(energy), "J"), total(of_machine(power), "W")
    return LiveReading(duration_s, energy, power)

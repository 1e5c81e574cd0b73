"""What can be measured on this machine, and how, determined in the same way as by the meter itself."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ssl_benchmarks.energy.neighbours.gpu_watch import GpuWatch
from ssl_benchmarks.energy.sources import machine_model
from ssl_benchmarks.energy.sources.discovery import find_modules
from ssl_benchmarks.energy.sources.gpu import GpuSource, set_ticks
from ssl_benchmarks.energy.sources.mirrors import find_counters
from ssl_benchmarks.energy.sources.nvml import Missing, Nvml, number
from ssl_benchmarks.energy.sources.parts import MODULE
from ssl_benchmarks.energy.sources.rapl import Domain, allow, names_of_zones, powercap_root, unmoved, unreadable
from ssl_benchmarks.energy.sources.selection import INSTANCE_OF, Gpu, name_of, select, uuid_of
from ssl_benchmarks.record.quantity import Method, weakest

if TYPE_CHECKING:
    from collections.abc import Iterable

PERIOD_S = 0.1


@dataclass(frozen=True)
class Way:
    """The method that rows of a quantity will have here ("unavailable": none), and the means or the reason."""

    method: Method
    how: str


@dataclass(frozen=True)
class GpuFacts:
    """One GPU as described by NVML; None for what it does not report.

    Attributes:
        device: "gpu" and the driver's index, or the UUID of a MIG instance.
        visible: whether CUDA_VISIBLE_DEVICES includes it; None if its order of GPUs is unknown.
        power_limit_w: enforced limit.
        energy: how the energy of this GPU alone is obtained.
        tick_s: update interval of its counter in s.
        mig: whether it is split into instances.
        others: processes on it that do not belong to this run.
        throttles: current reasons for lower clocks.
        remarks: settings that limit its clocks, and what it does not report.
    """

    device: str
    name: str | None
    uuid: str | None
    visible: bool | None
    memory_bytes: int | None
    power_limit_w: float | None
    energy: Way
    tick_s: float | None
    mig: bool | None
    others: tuple[str, ...]
    throttles: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Rapl:
    """The CPU's counters.

    Attributes:
        root: folder where the kernel lists them.
        cpu, dram: the domains that are added up.
        apart: those that are not added up because they are inside a package (core, uncore), cover more than the
            machine's parts (psys), or are another name of a counter that is.
        fault: why they cannot be read; empty if they can.
        still: by scope, why readable counters count nothing; empty if they do.
        allow: the command that would make them readable, or empty.
    """

    root: str
    cpu: tuple[str, ...]
    dram: tuple[str, ...]
    apart: tuple[str, ...]
    fault: str
    allow: str
    still: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Capabilities:
    """What this machine can measure.

    Attributes:
        driver: version of NVIDIA's driver, None without one.
        gpus: all GPUs that NVML lists, and visible MIG instances.
        measurable: method and means by quantity.
    """

    driver: str | None
    gpus: tuple[GpuFacts, ...]
    rapl: Rapl
    measurable: dict[str, Way]

    def document(self) -> dict[str, Any]:
        """The JSON object for a record."""
        return asdict(self)


@lru_cache(maxsize=1)
def capabilities() -> Capabilities:
    """Examine the machine once per process; takes 0.5 s to watch a GPU's counter, 2 s if CPU or DRAM energy is modelled.

    A counter counts as "measured" only if it was seen to move.
    """
    driver, gpus, parts = _gpus()
    rapl = _rapl()
    reasons = {"cpu": rapl.fault, "dram": rapl.fault or ("" if rapl.dram else f"no RAPL dram domain under {rapl.root}")}
    for scope, guess in (("cpu", "thermal design power × load"), ("dram", "watts per DIMM")):
        domains = rapl.cpu if scope == "cpu" else rapl.dram
        still = rapl.still.get(scope, "")
        parts[scope] = Way("unavailable", still) if still else _counted_or_modelled(domains, reasons[scope], guess)
    return Capabilities(driver, gpus, rapl, _measurable(parts))


def _counted_or_modelled(domains: Iterable[str], fault: str, guess: str) -> Way:
    if not fault:
        return Way("measured", f"RAPL: {' + '.join(domains)}")
    if lack := machine_model.no_model():
        return Way("unavailable", f"{fault}; {lack}, so there is no model either")
    return Way("modelled", f"CodeCarbon's estimate ({guess}); {fault}")


def _rapl() -> Rapl:
    root = powercap_root()
    found, zones = find_counters(root), names_of_zones(root)
    every: list[Domain] = [*found["cpu"], *found["dram"]]
    cpu, dram = (tuple(domain.name for domain in found[scope]) for scope in ("cpu", "dram"))
    inside = {name for name in zones.values() if name and not name.startswith("package") and name != "dram"}
    twins = {f"{name} (the counter of {domain.name})" for domain in every for name in domain.mirrors}
    fault = unreadable(every) if cpu else f"no RAPL package domain under {root}"
    still = {} if fault else {scope: unmoved(domains) for scope, domains in found.items()}
    return Rapl(
        str(root), cpu, dram, tuple(sorted(inside | twins)), fault, allow() if "root only" in fault else "",
        {scope: reason for scope, reason in still.items() if reason},
    )  # fmt: skip


def _gpus() -> tuple[str | None, tuple[GpuFacts, ...], dict[str, Way]]:
    """The driver's version, its GPUs, and how the energy of the visible ones and of shared modules is obtained."""
    nvml = Nvml.open()
    if isinstance(nvml, Missing):
        return None, (), {"gpu": Way("unavailable", nvml.reason)}
    try:
        driver = nvml.query("SystemGetDriverVersion")
        visible, every = select(nvml, "visible"), select(nvml, "all")
        chosen = {} if isinstance(visible, Missing) else {gpu.name: gpu for gpu in visible}
        listed = ({} if isinstance(every, Missing) else {gpu.name: gpu for gpu in every}) | chosen
        sources = {name: GpuSource(nvml, gpu, PERIOD_S) for name, gpu in listed.items()}
        metered = [source for name, source in sources.items() if name in chosen]
        set_ticks(list(sources.values()))
        modules = find_modules(nvml, metered, PERIOD_S)
        in_sight = {name.removeprefix(INSTANCE_OF) for name in chosen} | set(chosen)
        seen = {name: None if isinstance(visible, Missing) else name in in_sight for name in listed}
        facts = tuple(_facts(nvml, listed[name], source, visible=seen[name]) for name, source in sources.items())
    finally:
        nvml.close()
    version = None if isinstance(driver, Missing) else str(driver)
    if isinstance(visible, Missing):
        return version, facts, {"gpu": Way("unavailable", visible.reason)}
    ways = {"gpu": _joined({gpu.device: gpu.energy for gpu in facts if gpu.visible})}
    if modules:
        ways[MODULE] = _joined({source.device: _way(source) for source in modules})
    return version, facts, ways


def _facts(nvml: Nvml, gpu: Gpu, source: GpuSource, *, visible: bool | None) -> GpuFacts:
    if isinstance(gpu.handle, Missing) or not gpu.name.startswith("gpu"):
        energy = Way("unavailable", source.fault)
        return GpuFacts(gpu.name, None, None, visible, None, None, energy, None, None, (), (), ())
    index, watch = int(gpu.name.removeprefix("gpu")), GpuWatch(nvml, gpu)
    watch.look()
    memory, limit = (
        nvml.query("DeviceGetMemoryInfo", gpu.handle),
        number(nvml.query("DeviceGetEnforcedPowerLimit", gpu.handle)),
    )
    counted = not source.fault and source.method == "measured" and source.moved
    return GpuFacts(
        gpu.name,
        name_of(nvml, index),
        uuid_of(nvml, index),
        visible,
        None if isinstance(memory, Missing) else int(memory.total),
        None if isinstance(limit, Missing) else limit / 1000,
        _way(source),
        source.tick.seconds if counted else None,
        watch.mig,
        tuple(watch.strangers),
        tuple(watch.throttles),
        (*watch.held, *watch.unseen),
    )


def _way(source: GpuSource) -> Way:
    if source.fault:
        return Way("unavailable", source.fault)
    if source.method == "sampled":
        why = f"of the GPU alone; {source.of_module}" if source.shared else "no energy counter"
        return Way("sampled", f"integral of power samples, {why}")
    if not source.moved:
        return Way("unavailable", "NVML energy counter: no update within half a second")
    return Way("measured", f"NVML energy counter, updated every {source.tick.seconds * 1000:.0f} ms")


def _joined(ways: dict[str, Way]) -> Way:
    """The method for several devices together: the weakest, and unavailable if any is."""
    missing = [way.how for way in ways.values() if way.method == "unavailable"]
    if missing:
        return Way("unavailable", "; ".join(missing))
    hows = {f"{name}: {way.how}" for name, way in ways.items()}
    return Way(weakest(*(way.method for way in ways.values())), "; ".join(sorted(hows)))


def _measurable(parts: dict[str, Way]) -> dict[str, Way]:
    """Each quantity of the long table, in the order of the printed table."""
    known = {scope: way for scope, way in parts.items() if way.method != "unavailable"}
    metered = [scope for scope, way in known.items() if way.method in {"measured", "sampled"}]
    scopes = ["gpu", *([MODULE] if MODULE in parts else []), "cpu", "dram"]
    found = {f"energy_{scope}": parts[scope] for scope in scopes}
    if MODULE in known:
        known = {scope: way for scope, way in known.items() if scope != "gpu" and way.method in {"measured", "sampled"}}
        metered = list(known)
    if known:
        methods = [way.method for way in known.values()]
        found["energy_machine"] = Way(weakest(*methods), " + ".join(f"{s} ({w.method})" for s, w in known.items()))
    else:
        found["energy_machine"] = Way("unavailable", "no part of it is available")
    if metered:
        net = weakest(*(known[scope].method for scope in metered))
        found["energy_net"] = Way(net, f"{' + '.join(metered)}, minus idle power, measured for 10 s before a run")
    else:
        found["energy_net"] = Way("unavailable", "nothing here is metered, and idle power cannot be modelled")
    found["power"] = _power(known)
    return found | _other_quantities(found["energy_machine"])


def _power(known: dict[str, Way]) -> Way:
    if not known:
        return Way("unavailable", "no part of it is available")
    methods: dict[str, Method] = {
        scope: "sampled" if scope in {"gpu", MODULE} else way.method for scope, way in known.items()
    }
    return Way(weakest(*methods.values()), "trace at 10 Hz: " + " + ".join(f"{s} ({m})" for s, m in methods.items()))


def _other_quantities(energy: Way) -> dict[str, Way]:
    cuda = torch.cuda.is_available()
    no_gpu = "torch sees no CUDA GPU" + (
        "" if torch.version.cuda else f" (torch {torch.__version__} is built without CUDA)"
    )
    resolution = time.get_clock_info("perf_counter").resolution
    mark = Way("measured", "peak resident set, in a separate process")
    return {
        "peak_memory_gpu": Way("measured", "max allocated by torch's CUDA allocator")
        if cuda
        else Way("unavailable", no_gpu),
        "peak_memory_cpu": mark
        if sys.platform != "linux" or Path("/proc/self/status").is_file()
        else Way("unavailable", "this system reports no peak resident set"),
        "time": Way(
            "measured", f"monotonic clock, resolution {1e9 * resolution:.0f} ns" + ", CUDA synchronised" * cuda
        ),
        "flops": Way("analytic", "counted from the graph, checked against a closed form"),
        "mfu": Way(
            "measured", "counted FLOPs × measured rate, divided by the matrix-product rate measured in the same run"
        ),
        "co2e": Way("unavailable", "no energy")
        if energy.method == "unavailable"
        else Way(
            "modelled", "energy × PUE × grid intensity: give --country FRA (ISO code) or --grid-intensity G (g/kWh)"
        ),
    }

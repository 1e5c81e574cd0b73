"""What can be read on this machine: a source for each part, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ssl_benchmarks.energy.sources import machine_model
from ssl_benchmarks.energy.sources.gpu import GpuSource, set_ticks
from ssl_benchmarks.energy.sources.mirrors import MOVES, are_one, find_counters
from ssl_benchmarks.energy.sources.modelled import ModelledCpu, ModelledDram
from ssl_benchmarks.energy.sources.nvml import Missing, Nvml
from ssl_benchmarks.energy.sources.rapl import Domain, RaplSource, powercap_root, unreadable
from ssl_benchmarks.energy.sources.selection import select
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ssl_benchmarks.energy.sources.selection import Choice
    from ssl_benchmarks.energy.sources.source import Scope, Source


@dataclass
class Sources:
    """The sources of a meter, and the reason for each scope without one; `modules` are shared by the GPUs and a CPU."""

    gpus: list[GpuSource] = field(default_factory=list)
    modules: list[GpuSource] = field(default_factory=list)
    others: list[Source] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    nvml: Nvml | None = None
    poll_s: float = float("inf")

    def __iter__(self) -> Iterator[Source]:
        yield from self.gpus
        yield from self.modules
        yield from self.others

    def close(self) -> None:
        """Close the driver."""
        if self.nvml is not None:
            self.nvml.close()


def find_sources(gpus: Choice, *, cpu: bool, model: bool, period_s: float) -> Sources:
    """Examine the machine, best source first; may take seconds, so it is done before anything is metered.

    Args:
        gpus: as for `EnergyMeter`.
        cpu: whether to meter CPU and DRAM.
        model: whether CodeCarbon's model may replace a missing counter.
        period_s: seconds between samples.

    Raises:
        BadInputError: if a given GPU does not exist.
    """
    found = Sources()
    _add_gpus(found, gpus, period_s)
    if not cpu:
        found.reasons |= {"cpu": "not requested (cpu=False)", "dram": "not requested (cpu=False)"}
        return found
    for scope, domains in find_counters(powercap_root()).items():
        reason = unreadable(domains) if domains else f"no RAPL {scope} domain under {powercap_root()}"
        if not reason:
            _add_rapl(found, scope, domains, period_s)
        elif model:
            _add_modelled(found, scope, reason)
        else:
            found.reasons[scope] = reason
    return found


def _add_gpus(found: Sources, gpus: Choice, period_s: float) -> None:
    if not isinstance(gpus, str) and not len(gpus):
        found.reasons["gpu"] = "not requested (gpus=())"
        return
    nvml = Nvml.open()
    if isinstance(nvml, Missing):
        found.reasons["gpu"] = nvml.reason
        return
    try:
        chosen = select(nvml, gpus)
    except BadInputError:
        nvml.close()
        raise
    if isinstance(chosen, Missing):
        nvml.close()
        found.reasons["gpu"] = chosen.reason
        return
    found.nvml = nvml
    found.gpus = [GpuSource(nvml, gpu, period_s) for gpu in chosen]
    set_ticks(found.gpus)
    found.modules = find_modules(nvml, found.gpus, period_s)


def find_modules(nvml: Nvml, gpus: list[GpuSource], period_s: float) -> list[GpuSource]:
    """The modules that these GPUs share with a CPU, each once; none if any GPU shares none, as no sum would cover it."""
    if not all(source.shared for source in gpus):
        return []
    modules = [GpuSource(nvml, source.gpu, period_s, module=True) for source in gpus]
    set_ticks(modules)
    kept: list[GpuSource] = []
    for module in modules:
        if not any(are_one(other.look, module.look, 2 * MOVES * other.tick.seconds) for other in kept):
            kept.append(module)
    return kept


def _add_rapl(found: Sources, scope: Scope, domains: list[Domain], period_s: float) -> None:
    source = RaplSource(scope, domains, period_s)
    found.others.append(source)
    found.poll_s = min(found.poll_s, source.poll_s)


def _add_modelled(found: Sources, scope: Scope, reason: str) -> None:
    build = ModelledCpu if scope == "cpu" else ModelledDram
    try:
        found.others.append(build(machine_model.look_at_machine(), reason))
    except Exception as error:  # noqa: BLE001 - whatever makes the model fail must not stop the metered program
        found.reasons[scope] = f"{reason}; {machine_model.lack_of(error)}, so there is no model either"

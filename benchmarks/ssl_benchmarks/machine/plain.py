"""The hardware and software behind a record of other people's code: without torch, which may not be installed beside it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from typing import Any

import psutil

from ssl_benchmarks.energy.sources.nvml import Missing, Nvml, number
from ssl_benchmarks.energy.sources.processor import model_name
from ssl_benchmarks.processes.job_limits import memory_limit, usable_cpus
from ssl_benchmarks.record.record import Conditions

PACKAGES = ("sslbench", "codecarbon", "nvidia-ml-py")


def plain_environment(gpus: tuple[str, ...]) -> dict[str, Any]:
    """What this machine is; unknown values are None.

    Args:
        gpus: names of the metered GPUs, as `EnergyMeter` has them: "gpu" and the driver's index.
    """
    return {**host(), "gpus": _described(gpus), "packages": versions(PACKAGES)}


def host() -> dict[str, Any]:
    """The system, the processor and the memory; `job` is the share of them that this process may use."""
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "job": {"cpus": usable_cpus(), "memory_bytes": memory_limit()},
    }


def cpu_name() -> str:
    """The processor's name as given by the system."""
    return model_name() or platform.processor() or platform.machine()


def versions(packages: Iterable[str]) -> dict[str, str | None]:
    """The version of each installed package; None for one that is not."""
    return {name: _version(name) for name in packages}


def plain_conditions(environment: dict[str, Any], pue: float, grid: str | None) -> Conditions:
    """The conditions of a metered command: device, driver and power limit, PUE and grid; the rest is not known."""
    gpus = environment["gpus"]
    if gpus:
        first = gpus[0]
        return Conditions(
            device=first["name"], driver=first["driver"], power_limit=first["power_limit_w"], pue=pue, grid=grid
        )
    return Conditions(device=f"{environment['cpu']} x {environment['cores']}", pue=pue, grid=grid)


def _described(names: tuple[str, ...]) -> list[dict[str, Any]]:
    nvml = Nvml.open()
    if isinstance(nvml, Missing):
        return []
    try:
        indices = [int(name.removeprefix("gpu")) for name in names if name.removeprefix("gpu").isdecimal()]
        return [_gpu(nvml, index) for index in indices]
    finally:
        nvml.close()


def _gpu(nvml: Nvml, index: int) -> dict[str, Any]:
    handle = nvml.query("DeviceGetHandleByIndex", index)
    name, driver = nvml.query("DeviceGetName", handle), nvml.query("SystemGetDriverVersion")
    memory, limit = nvml.query("DeviceGetMemoryInfo", handle), number(nvml.query("DeviceGetEnforcedPowerLimit", handle))
    return {
        "name": "GPU" if isinstance(name, Missing) else str(name),
        "memory_bytes": None if isinstance(memory, Missing) else int(memory.total),
        "driver": None if isinstance(driver, Missing) else str(driver),
        "power_limit_w": None if isinstance(limit, Missing) else limit / 1000,
    }


@cache
def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None

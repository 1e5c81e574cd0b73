"""The hardware and software behind a record."""

from __future__ import annotations

import os
from typing import Any

import torch

from ssl_benchmarks.energy.sources.nvml import Missing, Nvml, number
from ssl_benchmarks.machine.capabilities import capabilities
from ssl_benchmarks.machine.plain import cpu_name, host, versions
from ssl_benchmarks.record.record import Conditions

PACKAGES = (
    "sslbench", "torch", "numpy", "lightning-fabric", "codecarbon", "nvidia-ml-py", "fvcore", "scikit-learn", "soundfile",
    "transformers",
)  # fmt: skip


def environment() -> dict[str, Any]:
    """What this machine is and what can be measured on it; unknown values are None.

    `gpus` are torch's; those of `capabilities` are NVML's, in the driver's order. `job` is the share of the machine's
    cores and memory that this process may use.
    """
    return {
        **host(),
        "gpus": [_gpu(i) for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else [],
        "cuda": torch.version.cuda,
        "threads": torch.get_num_threads(),
        "packages": versions(PACKAGES),
        "capabilities": capabilities().document(),
    }


def conditions(device: torch.device, dtype: str, attention: str | None, **rest: Any) -> Conditions:  # noqa: ANN401 - fields of Conditions
    """The conditions of rows measured here on `device`; `rest` are the conditions that depend on the measurement.

    `attention` is as reported by the encoder ("sdpa" or "eager"), None if it is not.
    """
    base: dict[str, Any] = {"dtype": dtype, "attention": attention, "torch": torch.__version__}
    if device.type == "cuda":
        driver, limit = _driver_and_limit(device.index or 0)
        name = torch.cuda.get_device_name(device)
        return Conditions(device=name, driver=driver, power_limit=limit, **base, **rest)
    return Conditions(device=f"{cpu_name()} x {os.cpu_count()}", threads=torch.get_num_threads(), **base, **rest)


def _gpu(index: int) -> dict[str, Any]:
    driver, limit = _driver_and_limit(index)
    properties = torch.cuda.get_device_properties(index)
    return {
        "name": properties.name,
        "memory_bytes": properties.total_memory,
        "driver": driver,
        "power_limit_w": limit,
    }


def _driver_and_limit(index: int) -> tuple[str | None, float | None]:
    """Driver version and power limit in W of torch's GPU `index`, each None if NVML does not report it."""
    nvml = Nvml.open()
    if isinstance(nvml, Missing):
        return None, None
    try:
        driver = nvml.query("SystemGetDriverVersion")
        uuid = f"GPU-{getattr(torch.cuda.get_device_properties(index), 'uuid', '')}"
        handle = nvml.query("DeviceGetHandleByUUID", uuid.encode())
        limit = number(nvml.query("DeviceGetEnforcedPowerLimit", handle))
    finally:
        nvml.close()
    return (
        None if isinstance(driver, Missing) else str(driver),
        None if isinstance(limit, Missing) else limit / 1000,
    )

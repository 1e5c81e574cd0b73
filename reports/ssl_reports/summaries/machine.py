"""Tables of a machine and of what can be measured on it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from ssl_reports.units import method_word, plain

QUANTITIES = {
    "energy_gpu": "energy, GPU",
    "energy_module": "energy, module",
    "energy_cpu": "energy, CPU",
    "energy_dram": "energy, DRAM",
    "energy_machine": "energy, machine",
    "energy_net": "energy above idle",
    "power": "power",
    "peak_memory_gpu": "peak memory, GPU",
    "peak_memory_cpu": "peak memory, CPU",
    "time": "time",
    "flops": "FLOPs",
    "mfu": "MFU",
    "co2e": "CO2e",
}


def machine_table(environment: Mapping[str, Any]) -> Table:
    """The hardware and software of a record's `environment`."""
    table = Table(title="this machine", title_justify="left", show_header=False)
    table.add_column("what", no_wrap=True)
    table.add_column("value")
    for name, value in _machine_lines(environment):
        table.add_row(name, escape(value))
    return table


def measurable_table(environment: Mapping[str, Any]) -> Table:
    """Each quantity with the method of its rows, and how it is measured or why it is not."""
    table = Table(title="what can be measured here", title_justify="left")
    for column in ("quantity", "method", "how, or why not"):
        table.add_column(column, no_wrap=column == "quantity")
    for key, way in environment["capabilities"]["measurable"].items():
        table.add_row(QUANTITIES[key], method_word(way["method"]), escape(way["how"]))
    return table


def _machine_lines(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each line."""
    found = environment["capabilities"]
    cuda = f"CUDA {environment['cuda']}" if environment["cuda"] else "without CUDA"
    packages = {name: version for name, version in environment["packages"].items() if version is not None}
    missing = [name for name, version in environment["packages"].items() if version is None]
    lines = [
        ("system", environment["system"]),
        ("CPU", f"{environment['cpu']}, {environment['cores']} cores, {environment['threads']} threads in torch"),
        ("memory", _gib(environment["memory_bytes"])),
        *_job(environment),
        ("CPU counters", _rapl(found["rapl"])),
        ("NVIDIA driver", found["driver"] or f"none: {found['measurable']['energy_gpu']['how']}"),
    ]
    lines += [(gpu["device"], _gpu(gpu)) for gpu in found["gpus"]]
    lines.append(("Python", f"{environment['python']}, torch {cuda}"))
    lines.append(("packages", ", ".join(f"{name} {version}" for name, version in packages.items())))
    return [*lines, *([("not installed", ", ".join(missing))] if missing else [])]


def _job(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the job may use, if less than the whole machine; older records lack it."""
    job = environment.get("job", {})
    limits = []
    if job.get("cpus", math.inf) < (environment["cores"] or 0):
        limits.append(f"{job['cpus']:g} of {environment['cores']} cores")
    if job.get("memory_bytes", math.inf) < environment["memory_bytes"]:
        limits.append(f"{_gib(job['memory_bytes'])} of memory")
    return [("this job", ", ".join(limits))] if limits else []


def _rapl(rapl: Mapping[str, Any]) -> str:
    """The RAPL domains, and whether they are readable."""
    domains = [*rapl["cpu"], *rapl["dram"]]
    if not domains:
        return f"none: {rapl['fault']} (usual in a virtual machine)"
    apart = f"; not counted: {', '.join(rapl['apart'])}" if rapl["apart"] else ""
    state = f"not readable ({rapl['fault']})" if rapl["fault"] else "readable"
    return f"RAPL {', '.join(domains)}: {state}{apart}"


def _gpu(gpu: Mapping[str, Any]) -> str:
    """One GPU in a few lines; for a MIG instance, only the reason why it has no sensor."""
    energy = gpu["energy"]
    if gpu["uuid"] is None:
        return f"energy: not available, {energy['how']}"
    limit, memory = gpu["power_limit_w"], gpu["memory_bytes"]
    first = [
        gpu["name"] or "name not reported",
        "memory not reported" if memory is None else _gib(memory),
        "power limit not reported" if limit is None else f"power limit {limit:g} W",
        {None: "MIG not reported", True: "MIG on", False: "MIG off"}[gpu["mig"]],
        *(["hidden by CUDA_VISIBLE_DEVICES"] if gpu["visible"] is False else []),
    ]
    lines = [
        ", ".join(first),
        gpu["uuid"],
        f"energy: {method_word(energy['method'])}, {energy['how']}",
        f"other processes on it: {', '.join(gpu['others']) or 'none seen'}",
        f"throttling now: {', '.join(gpu['throttles']) or 'none seen'}",
        *gpu["remarks"],
    ]
    return "\n".join(lines)


def _gib(size: float) -> str:
    return f"{plain(size / 2**30)} GiB"

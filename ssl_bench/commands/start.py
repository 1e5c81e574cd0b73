"""`sslbench` without a command: where to start, and what this machine can measure."""

from __future__ import annotations

import os
import platform

FIRST_COMMANDS = (
    ("env", "what can be measured on this machine, and how"),
    ("profile hubert-base", "FLOPs, parameters and memory, without weights"),
    ("train-and-measure", "pretrain an encoder and see what it cost"),
    ("compare", "several models, measured in turn"),
    ("report RUN...", "tables and figures of a paper from finished runs"),
)


def start() -> None:
    """Print the five commands to start with and the state of this machine in two lines."""
    import typer

    width = max(len(command) for command, _ in FIRST_COMMANDS)
    lines = [f"  sslbench {command:<{width}}  {purpose}" for command, purpose in FIRST_COMMANDS]
    typer.echo("The honest cost of self-supervised speech models. Five commands to start with:\n")
    typer.echo("\n".join(lines))
    typer.echo(f"\nthis machine: {_hardware()}\nenergy:       {_energy_sources()}")
    typer.echo("\nall commands: sslbench --help; options of one: sslbench COMMAND --help")


def _hardware() -> str:
    """Processor, cores and memory of this machine, and the GPUs that its driver lists."""
    import psutil

    from ssl_benchmarks.energy.sources.nvml import Missing, Nvml
    from ssl_benchmarks.energy.sources.processor import model_name

    nvml, gpus = Nvml.open(), "no NVIDIA GPU"
    if not isinstance(nvml, Missing):
        count = nvml.query("DeviceGetCount")
        name = nvml.query("DeviceGetName", nvml.query("DeviceGetHandleByIndex", 0))
        nvml.close()
        if not isinstance(count, Missing) and count:
            gpus = f"{count} x {'GPU' if isinstance(name, Missing) else name}"
    cpu = (model_name() or platform.machine()).split(" @ ")[0]
    memory = psutil.virtual_memory().total / 2**30
    return f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB; {gpus}"


def _energy_sources() -> str:
    """How energy would be measured here, without waiting for a counter to move, which `sslbench env` does."""
    from ssl_benchmarks.energy.sources.mirrors import find_counters
    from ssl_benchmarks.energy.sources.nvml import Missing, Nvml
    from ssl_benchmarks.energy.sources.rapl import powercap_root, unreadable

    nvml = Nvml.open()
    gpu = "GPU unavailable" if isinstance(nvml, Missing) else "GPU by its driver"
    if not isinstance(nvml, Missing):
        nvml.close()
    packages = find_counters(powercap_root())["cpu"]
    counted = bool(packages) and not unreadable(packages)
    return f"{gpu}; CPU {'counted by RAPL' if counted else 'only modelled (no readable RAPL counter)'}"

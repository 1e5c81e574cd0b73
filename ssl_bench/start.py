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
    typer.echo("Cost and quality of self-supervised speech models. Five commands to start with:\n")
    typer.echo("\n".join(lines))
    gpus = _gpus()
    typer.echo(f"\nthis machine: {_hardware(gpus)}\nenergy:       {_energy_sources(gpus)}")
    typer.echo("\nall commands: sslbench --help; options of one: sslbench COMMAND --help")


def _gpus() -> str | None:
    """The GPUs that NVIDIA's driver lists, "" where it lists none; None without a driver."""
    from ssl_benchmarks.energy.sources.nvml import Missing, Nvml

    nvml = Nvml.open()
    if isinstance(nvml, Missing):
        return None
    count = nvml.query("DeviceGetCount")
    name = nvml.query("DeviceGetName", nvml.query("DeviceGetHandleByIndex", 0))
    nvml.close()
    known = not isinstance(count, Missing) and count
    return f"{count} x {'GPU' if isinstance(name, Missing) else name}" if known else ""


def _hardware(gpus: str | None) -> str:
    """Processor, cores and memory of this machine, and its GPUs."""
    import psutil

    from ssl_benchmarks.energy.sources.processor import model_name

    cpu = (model_name() or platform.machine()).split(" @ ")[0]
    memory = psutil.virtual_memory().total / 2**30
    return f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB; {gpus or 'no NVIDIA GPU'}"


def _energy_sources(gpus: str | None) -> str:
    """How energy would be measured here, without waiting for a counter to move, which `sslbench env` does."""
    from ssl_benchmarks.energy.sources.mirrors import find_counters
    from ssl_benchmarks.energy.sources.rapl import powercap_root, unreadable

    gpu = "GPU unavailable" if gpus is None else "GPU by its driver"
    packages = find_counters(powercap_root())["cpu"]
    counted = bool(packages) and not unreadable(packages)
    return f"{gpu}; CPU {'counted by RAPL' if counted else 'only modelled (no readable RAPL counter)'}"

"""What readers look at among a record's settings and its machine; either holds more, and an older record less."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Protocol:
    """How a cell was measured: s of a window, of a repeat and of rest, and the share by which warm windows may differ."""

    window: float
    tolerance: float
    repeats: int
    duration: float
    cool_down: float


@dataclass(frozen=True)
class Settings:
    """Of any command; `training` are those that all runs of a study share."""

    device: str | None = None
    precision: str | None = None
    compile: bool | None = None
    pue: float = 1.0
    seed: int | None = None
    seeds: int | None = None
    country: str | None = None
    grid_intensity: float | None = None
    strict: bool = False
    model: str | None = None
    models: tuple[str, ...] = ()
    phase: str | None = None
    teacher: str | None = None
    sweep: tuple[str, tuple[float, ...]] | None = None
    clip_seconds: float | None = None
    batch_seconds: float | None = None
    protocol: Protocol | None = None
    training: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Gpu:
    """As torch tells it."""

    name: str
    memory_bytes: int | None = None
    driver: str | None = None
    power_limit_w: float | None = None


@dataclass(frozen=True)
class Way:
    """How a quantity is come by."""

    method: str
    how: str


@dataclass(frozen=True)
class Capabilities:
    """What can be measured there."""

    measurable: dict[str, Way] = field(default_factory=dict)


@dataclass(frozen=True)
class Machine:
    """Hardware and software."""

    cpu: str | None = None
    cores: int | None = None
    memory_bytes: int | None = None
    system: str | None = None
    python: str | None = None
    cuda: str | None = None
    gpus: tuple[Gpu, ...] = ()
    packages: dict[str, str | None] = field(default_factory=dict)
    capabilities: Capabilities = field(default_factory=Capabilities)

    @property
    def named(self) -> str:
        """The processor and the GPUs, in a line."""
        return ", ".join([self.cpu or "processor not told", *(gpu.name for gpu in self.gpus)])

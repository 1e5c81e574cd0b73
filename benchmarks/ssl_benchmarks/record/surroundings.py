"""The settings and the machine of a record, as far as readers use them; a record may hold more, and an older one less."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Protocol:
    """How a cell was measured: seconds per window, repeat, rest and warm-up, and by what share warm windows may differ."""

    window: float
    tolerance: float
    repeats: int
    duration: float
    cool_down: float
    warm_up_limit: float | None = None


@dataclass(frozen=True)
class Settings:
    """Settings of any command; `training` holds those that all runs of a study share."""

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
    """A GPU as torch describes it."""

    name: str
    memory_bytes: int | None = None
    driver: str | None = None
    power_limit_w: float | None = None


@dataclass(frozen=True)
class Way:
    """How a quantity is obtained."""

    method: str
    how: str


@dataclass(frozen=True)
class Capabilities:
    """What can be measured on the machine."""

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
        """The processor and the GPUs in one line."""
        return ", ".join([self.cpu or "processor not recorded", *(gpu.name for gpu in self.gpus)])

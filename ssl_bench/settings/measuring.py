"""Everything `sslbench measure` can be told, and the cells that follow from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ssl_bench.settings.machine import Device, Precision, check_grid, chosen_device
from ssl_models.catalog import card, is_foreign, require_name, require_pretrained
from ssl_models.errors import BadInputError, choose

Phase = Literal["inference", "training"]
SWEPT = ("clip-seconds", "batch-seconds")
SHORTEST_CLIP, LONGEST_CLIP = 0.32, 3600.0
REPEATS = 5


@dataclass(frozen=True)
class MeasureConfig:
    """The options of `sslbench measure`; None is decided by the device (see `resolved`).

    Attributes:
        model: as `load_model` takes it.
        pretrained: published weights for a catalog model: a folder, a safetensors file or a name on the hub.
        clip_seconds: of one clip.
        batch_seconds: of audio in a call; 240 on a GPU, one clip on a CPU.
        duration: s of one repeat; 10 on a GPU, 5 on a CPU.
        repeats: each in a process of its own, in turn with those of other cells; 5.
        minutes: of the whole command, or None: shorter and fewer repeats where there is no time for those asked for.
        data: "sample", or a folder of audio that the clips are cut from.
        sweep: what is swept and its values, or None.
        idle: whether idle power is measured first, where there is a counter.
        strict: whether a disturbance of the measurement is an error.
    """

    model: str
    phase: Phase = "inference"
    clip_seconds: float = 15.0
    batch_seconds: float | None = None
    duration: float | None = None
    repeats: int = REPEATS
    minutes: float | None = None
    precision: Precision = "auto"
    compile: bool = False
    device: Device = "auto"
    seed: int = 0
    country: str | None = None
    grid_intensity: float | None = None
    pue: float = 1.0
    data: str = "sample"
    sweep: tuple[str, tuple[float, ...]] | None = None
    idle: bool = True
    strict: bool = False
    out: str | None = None
    pretrained: str | None = None


@dataclass(frozen=True)
class Shape:
    """Of a batch: `clips` clips of `clip_seconds`; `label` tells it from the other cells of the run."""

    clip_seconds: float
    clips: int
    label: str


def parse_sweep(text: str) -> tuple[str, tuple[float, ...]]:
    """KEY=V1,V2,... with `clip-seconds` or `batch-seconds` as the key.

    Raises:
        BadInputError: for anything else.
    """
    key, equals, listed = text.partition("=")
    if not equals:
        raise BadInputError(f"--sweep {text}: write KEY=V1,V2,..., such as clip-seconds=1,2,5,10,20,30")
    key = choose(key.strip().replace("_", "-"), SWEPT, "key of --sweep")
    try:
        values = tuple(float(part) for part in listed.split(","))
    except ValueError as error:
        raise BadInputError(f"--sweep {text}: {listed!r} is not a list of numbers such as 1,2,5") from error
    if not all(0 < value < math.inf for value in values):
        raise BadInputError(f"--sweep {text}: every value must be more than 0")
    if len(set(values)) < len(values):
        raise BadInputError(f"--sweep {text}: a value is there twice")
    return key, values


def check_early(config: MeasureConfig) -> None:
    """What can be refused before torch is imported.

    Raises:
        BadInputError: for an unknown model or a setting out of range.
    """
    require_name(config.model)
    if not is_foreign(config.model):
        card(config.model)
    require_pretrained(config.model, config.pretrained)
    _check_numbers(config)
    check_grid(config.pue, config.country, config.grid_intensity)
    if config.data != "sample" and not Path(config.data).is_dir():
        raise BadInputError(f"{config.data}: no such folder; --data takes a folder of audio files, or 'sample'")


def _check_numbers(config: MeasureConfig) -> None:
    least: tuple[tuple[str, float | None, float], ...] = (
        ("seed", config.seed, 0.0), ("repeats", config.repeats, 1.0),
        ("duration", config.duration, 0.001), ("batch-seconds", config.batch_seconds, SHORTEST_CLIP),
        ("minutes", config.minutes, 0.0),
    )  # fmt: skip
    for name, value, lowest in least:
        if value is not None and not lowest <= value < math.inf:
            raise BadInputError(f"--{name} {value:g}: must be at least {lowest:g}")
    for seconds in _swept(config, "clip-seconds", config.clip_seconds):
        if not SHORTEST_CLIP <= seconds <= LONGEST_CLIP:
            raise BadInputError(f"--clip-seconds {seconds:g}: must lie between {SHORTEST_CLIP} and {LONGEST_CLIP:g}")


def resolved(config: MeasureConfig, *, cuda: bool) -> MeasureConfig:
    """The config with every choice made that was left to the device.

    Raises:
        BadInputError: for a device that is not here.
    """
    device, precision = chosen_device(config.device, config.precision, cuda=cuda)
    gpu = device == "cuda"
    return replace(
        config,
        device=device,
        precision=precision,
        batch_seconds=240.0 if gpu and config.batch_seconds is None else config.batch_seconds,
        duration=(10.0 if gpu else 5.0) if config.duration is None else config.duration,
    )


def shapes(config: MeasureConfig) -> list[Shape]:
    """The cells of a resolved config, in the order asked for; a batch holds at least one clip."""
    cells = []
    for clip in _swept(config, "clip-seconds", config.clip_seconds):
        for batch in _swept(config, "batch-seconds", config.batch_seconds or clip):
            by_batch = config.sweep is not None and config.sweep[0] == "batch-seconds"
            label = f"batch-seconds={batch:g}" if by_batch else f"clip-seconds={clip:g}"
            cells.append(Shape(clip, max(1, round(batch / clip)), label))
    return cells


def _swept(config: MeasureConfig, key: str, otherwise: float) -> tuple[float, ...]:
    return config.sweep[1] if config.sweep is not None and config.sweep[0] == key else (otherwise,)

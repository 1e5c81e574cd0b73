"""Everything `sslbench compare` can be told, and what follows from it: the cells of a round and how long each is timed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from ssl_bench.settings.machine import Device, Precision, check_grid, chosen_device
from ssl_bench.settings.measuring import LONGEST_CLIP, SHORTEST_CLIP, Phase
from ssl_benchmarks.record.details.life import Life
from ssl_models.catalog import CATALOG, HEADLINE, require_name
from ssl_models.errors import BadInputError
from ssl_models.names import choose

if TYPE_CHECKING:
    from ssl_benchmarks.comparing.rounds import Cell
    from ssl_benchmarks.timing.protocol import Protocol

PHASES: tuple[Phase, ...] = get_args(Phase)
ON_CPU = ("efficient-tiny", "essl", "wav2vec2-base", "hubert-base")
ON_GPU = (HEADLINE, "essl", "wav2vec2-base", "hubert-base", "hubert-large")
WARM_UP = {"cpu": 2.0, "cuda": 5.0}
"""s after which a cell that is still not steady is measured all the same: the rounds show how it goes on."""


@dataclass(frozen=True)
class CompareConfig:
    """The options of `sslbench compare`; None is decided by the device (see `resolved`).

    Attributes:
        models: as `load_model` takes them, at least one.
        phases: of "inference" and "training".
        clip_seconds: of one clip; 15 on a GPU, 5 on a CPU.
        batch_seconds: of audio in a call; 240 on a GPU, one clip on a CPU.
        minutes: of the whole command: no round begins that would end later, and what has no time is left out by name.
        precision_target: half-width of the 95 % intervals, as a share of the value, at which the rounds end.
        pretrained: published weights for the catalog models: of all (a folder, a safetensors file or a name on the hub), or of
            some, as MODEL=WEIGHTS with commas between.
        compile: whether the steps are compiled.
        baseline: of the ratios; the first model.
        price_per_gpu_hour: of the device, in any unit of money.
        life: what the ledger adds up.
        data: "sample", or a folder of audio that the clips are cut from.
        idle: whether idle power is measured first, where there is a counter.
        strict: whether a disturbance of the measurement is an error.
        published: whether what others publish is shown beside it.
    """

    models: tuple[str, ...] = ()
    phases: tuple[Phase, ...] = PHASES
    clip_seconds: float | None = None
    batch_seconds: float | None = None
    precision: Precision = "auto"
    device: Device = "auto"
    minutes: float = 10.0
    precision_target: float = 0.02
    baseline: str | None = None
    country: str | None = None
    grid_intensity: float | None = None
    pue: float = 1.0
    price_per_gpu_hour: float | None = None
    life: Life = field(default_factory=Life)
    data: str = "sample"
    seed: int = 0
    idle: bool = True
    strict: bool = False
    published: bool = False
    out: str | None = None
    pretrained: str | None = None
    compile: bool = False

    @property
    def cells(self) -> list[Cell]:
        """Every model and phase, as the tables have them."""
        return [(model, phase) for phase in self.phases for model in self.models]

    @property
    def weights(self) -> dict[str, str]:
        """Models and their published weights, of a resolved config."""
        return chosen_weights(self.pretrained, self.models)

    @property
    def shape(self) -> tuple[float, int]:
        """Seconds of a clip and clips in a batch, of a resolved config."""
        clip = self.clip_seconds or 5.0
        return clip, max(1, round((self.batch_seconds or clip) / clip))

    @property
    def protocol(self) -> Protocol:
        """One window in each round, which later rounds prolong as time allows (`round_plan.window_seconds`)."""
        from ssl_benchmarks.comparing.round_plan import SHORTEST_WINDOW
        from ssl_benchmarks.timing.protocol import Protocol

        limit, shortest = WARM_UP[self.device], SHORTEST_WINDOW[self.device]
        return Protocol(shortest, repeats=1, cool_down=0.0, window=0.3, warm_up_limit=limit, fewest_calls=1)


def parse_share(text: str) -> float:
    """Such as "2%" or "0.02".

    Raises:
        BadInputError: for what is not between 0 and 100 %.
    """
    number, percent, rest = text.strip().partition("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = math.nan
    if rest or not 0 < share < 1:
        raise BadInputError(f"--precision-target {text}: write a share such as 2% or 0.02")
    return share


def parse_names(text: str | None) -> tuple[str, ...]:
    """Models with commas between; none is empty."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def chosen_weights(pretrained: str | None, models: Sequence[str]) -> dict[str, str]:
    """The weights of each model that is given some.

    Raises:
        BadInputError: for weights of a model that is not compared, or that is none of the catalog.
    """
    named = [part.partition("=") for part in parse_names(pretrained)]
    if not all(equals for _, equals, _ in named):
        return {} if pretrained is None else {model: pretrained for model in models if model in CATALOG}
    found = {choose(model, models, "--pretrained"): weights for model, _, weights in named}
    if foreign := [model for model in found if model not in CATALOG]:
        raise BadInputError(f"--pretrained {foreign[0]}=...: only models of the catalog take published weights")
    return found


def parse_phases(text: str) -> tuple[Phase, ...]:
    """Phases with commas between, in the tables' order.

    Raises:
        BadInputError: for an unknown one, or none.
    """
    asked = {choose(name, PHASES, "phase of --phases") for name in parse_names(text)}
    if not asked:
        raise BadInputError("--phases: name inference, training, or both with a comma between")
    return tuple(phase for phase in PHASES if phase in asked)


def check_comparison(config: CompareConfig) -> None:
    """What can be refused before torch is imported.

    Raises:
        BadInputError: for an unknown model or a setting out of range.
    """
    for model in config.models:
        require_name(model)
    if len(set(config.models)) < len(config.models):
        raise BadInputError(f"--models {','.join(config.models)}: a model is there twice")
    if config.baseline is not None and config.models:
        choose(config.baseline, config.models, "--baseline")
    chosen_weights(config.pretrained, config.models or (*ON_CPU, *ON_GPU))
    _check_numbers(config)
    check_grid(config.pue, config.country, config.grid_intensity)
    if config.data != "sample" and not Path(config.data).is_dir():
        raise BadInputError(f"{config.data}: no such folder; --data takes a folder of audio files, or 'sample'")


def _check_numbers(config: CompareConfig) -> None:
    life = config.life
    least: tuple[tuple[str, float | None, float], ...] = (
        ("seed", config.seed, 0.0), ("minutes", config.minutes, 0.0), ("batch-seconds", config.batch_seconds, SHORTEST_CLIP),
        ("price-per-gpu-hour", config.price_per_gpu_hour, 0.0), ("finetunings", life.finetunings, 0.0),
        ("finetuning-hours", life.finetuning_hours, 0.0), ("inference-hours", life.inference_hours, 0.0),
    )  # fmt: skip
    for name, value, lowest in least:
        if value is not None and not lowest <= value < math.inf:
            raise BadInputError(f"--{name} {value:g}: must be at least {lowest:g}")
    clip = config.clip_seconds
    if clip is not None and not SHORTEST_CLIP <= clip <= LONGEST_CLIP:
        raise BadInputError(f"--clip-seconds {clip:g}: must lie between {SHORTEST_CLIP} and {LONGEST_CLIP:g}")


def resolved(config: CompareConfig, *, cuda: bool) -> CompareConfig:
    """The config with every choice made that was left to the device.

    Raises:
        BadInputError: for a device that is not here, or a baseline that is not compared.
    """
    device, precision = chosen_device(config.device, config.precision, cuda=cuda)
    gpu = device == "cuda"
    models = config.models or (ON_GPU if gpu else ON_CPU)
    baseline = models[0] if config.baseline is None else choose(config.baseline, models, "--baseline")
    clip = (15.0 if gpu else 5.0) if config.clip_seconds is None else config.clip_seconds
    batch = (240.0 if gpu else clip) if config.batch_seconds is None else config.batch_seconds
    return replace(
        config,
        device=device,
        precision=precision,
        models=models,
        baseline=baseline,
        clip_seconds=clip,
        batch_seconds=batch,
    )

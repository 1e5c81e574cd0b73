"""Everything `train-and-measure` can be told, from defaults, a TOML file and the command line, in that order."""

from __future__ import annotations

import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ssl_bench.settings.machine import Device, Precision, check_grid, chosen_device
from ssl_benchmarks.files.text_files import text_of
from ssl_models.baselines.wav2vec2.config import Wav2Vec2FamilyConfig, second_iteration
from ssl_models.catalog import CATALOG, HEADLINE, described
from ssl_models.efficient.config import RANDOM_PROJECTION, EfficientConfig
from ssl_models.errors import BadInputError, choose
from ssl_models.families import ModelConfig, family_of
from ssl_models.settings import fits, spelled

Targets = Literal["k-means", "random-projection"]


@dataclass(frozen=True)
class TrainAndMeasureConfig:
    """The options of `sslbench train-and-measure`; None is decided by the machine (see `resolved`).

    Attributes:
        data: "sample" or a folder of audio.
        speakers: a regular expression with a group `speaker`, found in the path of each file below its folder; None is
            LibriSpeech's layout.
        keep_odd_audio: whether files whose audio is odd are trained on, too (see `ssl_bench.data.audio.UNFIT`).
        minutes, steps, audio_hours, kwh: the budget; what comes first ends it.
        targets: of the efficient models, "k-means" or "random-projection".
        teacher: for HuBERT's later iterations, the model whose layer gives the units: a run's folder or a catalog name;
            `teacher_layer` is that layer.
        pretrained: published weights that the encoder starts from.
        clip_seconds: of one clip; `batch_seconds` of audio a step are cut into such clips.
        evaluate_minutes: all that comes after the training may take: measuring at work, evaluating, the report; None is as long
            as `minutes`, else as the training took, at least two (see `ssl_bench.training.after_training`).
        idle: whether idle power is measured before training (10 s, or a tenth of `minutes`, where there is a counter).
        inference: whether the trained encoder is measured at work, which takes some ten seconds.
        strict: whether a disturbance of the measurement is an error.
        price_per_gpu_hour: of the device, in any unit of money; the forecast of a whole pretraining has its price then.
        encoder, objective, optimisation: what differs from the named model's own settings.
    """

    model: str | None = None
    data: str = "sample"
    eval_data: str | None = None
    speakers: str | None = None
    keep_odd_audio: bool = False
    out: str | None = None
    steps: int | None = None
    audio_hours: float | None = None
    minutes: float | None = None
    kwh: float | None = None
    batch_seconds: float | None = None
    clip_seconds: float = 15.36
    targets: Targets | None = None
    teacher: str | None = None
    teacher_layer: int = 6
    pretrained: str | None = None
    device: Device = "auto"
    precision: Precision = "auto"
    compile: bool | None = None
    seed: int = 0
    country: str | None = None
    grid_intensity: float | None = None
    pue: float = 1.0
    price_per_gpu_hour: float | None = None
    evaluate: bool = True
    evaluate_minutes: float | None = None
    idle: bool = True
    inference: bool = True
    strict: bool = False
    checkpoint_minutes: float = 10.0
    encoder: Mapping[str, Any] = field(default_factory=dict)
    objective: Mapping[str, Any] = field(default_factory=dict)
    optimisation: Mapping[str, Any] = field(default_factory=dict)

    def model_config(self) -> ModelConfig:
        """The model's settings with this run's own put over them."""
        config = self._with_targets(CATALOG[choose(self.model or "", CATALOG, "model")])
        changed = {table: _overridden(getattr(config, table), getattr(self, table), table) for table in TABLES}
        try:
            return replace(config, **changed)
        except ValueError as error:
            raise BadInputError(f"[encoder] and [objective]: {error}") from error

    def _with_targets(self, config: ModelConfig) -> ModelConfig:
        """The catalog's settings with the targets that were asked for."""
        if self.targets is not None:
            if not isinstance(config, EfficientConfig):
                raise BadInputError(f"--targets is for the efficient models; {self.model} has targets of its own")
            if self.targets != config.objective.targets:
                config = replace(config, objective=RANDOM_PROJECTION)
        if self.teacher is not None:
            config = self._taught(config)
        return config

    def _taught(self, config: ModelConfig) -> ModelConfig:
        """HuBERT on units of the teacher's layer."""
        teacher = described(self.teacher or "")[1]
        if not (isinstance(config, Wav2Vec2FamilyConfig) and isinstance(teacher, Wav2Vec2FamilyConfig)):
            raise BadInputError(f"--teacher: {self.model} and {self.teacher} must both be of HuBERT's family")
        try:
            return second_iteration(config, teacher.encoder, self.teacher_layer)
        except (TypeError, ValueError) as error:
            raise BadInputError(f"--teacher {self.teacher}: {error}") from error


TABLES = ("encoder", "objective", "optimisation")
WORTH_COMPILING = 5.0
"""Minutes: the first compiled step takes one or two."""
POSITIVE = (
    "steps",
    "audio_hours",
    "minutes",
    "kwh",
    "batch_seconds",
    "clip_seconds",
    "checkpoint_minutes",
    "evaluate_minutes",
)


def resolved(config: TrainAndMeasureConfig, *, cuda: bool) -> TrainAndMeasureConfig:
    """The config with every choice made that was left to the machine, and checked.

    Raises:
        BadInputError: for a setting that is out of range or cannot be had on this machine.
    """
    device, precision = chosen_device(config.device, config.precision, cuda=cuda)
    gpu = device == "cuda"
    limited = any(x is not None for x in (config.steps, config.audio_hours, config.minutes, config.kwh))
    model = config.model or (HEADLINE if gpu else "efficient-tiny")
    ours = family_of(CATALOG[choose(model, CATALOG, "model")]).compiles
    config = replace(
        config,
        device=device,
        model=model,
        precision=precision,
        minutes=config.minutes if limited else (30.0 if gpu else 2.0),
        batch_seconds=_batch_seconds(gpu=gpu, light=ours) if config.batch_seconds is None else config.batch_seconds,
        compile=gpu and ours and not _short(config) if config.compile is None else config.compile,
    )
    for name in POSITIVE:
        value = getattr(config, name)
        if value is not None and not 0 < value < float("inf"):
            raise BadInputError(f"--{name.replace('_', '-')} {value}: must be more than 0")
    if config.clip_seconds < 0.32:
        raise BadInputError(f"clip_seconds {config.clip_seconds}: a clip must hold at least 0.32 s")
    check_grid(config.pue, config.country, config.grid_intensity)
    if config.price_per_gpu_hour is not None and not 0 <= config.price_per_gpu_hour < float("inf"):
        raise BadInputError(f"--price-per-gpu-hour {config.price_per_gpu_hour:g}: must be at least 0")
    if config.seed < 0:
        raise BadInputError(f"--seed {config.seed}: must be at least 0")
    config.model_config()
    return config


def _short(config: TrainAndMeasureConfig) -> bool:
    """Whether compiling would take a good part of the minutes."""
    return config.minutes is not None and config.minutes < WORTH_COMPILING


def _batch_seconds(*, gpu: bool, light: bool) -> float:
    """Audio in a step: on a card what 24 GB hold of most models of either weight, on a CPU enough steps in minutes."""
    if gpu:
        return 491.52 if light else 245.76
    return 30.72 if light else 15.36


def check_choices(settings: Mapping[str, Any]) -> None:
    """Hold the settings that are one of a few words against these.

    Raises:
        BadInputError: naming what would be right.
    """
    for name, kind in (("device", Device), ("precision", Precision), ("targets", Targets)):
        if settings.get(name) is not None:
            choose(str(settings[name]), typing.get_args(kind), f"--{name}")


def clip_shape(config: TrainAndMeasureConfig) -> tuple[int, int]:
    """Clips in a batch and samples in a clip, whole encoder frames: about `batch_seconds` of audio together."""
    batch = config.batch_seconds or config.clip_seconds
    frame = config.model_config().encoder.samples_per_frame
    samples = max(frame * 8, round(min(config.clip_seconds, batch) * 16_000 / frame) * frame)
    return max(1, round(batch * 16_000 / samples)), samples


def read_toml(path: Path) -> dict[str, Any]:
    """Settings from a TOML file, keys as in the options (hyphens or underscores), tables for the model's own.

    Raises:
        BadInputError: for a missing or broken file, an unknown key or a value of the wrong kind.
    """
    try:
        document = tomllib.loads(text_of(path.read_bytes()))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BadInputError(f"{path}: not readable as TOML ({reason})") from error
    settings = {key.replace("-", "_"): value for key, value in document.items()}
    return _checked(TrainAndMeasureConfig, settings, str(path))


def _overridden(base: Any, changes: Mapping[str, Any], table: str) -> Any:  # noqa: ANN401 - any settings dataclass
    """`base` with the changes of a TOML table."""
    if not changes:
        return base
    inner = {
        key: _overridden(getattr(base, key), value, f"{table}.{key}")
        for key, value in changes.items()
        if isinstance(value, Mapping) and is_dataclass(getattr(base, key, None))
    }
    try:
        return replace(base, **_checked(type(base), {**changes, **inner}, f"[{table}]"))
    except ValueError as error:
        raise BadInputError(f"[{table}]: {error}") from error


def _checked(kind: type, settings: dict[str, Any], where: str) -> dict[str, Any]:
    """The settings, each a field of `kind` and of its type; whole numbers may stand for floats."""
    hints = typing.get_type_hints(kind)
    names = [f.name for f in fields(kind)]
    result: dict[str, Any] = {}
    for key, value in settings.items():
        try:
            wanted = hints[choose(key, names, "setting")]
        except BadInputError as error:
            raise BadInputError(f"{where}: {error}") from error
        if not fits(value, wanted):
            raise BadInputError(f"{where}: {key} = {value!r} is not of the kind {spelled(wanted)}")
        result[key] = tuple(value) if isinstance(value, list) else value
    return result

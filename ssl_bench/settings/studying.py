"""Everything a study can be told: models, seeds, the budget they share, and how they are evaluated."""

from __future__ import annotations

import json
import math
import typing
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from ssl_bench.settings.evaluating import OF_SPEECH, EvaluationSettings, check_evaluation
from ssl_benchmarks.energy.carbon import JOULES_PER_KWH
from ssl_benchmarks.record.record import write_atomically
from ssl_models.catalog import CATALOG
from ssl_models.documents import typed
from ssl_models.errors import BadInputError
from ssl_models.names import choose

Equal = Literal["joules", "audio-hours", "flops", "minutes"]
LIMITS = ("steps", "audio_hours", "minutes", "kwh")


@dataclass(frozen=True)
class StudyConfig:
    """Several runs of `train-and-measure` that are told the same.

    Attributes:
        models: of the catalog; empty is the machine's default one.
        seeds: runs of each model, with `seed`, `seed` + 1, ...
        equal: what every run may spend `budget` of (J, h, FLOP, min); None leaves the budget to `training`.
        evaluation: how the trained models are evaluated; None where they are not.
        training: settings that all runs share, by the names of `TrainAndMeasureConfig`.
    """

    models: tuple[str, ...] = ()
    seeds: int = 1
    seed: int = 0
    equal: Equal | None = None
    budget: float | None = None
    evaluation: EvaluationSettings | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    out: str | None = None

    @property
    def runs(self) -> list[tuple[str, int]]:
        """Model and seed in the order of training: every model once, then again, so that a slow drift hits all alike."""
        return [(model, self.seed + number) for number in range(self.seeds) for model in self.models]

    @property
    def data(self) -> str:
        """The speech to train on and to learn labels from."""
        return str(self.training.get("data", "sample"))

    def run_settings(self, model: str, seed: int, budget: Mapping[str, float]) -> dict[str, Any]:
        """What one run is told, by the names of `TrainAndMeasureConfig`; the evaluation, and its time, are the study's."""
        shared = {name: value for name, value in self.training.items() if name != "evaluate_minutes"}
        return {**shared, **budget, "model": model, "seed": seed, "evaluate": False}


def parse_models(text: str) -> tuple[str, ...]:
    """Names of models with commas between them.

    Raises:
        BadInputError: for one that is not in the catalog, or there twice.
    """
    models = tuple(part.strip() for part in text.split(",") if part.strip())
    if not models:
        raise BadInputError("--models: name at least one of `sslbench models`, with commas between")
    for model in models:
        choose(model, CATALOG, "model")
    if len(set(models)) < len(models):
        raise BadInputError(f"--models {text}: a model is there twice")
    return models


def check_study(config: StudyConfig) -> None:
    """What can be refused before torch is imported.

    Raises:
        BadInputError: for settings that are out of range or do not go together.
    """
    if config.seeds < 1 or config.seed < 0:
        raise BadInputError("--seeds must be at least 1, --seed at least 0")
    _check_budget(config)
    for model in config.models:
        choose(model, CATALOG, "model")
    if config.evaluation is None:
        return
    check_evaluation(config.evaluation)
    given = config.training.get("eval_data") is not None
    if config.data != "sample" and not given and OF_SPEECH & set(config.evaluation.tasks):
        raise BadInputError("--tasks needs --eval-data FOLDER: speech of other speakers to rate on")
    if config.data == "sample" and given:
        raise BadInputError("--tasks with --eval-data needs --data FOLDER; the sample corpus is split by itself")


def _check_budget(config: StudyConfig) -> None:
    if config.equal is None:
        if config.budget is not None:
            raise BadInputError(
                f"--budget {config.budget:g}: say of what by --equal {'|'.join(typing.get_args(Equal))}"
            )
        return
    choose(config.equal, typing.get_args(Equal), "--equal")
    if config.budget is None:
        raise BadInputError(f"--equal {config.equal}: say how much by --budget")
    if not 0 < config.budget < math.inf:
        raise BadInputError(f"--budget {config.budget:g}: must be more than 0")
    both = [f"--{name.replace('_', '-')}" for name in LIMITS if config.training.get(name) is not None]
    if both:
        raise BadInputError(f"--equal sets the budget of every run; leave out {', '.join(both)}")


def run_budget(equal: Equal | None, budget: float, flops_per_audio_hour: float | None) -> dict[str, float]:
    """The budget of a study as a run takes it; FLOPs become hours of audio by what training on one hour costs."""
    match equal:
        case None:
            return {}
        case "joules":
            return {"kwh": budget / JOULES_PER_KWH}
        case "audio-hours":
            return {"audio_hours": budget}
        case "minutes":
            return {"minutes": budget}
        case "flops":
            if not flops_per_audio_hour:
                raise BadInputError("--equal flops: no matrix product was counted in this model's training")
            return {"audio_hours": budget / flops_per_audio_hour}


def document_of(config: StudyConfig) -> dict[str, Any]:
    """As the record holds it; `config_of` is the inverse."""
    return {**asdict(config), "training": dict(config.training)}


def config_of(document: Mapping[str, Any]) -> StudyConfig:
    """The inverse of `document_of`, through JSON; what else the document holds is passed over.

    Raises:
        BadInputError: for a document that is of no study.
    """
    try:
        config = typed(StudyConfig, document)
    except ValueError as error:
        raise BadInputError(f"not the settings of a study ({error})") from error
    return replace(
        config, training=dict(document.get("training", {})), out=document.get("out")
    )  # paths need not be text


def require_unchanged(asked: StudyConfig, before: StudyConfig) -> None:
    """Hold what a `--resume` is told against what the study began with; what is left at its default is not told.

    Raises:
        BadInputError: naming what differs.
    """
    changed = [key for key in asked.training if _plain(asked.training[key]) != _plain(before.training.get(key))]
    changed += _differing(replace(asked, training={}, out=None, evaluation=None), before)
    if asked.evaluation is not None:
        changed += _differing(asked.evaluation, before.evaluation)
    if changed:
        names = ", ".join("--" + key.replace("_", "-") for key in changed)
        raise BadInputError(f"--resume: {names} cannot differ from what the study began with")


def _differing(asked: Any, before: object) -> list[str]:  # noqa: ANN401 - either dataclass of settings
    """Fields that are neither at their default nor as before."""
    default = type(asked)()
    names = [f.name for f in fields(asked) if getattr(asked, f.name) != getattr(default, f.name)]
    return [name for name in names if getattr(asked, name) != getattr(before, name, None)]


def _plain(value: object) -> object:
    """As it comes back from a record."""
    return json.loads(json.dumps(value))


def write_toml(settings: Mapping[str, Any], path: Path) -> None:
    """Write settings as `read_toml` reads them; what is None is left out."""
    write_atomically(path, "".join(f"{line}\n" for line in _toml_lines(settings, "")))


def _toml_lines(settings: Mapping[str, Any], before: str) -> list[str]:
    """One line a value, keys of tables with dots; JSON's scalars and lists are TOML's too."""
    lines = []
    for key, value in settings.items():
        if isinstance(value, Mapping):
            lines += _toml_lines(value, f"{before}{key}.")
        elif value is not None:
            text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
            lines.append(f"{before}{key} = {text}")
    return lines

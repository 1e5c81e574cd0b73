"""Settings of a study: models, seeds, their common budget, and how they are evaluated."""

from __future__ import annotations

import json
import math
import typing
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from typing import Any, Literal, Self

from ssl_bench.settings.evaluating import EVALUATION, OF_SPEECH, RATED, EvaluationSettings, parse_tasks
from ssl_bench.settings.options import Option, Setting, Settings, nested, option, parse_listed
from ssl_bench.settings.training import TrainAndMeasureConfig
from ssl_benchmarks.record.quantity import JOULES_PER_KWH
from ssl_models.catalog import CATALOG, HEADLINE
from ssl_models.documents import typed
from ssl_models.errors import BadInputError, choose

Equal = Literal["joules", "audio-hours", "flops", "minutes"]
LIMITS = ("steps", "audio_hours", "minutes", "kwh")
STUDY = "Study (several runs, same settings)"
parse_models = partial(parse_listed, known=CATALOG, what="model")


@dataclass(frozen=True)
class StudyConfig(Settings):
    """Several runs of `train-and-measure` with the same settings.

    Attributes:
        models: catalogue names; empty is the default model of `train-and-measure`.
        seeds: runs per model, with `seed`, `seed` + 1, ...
        equal: quantity of which each run may spend `budget` (J, h, FLOP, min); None leaves the budget to `training`.
        evaluation: how the trained models are evaluated; None if they are not.
        training: settings shared by all runs, by the field names of `TrainAndMeasureConfig`.
    """

    models: tuple[str, ...] = option(
        (),
        "Comma-separated catalogue names of the models to train.",
        default_text=f"efficient-tiny on a CPU, {HEADLINE} on a GPU",
        panel=STUDY,
        parse=parse_models,
    )
    seeds: int = option(1, "Runs per model; a row shows their mean and interval.", panel=STUDY)
    seed: int = option(0, "First random seed.", panel=STUDY)
    equal: Equal | None = option(
        None,
        "Budget shared by all runs: joules, audio-hours, flops or minutes.",
        default_text="the budget below",
        panel=STUDY,
    )
    budget: float | None = option(
        None, "Amount of --equal per run: J, h, FLOP or min.", default_text="none", panel=STUDY
    )
    evaluation: EvaluationSettings | None = nested(
        EvaluationSettings, None, tasks=Option(RATED, default_text="none", panel=EVALUATION, parse=parse_tasks)
    )
    training: Mapping[str, Any] = field(default_factory=dict)
    out: str | None = option(None, "The study folder.", default_text="runs/study-TIME")

    @classmethod
    def settings(cls) -> list[Setting]:
        """The study's own settings, then those shared by all its runs."""
        own = super().settings()
        shared = [s for s in TrainAndMeasureConfig.settings() if s.name not in {"model", "seed", "out", "evaluate"}]
        return own + [replace(s, path=("training", *s.path)) for s in shared]

    @classmethod
    def of_file(cls) -> type:
        """The same files as for its runs."""
        return TrainAndMeasureConfig

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """See `Settings.read`; other names are settings of the runs, and `model` stands for a single one of `models`.

        Raises:
            BadInputError: for evaluation settings without tasks, or both `model` and `models`.
        """
        if given.keys() >= {"model", "models"}:
            raise BadInputError("give --model or --models, not both")
        if "model" in given:
            given = {"models": (given["model"],), **{name: value for name, value in given.items() if name != "model"}}
        own = {setting.name for setting in super().settings()}
        of_runs = {name: value for name, value in given.items() if name not in own}
        learned = {s.name for s in super().settings() if s.path[0] == "evaluation"} & given.keys()
        if learned and "tasks" not in given:
            raise BadInputError("--labels, --head and other settings of an evaluation need --tasks")
        if "evaluate" in of_runs:
            raise BadInputError("--evaluate and --no-evaluate are for single runs; a study takes --tasks instead")
        known = super().read({name: value for name, value in given.items() if name in own})
        return replace(known, training=of_runs)

    def check(self) -> None:
        """See `Settings.check`; the budget is given once, and the evaluation has its speech."""
        if self.seeds < 1 or self.seed < 0:
            raise BadInputError("--seeds must be at least 1, --seed at least 0")
        self._check_budget()
        for model in self.models:
            choose(model, CATALOG, "model")
        if self.evaluation is not None:
            self._check_evaluation(self.evaluation)
        TrainAndMeasureConfig.read(self.training).check()

    def _check_evaluation(self, evaluation: EvaluationSettings) -> None:
        evaluation.check()
        given = self.training.get("eval_data") is not None
        if self.data != "sample" and not given and OF_SPEECH & set(evaluation.tasks):
            raise BadInputError("--tasks needs --eval-data FOLDER: speech of other speakers to test on")
        if self.data == "sample" and given:
            raise BadInputError("--tasks with --eval-data needs --data FOLDER; the sample corpus has its own split")

    def _check_budget(self) -> None:
        if self.equal is None:
            if self.budget is not None:
                words = "|".join(typing.get_args(Equal))
                raise BadInputError(f"--budget {self.budget:g}: name its quantity with --equal {words}")
            return
        choose(self.equal, typing.get_args(Equal), "--equal")
        if self.budget is None:
            raise BadInputError(f"--equal {self.equal}: give the amount with --budget")
        if not 0 < self.budget < math.inf:
            raise BadInputError(f"--budget {self.budget:g}: must be more than 0")
        both = [f"--{name.replace('_', '-')}" for name in LIMITS if self.training.get(name) is not None]
        if both:
            raise BadInputError(f"--equal sets the budget of every run; leave out {', '.join(both)}")

    @property
    def runs(self) -> list[tuple[str, int]]:
        """Model and seed in training order: every model once, then again, so that slow drift affects all equally."""
        return [(model, self.seed + number) for number in range(self.seeds) for model in self.models]

    @property
    def data(self) -> str:
        """The speech for pretraining and for training the heads."""
        return str(self.training.get("data", "sample"))

    def run_settings(self, model: str, seed: int, budget: Mapping[str, float]) -> dict[str, Any]:
        """Settings of one run, by field name of `TrainAndMeasureConfig`; the study itself does the evaluation."""
        shared = {name: value for name, value in self.training.items() if name != "evaluate_minutes"}
        return {**shared, **budget, "model": model, "seed": seed, "evaluate": False}


def run_budget(equal: Equal | None, budget: float, flops_per_audio_hour: float | None) -> dict[str, float]:
    """A study's budget as settings of a run; FLOPs are divided by those of training on an hour of audio."""
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
                raise BadInputError("--equal flops: no matrix products were counted in this model's training")
            return {"audio_hours": budget / flops_per_audio_hour}


def document_of(config: StudyConfig) -> dict[str, Any]:
    """The settings as the record holds them; `config_of` is the inverse."""
    return {**asdict(config), "training": dict(config.training)}


def config_of(document: Mapping[str, Any]) -> StudyConfig:
    """The inverse of `document_of`, through JSON; anything else in the document is ignored.

    Raises:
        BadInputError: for a document that does not describe a study.
    """
    try:
        config = typed(StudyConfig, document)
    except ValueError as error:
        raise BadInputError(f"not the settings of a study ({error})") from error
    return replace(
        config, training=dict(document.get("training", {})), out=document.get("out")
    )  # paths need not be text


def require_unchanged(asked: StudyConfig, before: StudyConfig) -> None:
    """Check the settings of a `--resume` against those of the study; settings at their defaults count as not given.

    Raises:
        BadInputError: naming the settings that differ.
    """
    changed = [key for key in asked.training if _plain(asked.training[key]) != _plain(before.training.get(key))]
    changed += _differing(replace(asked, training={}, out=None, evaluation=None), before)
    if asked.evaluation is not None:
        changed += _differing(asked.evaluation, before.evaluation)
    if changed:
        names = ", ".join("--" + key.replace("_", "-") for key in changed)
        raise BadInputError(f"--resume: {names} cannot differ from the study's own settings")


def _differing(asked: Any, before: object) -> list[str]:  # noqa: ANN401 - either dataclass of settings
    """Fields that differ both from their default and from before."""
    default = type(asked)()
    names = [f.name for f in fields(asked) if getattr(asked, f.name) != getattr(default, f.name)]
    return [name for name in names if getattr(asked, name) != getattr(before, name, None)]


def _plain(value: object) -> object:
    """The value as it is read back from a record."""
    return json.loads(json.dumps(value))

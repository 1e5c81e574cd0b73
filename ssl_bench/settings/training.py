"""Everything `train-and-measure` can be told, from defaults, a TOML file and the command line, in that order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from ssl_bench.data.speakers import speaker_pattern
from ssl_bench.settings.documents import overridden
from ssl_bench.settings.machine import FORECAST, WEIGHTS, MachineSettings
from ssl_bench.settings.measuring import SHORTEST_CLIP
from ssl_bench.settings.options import option
from ssl_models.baselines.wav2vec2.config import Wav2Vec2FamilyConfig, second_iteration
from ssl_models.catalog import CATALOG, HEADLINE, described, require_pretrained
from ssl_models.efficient.config import RANDOM_PROJECTION, EfficientConfig
from ssl_models.errors import BadInputError, choose
from ssl_models.families import ModelConfig, family_of

Targets = Literal["k-means", "random-projection"]
BUDGET = "Budget (what comes first ends the run)"
SPEAKERS = "Regular expression that finds a file's `(?P<speaker>...)` in its path."
KEEP_ODD = "Learn from silent, clipped, cancelled, damaged or wrongly headed files, too."
TABLES = ("encoder", "objective", "optimisation")
WORTH_COMPILING = 5.0
"""Minutes: the first compiled step takes one or two."""


@dataclass(frozen=True)
class TrainAndMeasureConfig(MachineSettings):
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
        inference: whether the trained encoder is measured at work, which takes some ten seconds.
        price_per_gpu_hour: of the device, in any unit of money; the forecast of a whole pretraining has its price then.
        encoder, objective, optimisation: what differs from the named model's own settings.
    """

    model: str | None = option(
        None, "A name of `sslbench models`.", default_text=f"efficient-tiny on a CPU, {HEADLINE} on a GPU"
    )
    data: str = option("sample", "A folder of audio, or 'sample' (half an hour of LibriSpeech).", folder="sample")
    eval_data: str | None = option(None, "A folder of other speakers to probe on.", folder="")
    speakers: str | None = option(None, SPEAKERS, default_text="LibriSpeech's layout")
    keep_odd_audio: bool = option(default=False, help=KEEP_ODD)
    steps: int | None = option(None, "Optimiser steps.", default_text="no limit", panel=BUDGET, above=0)
    audio_hours: float | None = option(
        None, "Hours of audio to see, repeats included.", default_text="no limit", panel=BUDGET, above=0
    )
    minutes: float | None = option(
        None,
        "Minutes from start-up to the last step, of which targets take at most a quarter.",
        default_text="2 on a CPU, 30 on a GPU",
        panel=BUDGET,
        above=0,
    )
    kwh: float | None = option(None, "Energy, targets included.", default_text="no limit", panel=BUDGET, above=0)
    evaluate_minutes: float | None = option(
        None,
        "For all that follows the training; what does not fit is left out, and named.",
        default_text="as long as --minutes, or as the training took",
        panel=BUDGET,
        above=0,
    )
    batch_seconds: float | None = option(
        None, "Audio in a step.", default_text="15 to 31 on a CPU, 246 to 491 on a GPU", above=0
    )
    clip_seconds: float = 15.36
    targets: Targets | None = option(
        None, "k-means or random-projection, for the efficient models.", default_text="k-means"
    )
    teacher: str | None = option(None, "A run whose layer gives the units: HuBERT's second iteration.")
    teacher_layer: int = option(6, "Which layer.")
    pretrained: str | None = option(None, WEIGHTS)
    compile: bool | None = option(
        None, "torch.compile.", default_text="on a GPU, from 5 minutes on", flags="--compile/--no-compile"
    )
    price_per_gpu_hour: float | None = option(None, "Of the device, in any unit of money.", panel=FORECAST, least=0)
    evaluate: bool = option(default=True, help="Probe before and after.", flags="--evaluate/--no-evaluate")
    inference: bool = True
    checkpoint_minutes: float = 10.0
    encoder: Mapping[str, Any] = field(default_factory=dict)
    objective: Mapping[str, Any] = field(default_factory=dict)
    optimisation: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """See `Settings.check`; the model is of the catalog, and its files' speakers can be found."""
        if self.model is not None:
            require_pretrained(choose(self.model, CATALOG, "model"), self.pretrained)
        speaker_pattern(self.speakers)
        super().check()
        for name in ("clip_seconds", "checkpoint_minutes"):
            if not 0 < getattr(self, name) < math.inf:
                raise BadInputError(f"{name} {getattr(self, name)}: must be more than 0")
        if self.clip_seconds < SHORTEST_CLIP:
            raise BadInputError(f"clip_seconds {self.clip_seconds}: a clip must hold at least {SHORTEST_CLIP} s")

    def resolved(self, *, cuda: bool) -> Self:
        """With device, model, budget, batch and compiler decided, and checked; see `Settings.resolved`."""
        known = super().resolved(cuda=cuda)
        gpu = known.device == "cuda"
        limited = any(x is not None for x in (self.steps, self.audio_hours, self.minutes, self.kwh))
        model = self.model or (HEADLINE if gpu else "efficient-tiny")
        ours = family_of(CATALOG[choose(model, CATALOG, "model")]).compiles
        short = self.minutes is not None and self.minutes < WORTH_COMPILING
        known = replace(
            known,
            model=model,
            minutes=self.minutes if limited else (30.0 if gpu else 2.0),
            batch_seconds=_batch_seconds(gpu=gpu, light=ours) if self.batch_seconds is None else self.batch_seconds,
            compile=gpu and ours and not short if self.compile is None else self.compile,
        )
        known.check()
        known.model_config()
        return known

    def model_config(self) -> ModelConfig:
        """The model's settings with this run's own put over them."""
        config = self._with_targets(CATALOG[choose(self.model or "", CATALOG, "model")])
        changed = {table: overridden(getattr(config, table), getattr(self, table), table) for table in TABLES}
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


def _batch_seconds(*, gpu: bool, light: bool) -> float:
    """Audio in a step: on a card what 24 GB hold of most models of either weight, on a CPU enough steps in minutes."""
    if gpu:
        return 491.52 if light else 245.76
    return 30.72 if light else 15.36


def clip_shape(config: TrainAndMeasureConfig) -> tuple[int, int]:
    """Clips in a batch and samples in a clip, whole encoder frames: about `batch_seconds` of audio together."""
    batch = config.batch_seconds or config.clip_seconds
    frame = config.model_config().encoder.samples_per_frame
    samples = max(frame * 8, round(min(config.clip_seconds, batch) * 16_000 / frame) * frame)
    return max(1, round(batch * 16_000 / samples)), samples

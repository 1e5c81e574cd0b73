"""Settings of `sslbench train-and-measure`: defaults, overridden by a TOML file, overridden by the command line."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from ssl_bench.data.speakers import speaker_pattern
from ssl_bench.settings.documents import overridden
from ssl_bench.settings.machine import FORECAST, PRICE, WEIGHTS, MachineSettings
from ssl_bench.settings.measuring import SHORTEST_CLIP
from ssl_bench.settings.options import option
from ssl_models.baselines.wav2vec2.config import Wav2Vec2FamilyConfig, second_iteration
from ssl_models.catalog import CATALOG, HEADLINE, described, require_pretrained
from ssl_models.efficient.config import RANDOM_PROJECTION, EfficientConfig
from ssl_models.errors import BadInputError, choose
from ssl_models.families import ModelConfig, family_of

Targets = Literal["k-means", "random-projection"]
BUDGET = "Budget (the first limit reached ends the run)"
SPEAKERS = "Regular expression whose group `(?P<speaker>...)` matches the speaker in a file's path."
KEEP_ODD = "Also train on files that are silent, clipped or damaged, or have cancelling channels or a wrong header."
TABLES = ("encoder", "objective", "optimisation")
WORTH_COMPILING = 5.0
"""Minutes: the first compiled step takes one or two."""


@dataclass(frozen=True)
class TrainAndMeasureConfig(MachineSettings):
    """The options of `sslbench train-and-measure`; None leaves the choice to the machine (see `resolved`).

    Attributes:
        data: "sample" or a folder of audio.
        speakers: a regular expression with a group `speaker`, searched for in each file's path below its folder; None
            is LibriSpeech's layout.
        keep_odd_audio: whether to train also on files whose audio is odd (see `ssl_bench.data.audio.UNFIT`).
        minutes, steps, audio_hours, kwh: the budget; the first limit reached ends the run.
        targets: "k-means" or "random-projection", for the efficient models.
        teacher: for HuBERT's later iterations, the model whose features are clustered into targets: a run folder or a
            catalogue name; `teacher_layer` is the layer of these features.
        pretrained: published weights from which the encoder starts.
        clip_seconds: clip length in s; each step's `batch_seconds` of audio are cut into such clips.
        evaluate_minutes: time budget of all that follows the training: inference, evaluation, report; None is as long
            as `minutes`, else as the training took, but at least two (see `ssl_bench.training.after_training`).
        inference: whether inference of the trained encoder is measured, which takes some ten seconds.
        price_per_gpu_hour: price of the device per hour, in any currency, for the projected full pretraining.
        licence: of the trained weights, as the Hub names it; None leaves it out of the model card.
        encoder, objective, optimisation: settings that differ from the named model's own.
    """

    model: str | None = option(
        None,
        "A model's name, as listed by 'sslbench models'.",
        default_text=f"efficient-tiny on a CPU, {HEADLINE} on a GPU",
    )
    data: str = option("sample", "A folder of audio, or 'sample' (half an hour of LibriSpeech).", folder="sample")
    eval_data: str | None = option(None, "A folder of speech by other speakers, for the evaluation.", folder="")
    speakers: str | None = option(None, SPEAKERS, default_text="LibriSpeech's layout")
    keep_odd_audio: bool = option(default=False, help=KEEP_ODD)
    steps: int | None = option(None, "Optimiser steps.", default_text="no limit", panel=BUDGET, above=0)
    audio_hours: float | None = option(
        None, "Hours of audio to train on, repeats included.", default_text="no limit", panel=BUDGET, above=0
    )
    minutes: float | None = option(
        None,
        "Time budget in min, from start-up to the last step; targets take at most a quarter of it.",
        default_text="2 on a CPU, 30 on a GPU",
        panel=BUDGET,
        above=0,
    )
    kwh: float | None = option(None, "Energy in kWh, targets included.", default_text="no limit", panel=BUDGET, above=0)
    evaluate_minutes: float | None = option(
        None,
        "Time budget in min for everything after training; what does not fit is left out and named.",
        default_text="as --minutes, otherwise as long as the training took",
        panel=BUDGET,
        above=0,
    )
    batch_seconds: float | None = option(
        None, "Audio per step in s.", default_text="15 to 31 on a CPU, 246 to 491 on a GPU", above=0
    )
    clip_seconds: float = 15.36
    targets: Targets | None = option(
        None, "k-means or random-projection, for the efficient models.", default_text="k-means"
    )
    teacher: str | None = option(None, "Run whose features are clustered into targets (HuBERT's second iteration).")
    teacher_layer: int = option(6, "Layer of the teacher's features.")
    pretrained: str | None = option(None, WEIGHTS)
    compile: bool | None = option(
        None, "Use torch.compile.", default_text="on a GPU, unless --minutes is below 5", flags="--compile/--no-compile"
    )
    price_per_gpu_hour: float | None = option(None, PRICE, panel=FORECAST, least=0)
    licence: str | None = option(
        None, "Licence of the trained weights, for the model card, such as apache-2.0.", default_text="none stated"
    )
    evaluate: bool = option(default=True, help="Evaluate before and after training.", flags="--evaluate/--no-evaluate")
    inference: bool = True
    checkpoint_minutes: float = 10.0
    encoder: Mapping[str, Any] = field(default_factory=dict)
    objective: Mapping[str, Any] = field(default_factory=dict)
    optimisation: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """See `Settings.check`; the model is in the catalogue, and the speaker pattern is valid."""
        if self.model is not None:
            require_pretrained(choose(self.model, CATALOG, "model"), self.pretrained)
        speaker_pattern(self.speakers)
        if self.licence is not None and not re.fullmatch(r"[a-z0-9][a-z0-9.+-]{0,63}", self.licence):
            raise BadInputError(f"--licence {self.licence}: give the Hub's name of it, such as apache-2.0 or cc-by-4.0")
        super().check()
        for name in ("clip_seconds", "checkpoint_minutes"):
            if not 0 < getattr(self, name) < math.inf:
                raise BadInputError(f"{name} {getattr(self, name)}: must be more than 0")
        if self.clip_seconds < SHORTEST_CLIP:
            raise BadInputError(f"clip_seconds {self.clip_seconds}: must be at least {SHORTEST_CLIP} s")

    def resolved(self, *, cuda: bool) -> Self:
        """With device, model, budget, batch size and compilation decided, and checked; see `Settings.resolved`."""
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
        """The model's settings, overridden by this run's own."""
        config = self._with_targets(CATALOG[choose(self.model or "", CATALOG, "model")])
        changed = {table: overridden(getattr(config, table), getattr(self, table), table) for table in TABLES}
        try:
            return replace(config, **changed)
        except ValueError as error:
            raise BadInputError(f"[encoder] and [objective]: {error}") from error

    def _with_targets(self, config: ModelConfig) -> ModelConfig:
        """The catalogue's settings with the requested targets."""
        if self.targets is not None:
            if not isinstance(config, EfficientConfig):
                raise BadInputError(f"--targets is for the efficient models; {self.model} has its own targets")
            if self.targets != config.objective.targets:
                config = replace(config, objective=RANDOM_PROJECTION)
        if self.teacher is not None:
            config = self._taught(config)
        return config

    def _taught(self, config: ModelConfig) -> ModelConfig:
        """HuBERT on targets from the teacher's layer."""
        teacher = described(self.teacher or "")[1]
        if not (isinstance(config, Wav2Vec2FamilyConfig) and isinstance(teacher, Wav2Vec2FamilyConfig)):
            raise BadInputError(f"--teacher: {self.model} and {self.teacher} must both belong to HuBERT's family")
        try:
            return second_iteration(config, teacher.encoder, self.teacher_layer)
        except (TypeError, ValueError) as error:
            raise BadInputError(f"--teacher {self.teacher}: {error}") from error


def _batch_seconds(*, gpu: bool, light: bool) -> float:
    """Audio per step in s: on a GPU what 24 GB hold for most models, on a CPU little, for many steps per minute."""
    if gpu:
        return 491.52 if light else 245.76
    return 30.72 if light else 15.36


def clip_shape(config: TrainAndMeasureConfig) -> tuple[int, int]:
    """Clips per batch and samples per clip (a whole number of frames), about `batch_seconds` of audio in total."""
    batch = config.batch_seconds or config.clip_seconds
    frame = config.model_config().encoder.samples_per_frame
    samples = max(frame * 8, round(min(config.clip_seconds, batch) * 16_000 / frame) * frame)
    return max(1, round(batch * 16_000 / samples)), samples

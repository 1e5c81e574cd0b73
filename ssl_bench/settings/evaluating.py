"""Everything `sslbench evaluate` can be told."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ssl_bench.data.speakers import speaker_pattern
from ssl_bench.settings.machine import Device, Precision, check_grid, chosen_device
from ssl_models.catalog import require_name, require_pretrained
from ssl_models.errors import BadInputError, choose

Labels = Literal["10min", "1h", "all"]
Head = Literal["linear", "deep"]
HEADS: tuple[Head, ...] = ("linear", "deep")
LABELS: tuple[Labels, ...] = ("10min", "1h", "all")
TASKS = ("asr", "asr-finetune", "pr", "sid", "asv", "ks", "abx")
OF_LETTERS = frozenset({"asr", "asr-finetune"})
OF_TEXT = OF_LETTERS | {"pr"}
OF_SPEAKERS = frozenset({"sid", "asv"})
OF_SPEECH = OF_TEXT | {"sid", "asv", "abx"}


@dataclass(frozen=True)
class EvaluationSettings:
    """How systems are evaluated, whoever trained them.

    Attributes:
        tasks: of `TASKS`.
        labels: labelled speech that is learned from.
        head: "linear", or "deep": SUPERB's BLSTM on frozen features, essL's convolutions in fine-tuning; None is linear on a
            CPU and deep on a GPU. `heads` = 2 runs both.
        hours: of labelled speech heard while a recogniser learns, repeats included; 3 on a CPU, 120 on a GPU.
        lm: an ARPA or KenLM file for a beam search beside the greedy transcripts of `asr` and `asr-finetune`.
        keywords: a Speech Commands folder, for `ks`.
        alignments: a folder of TextGrids or an item file of the test speech, for `abx`.
        features: the folder that frozen features are kept in; None is the user's cache.
        controls: folders of evaluations or studies; what controls gave there is read where nothing that decides it differs.
    """

    tasks: tuple[str, ...] = ("asr",)
    labels: Labels = "1h"
    head: Head | None = None
    heads: int = 1
    hours: float | None = None
    lm: str | None = None
    keywords: str | None = None
    alignments: str | None = None
    features: str | None = None
    controls: tuple[str, ...] = ()

    def chosen_heads(self, device: str) -> tuple[Head, ...]:
        """The heads to run on this device, the main one first."""
        main: Head = self.head or ("deep" if device == "cuda" else "linear")
        return (main,) if self.heads == 1 else (main, *(head for head in HEADS if head != main))

    def chosen_hours(self, device: str) -> float:
        """Of labelled speech heard on this device."""
        return self.hours or (120.0 if device == "cuda" else 3.0)


@dataclass(frozen=True)
class EvaluateConfig:
    """The options of `sslbench evaluate`; None is decided by the machine (see `resolved`).

    Attributes:
        models: as `load_model` takes them; runs of one model that differ in their seed alone make one row.
        train, dev, test: folders of speech; "sample" for train alone takes all three from the sample corpus. Without `dev`
            a tenth of the train speakers is taken for it.
        seeds: of heads, of the order of batches and of random weights: `seed`, `seed` + 1, ...
        pretrained: published weights for the one catalog model.
        speakers: a regular expression with a group `speaker`, found in the path of each file below its folder; None is
            LibriSpeech's layout.
        keep_odd_audio: whether heads learn from files whose audio is odd, too (see `ssl_bench.data.audio.UNFIT`).
        minutes: that all of it may take; then it takes as much of the speech as fits. None is no limit.
        idle: whether idle power is measured first, where there is a counter.
        strict: whether a disturbance of the measurement is an error.
    """

    models: tuple[str, ...]
    evaluation: EvaluationSettings = EvaluationSettings()
    train: str = "sample"
    dev: str | None = None
    test: str | None = None
    seeds: int = 1
    seed: int = 0
    pretrained: str | None = None
    speakers: str | None = None
    keep_odd_audio: bool = False
    minutes: float | None = None
    device: Device = "auto"
    precision: Precision = "auto"
    country: str | None = None
    grid_intensity: float | None = None
    pue: float = 1.0
    idle: bool = True
    strict: bool = False
    out: str | None = None


def parse_tasks(text: str) -> tuple[str, ...]:
    """Names of tasks with commas between them.

    Raises:
        BadInputError: for one that is not known, or there twice.
    """
    tasks = tuple(part.strip() for part in text.split(",") if part.strip())
    if not tasks:
        raise BadInputError(f"--tasks: name at least one of {', '.join(TASKS)}")
    for task in tasks:
        choose(task, TASKS, "task")
    if len(set(tasks)) < len(tasks):
        raise BadInputError(f"--tasks {text}: a task is there twice")
    return tasks


def check_evaluation(settings: EvaluationSettings) -> None:
    """What can be refused before torch is imported.

    Raises:
        BadInputError: for a task that lacks its data, or a setting out of range.
    """
    for task in settings.tasks:
        choose(task, TASKS, "task")
    choose(settings.labels, LABELS, "--labels")
    if settings.head is not None:
        choose(settings.head, HEADS, "--head")
    if settings.heads not in (1, 2):
        raise BadInputError(f"--heads {settings.heads}: 1, or 2 for both linear and deep")
    if settings.hours is not None and not 0 < settings.hours < math.inf:
        raise BadInputError(f"--learn-hours {settings.hours}: must be more than 0")
    needs = (("ks", settings.keywords, "--keywords FOLDER, a Speech Commands folder"),
             ("abx", settings.alignments, "--alignments, a folder of TextGrids or an item file"))  # fmt: skip
    for task, given, what in needs:
        if task in settings.tasks and given is None:
            raise BadInputError(f"--tasks {task} needs {what}")
        if given is not None and not Path(given).exists():
            raise BadInputError(f"{given}: no such file or folder")
    _check_paths(settings)


def _check_paths(settings: EvaluationSettings) -> None:
    for folder in settings.controls:
        if not Path(folder).is_dir():
            raise BadInputError(f"{folder}: no such folder; --controls takes the folder of an evaluation or a study")
    if settings.lm is not None and not Path(settings.lm).is_file():
        raise BadInputError(f"{settings.lm}: no such file; --lm takes an ARPA or KenLM file")


def check_early(config: EvaluateConfig) -> None:
    """`check_evaluation`, and what only the command knows.

    Raises:
        BadInputError: for an unknown model, a missing folder, or a setting out of range.
    """
    if not config.models:
        raise BadInputError("name a model or a run to evaluate")
    for model in config.models:
        require_name(model)
    if config.pretrained is not None and len(config.models) > 1:
        raise BadInputError("--pretrained goes with one model")
    require_pretrained(config.models[0], config.pretrained)
    if config.minutes is not None and not 0 < config.minutes < math.inf:
        raise BadInputError(f"--minutes {config.minutes:g}: must be more than 0")
    check_evaluation(config.evaluation)
    speaker_pattern(config.speakers)
    _check_folders(config)
    if config.seeds < 1 or config.seed < 0:
        raise BadInputError("--seeds must be at least 1, --seed at least 0")
    check_grid(config.pue, config.country, config.grid_intensity)


def _check_folders(config: EvaluateConfig) -> None:
    for name, folder in (("train", config.train), ("dev", config.dev), ("test", config.test)):
        if folder is not None and (name, folder) != ("train", "sample") and not Path(folder).is_dir():
            raise BadInputError(f"{folder}: no such folder; --{name} takes a folder of speech")
    if config.train != "sample" and config.test is None and OF_SPEECH & set(config.evaluation.tasks):
        raise BadInputError("--test FOLDER is missing: speech of other speakers to rate on")
    if config.train == "sample" and (config.dev or config.test):
        raise BadInputError("--dev and --test go with --train FOLDER")


def resolved(config: EvaluateConfig, *, cuda: bool) -> EvaluateConfig:
    """The config with every choice made that was left to the device.

    Raises:
        BadInputError: for a device that is not here.
    """
    device, precision = chosen_device(config.device, config.precision, cuda=cuda)
    return replace(config, device=device, precision=precision)

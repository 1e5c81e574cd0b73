"""Settings of `sslbench evaluate`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from ssl_bench.data.speakers import speaker_pattern
from ssl_bench.settings.machine import WEIGHTS, MachineSettings
from ssl_bench.settings.options import nested, option, parse_listed
from ssl_bench.settings.tasks import TASKS
from ssl_bench.settings.training import KEEP_ODD, SPEAKERS
from ssl_models.catalog import require_name, require_pretrained
from ssl_models.errors import BadInputError, choose

Labels = Literal["10min", "1h", "all"]
Head = Literal["linear", "deep"]
HEADS: tuple[Head, ...] = ("linear", "deep")
LABELS: tuple[Labels, ...] = ("10min", "1h", "all")
OF_LETTERS = frozenset(name for name, task in TASKS.items() if task.letters)
OF_TEXT = frozenset(name for name, task in TASKS.items() if task.text)
OF_SPEAKERS = frozenset(name for name, task in TASKS.items() if task.speakers)
OF_SPEECH = frozenset(name for name, task in TASKS.items() if task.speech)
EVALUATION = "Evaluation"
RATED = (
    "Comma-separated tasks: asr (speech recognition), asr-finetune (the same, fine-tuned), pr (phones), sid (speakers), "
    "asv (speaker verification), ks (keywords), abx (discrimination of phones)."
)
parse_tasks = partial(parse_listed, known=TASKS, what="task")


@dataclass(frozen=True)
class EvaluationSettings:
    """How systems are evaluated, no matter who trained them.

    Attributes:
        tasks: names from `TASKS`.
        labels: amount of labelled speech to train heads on.
        head: "linear", or "deep" (SUPERB's BLSTM on frozen features, essL's convolutions in fine-tuning); None is
            linear on a CPU and deep on a GPU. `heads` = 2 runs both.
        hours: hours of labelled speech that a recogniser is trained on, repeats included; 3 on a CPU, 120 on a GPU.
        lm: an ARPA or KenLM file for a beam search beside the greedy transcripts of `asr` and `asr-finetune`.
        keywords: a Speech Commands folder, for `ks`.
        alignments: a folder of TextGrids or an item file of the test speech, for `abx`.
        features: the folder in which frozen features are cached; None is the user's cache.
        controls: folders of evaluations or studies, whose controls are reused if everything that affects them agrees.
    """

    tasks: tuple[str, ...] = option(
        ("asr",),
        RATED,
        default_text="asr",
        panel=EVALUATION,
        parse=parse_tasks,
    )
    labels: Labels = option("1h", "Labelled speech to train heads on: 10min, 1h or all.", panel=EVALUATION)
    head: Head | None = option(
        None,
        "linear, or deep (a BLSTM; convolutions in fine-tuning).",
        default_text="linear on a CPU, deep on a GPU",
        panel=EVALUATION,
    )
    heads: int = option(1, "1, or 2 to evaluate with both linear and deep heads.", panel=EVALUATION)
    hours: float | None = option(
        None,
        "Hours of labelled speech heard while a head is trained, repeats included.",
        default_text="3 on a CPU, 120 on a GPU",
        name="learn_hours",
        panel=EVALUATION,
        above=0,
    )
    lm: str | None = option(
        None,
        "ARPA or KenLM file for a beam search besides greedy decoding, in asr and asr-finetune.",
        default_text="none",
        panel=EVALUATION,
    )
    keywords: str | None = option(
        None, "Speech Commands folder, required by ks.", default_text="none", panel=EVALUATION
    )
    alignments: str | None = option(
        None, "TextGrids or item file of the test speech, required by abx.", default_text="none", panel=EVALUATION
    )
    features: str | None = option(
        None, "Folder to cache frozen features in.", default_text="the user's cache", panel=EVALUATION
    )
    controls: tuple[str, ...] = option(
        (),
        "Folder of an evaluation or study whose matching controls are reused; may be repeated.",
        default_text="none",
        panel=EVALUATION,
        repeated=True,
    )

    def check(self) -> None:
        """Refuse invalid settings before torch is imported.

        Raises:
            BadInputError: for a task without its data, or a setting out of range.
        """
        for task in self.tasks:
            choose(task, TASKS, "task")
        if self.heads not in (1, 2):
            raise BadInputError(f"--heads {self.heads}: must be 1, or 2 for both linear and deep")
        self._check_tasks()
        for folder in self.controls:
            if not Path(folder).is_dir():
                raise BadInputError(
                    f"{folder}: no such folder; --controls takes the folder of an evaluation or a study"
                )
        if self.lm is not None:
            _check_language_model(Path(self.lm))

    def _check_tasks(self) -> None:
        """Their data is named and exists, and their packages are installed."""
        for task, (setting, what) in ((name, each.needs) for name, each in TASKS.items() if each.needs):
            given = getattr(self, setting)
            if task in self.tasks and given is None:
                raise BadInputError(f"--tasks {task} needs {what}")
            if given is not None and not Path(given).exists():
                raise BadInputError(f"{given}: no such file or folder")
        for task, (module, what) in ((name, each.package) for name, each in TASKS.items() if each.package):
            if task in self.tasks and find_spec(module) is None:
                raise BadInputError(f"--tasks {task} needs {what}")

    def chosen_heads(self, device: str) -> tuple[Head, ...]:
        """The heads to run on this device, the main one first."""
        main: Head = self.head or ("deep" if device == "cuda" else "linear")
        return (main,) if self.heads == 1 else (main, *(head for head in HEADS if head != main))

    def chosen_hours(self, device: str) -> float:
        """Hours of labelled speech that a recogniser is trained on, on this device."""
        return self.hours or (120.0 if device == "cuda" else 3.0)


def _check_language_model(path: Path) -> None:
    if not path.is_file():
        raise BadInputError(f"{path}: no such file; --lm takes an ARPA or KenLM file")
    from ssl_benchmarks.downstream.recognition.language_model import WITHOUT_KENLM, is_kenlm

    if is_kenlm(path) and find_spec("kenlm") is None:
        raise BadInputError(f"{path} {WITHOUT_KENLM}")


@dataclass(frozen=True)
class EvaluateConfig(MachineSettings):
    """The options of `sslbench evaluate`; None leaves the choice to the machine (see `resolved`).

    Attributes:
        models: in any form that `load_model` accepts; runs of a model that differ only in their seed share a row.
        train, dev, test: folders of speech; "sample" for train alone takes all three from the sample corpus. Without
            `dev` a tenth of the train speakers is used instead.
        seeds: number of seeds for heads, batch order and random weights (`seed`, `seed` + 1, ...); a run has its own.
        pretrained: published weights for the one catalogue model.
        speakers: a regular expression with a group `speaker`, searched for in each file's path below its folder; None
            is LibriSpeech's layout.
        keep_odd_audio: whether heads also train on files whose audio is odd (see `ssl_bench.data.audio.UNFIT`).
        minutes: time budget of the whole command, which uses as much of the speech as fits; None is no limit.
    """

    models: tuple[str, ...] = option(
        help="Run folders, hf:FOLDER, FILE.py:FUNCTION, PACKAGE.MODULE:FUNCTION, or catalogue names (random weights without --pretrained); runs "
        "that differ only in their seed share a row.",
        argument=True,
        metavar="MODEL_OR_RUN",
        repeated=True,
    )
    evaluation: EvaluationSettings = nested(EvaluationSettings, EvaluationSettings())
    train: str = option(
        "sample",
        "Folder of labelled speech to train on, or 'sample': half an hour of LibriSpeech for all three splits.",
    )
    dev: str | None = option(
        None, "Folder of speech for choosing the learning rate.", default_text="a tenth of --train's speakers"
    )
    test: str | None = option(
        None, "Folder of speech by other speakers to test on.", default_text="required with --train"
    )
    seeds: int = option(1, "Number of seeds for heads and random weights; a row shows their mean and interval.")
    pretrained: str | None = option(None, WEIGHTS)
    speakers: str | None = option(None, SPEAKERS, default_text="LibriSpeech's layout")
    keep_odd_audio: bool = option(default=False, help=KEEP_ODD)
    minutes: float | None = option(
        None,
        "Time budget in min; as much of the speech is used as fits, and the record states how much.",
        default_text="no limit",
        above=0,
    )

    def check(self) -> None:
        """See `Settings.check`; the models are known, and the folders are consistent."""
        if not self.models:
            raise BadInputError("name a model or a run to evaluate")
        for model in self.models:
            require_name(model)
        if self.pretrained is not None and len(self.models) > 1:
            raise BadInputError("--pretrained takes a single model")
        require_pretrained(self.models[0], self.pretrained)
        self.evaluation.check()
        speaker_pattern(self.speakers)
        self._check_folders()
        if self.seeds < 1 or self.seed < 0:
            raise BadInputError("--seeds must be at least 1, --seed at least 0")
        super().check()

    def _check_folders(self) -> None:
        for name, folder in (("train", self.train), ("dev", self.dev), ("test", self.test)):
            if folder is not None and (name, folder) != ("train", "sample") and not Path(folder).is_dir():
                raise BadInputError(f"{folder}: no such folder; --{name} takes a folder of speech")
        if self.train != "sample" and self.test is None and OF_SPEECH & set(self.evaluation.tasks):
            raise BadInputError("--test FOLDER is missing: speech of other speakers to test on")
        if self.train == "sample" and (self.dev or self.test):
            raise BadInputError("--dev and --test need --train FOLDER")

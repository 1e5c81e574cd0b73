"""Everything `sslbench evaluate` can be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ssl_bench.data.speakers import speaker_pattern
from ssl_bench.settings.machine import WEIGHTS, MachineSettings
from ssl_bench.settings.options import nested, option
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
RATED = f"What to rate, commas between: {', '.join(TASKS)}."


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

    tasks: tuple[str, ...] = option(
        ("asr",),
        RATED,
        default_text="asr",
        panel=EVALUATION,
        parse=parse_tasks,
    )
    labels: Labels = option("1h", "Labelled speech to learn from: 10min, 1h or all.", panel=EVALUATION)
    head: Head | None = option(
        None,
        "linear, or deep: BLSTM, in fine-tuning convolutions.",
        default_text="linear on a CPU, deep on a GPU",
        panel=EVALUATION,
    )
    heads: int = option(1, "1, or 2 to rate with both heads.", panel=EVALUATION)
    hours: float | None = option(
        None,
        "Hours of labels heard in learning, repeats included.",
        default_text="3 on a CPU, 120 on a GPU",
        name="learn_hours",
        panel=EVALUATION,
        above=0,
    )
    lm: str | None = option(
        None, "ARPA or KenLM file for a beam search beside greedy, in asr.", default_text="none", panel=EVALUATION
    )
    keywords: str | None = option(
        None, "Speech Commands folder, which ks needs.", default_text="none", panel=EVALUATION
    )
    alignments: str | None = option(
        None, "TextGrids or item file of the test speech, which abx needs.", default_text="none", panel=EVALUATION
    )
    features: str | None = option(
        None, "Folder that keeps frozen features.", default_text="the user's cache", panel=EVALUATION
    )
    controls: tuple[str, ...] = option(
        (),
        "Folder of an evaluation or study to read equal controls from; may be repeated.",
        default_text="none",
        panel=EVALUATION,
        repeated=True,
    )

    def check(self) -> None:
        """Refuse what cannot be, before torch is needed.

        Raises:
            BadInputError: for a task that lacks its data, or a setting out of range.
        """
        for task in self.tasks:
            choose(task, TASKS, "task")
        if self.heads not in (1, 2):
            raise BadInputError(f"--heads {self.heads}: 1, or 2 for both linear and deep")
        for task, (setting, what) in ((name, each.needs) for name, each in TASKS.items() if each.needs):
            given = getattr(self, setting)
            if task in self.tasks and given is None:
                raise BadInputError(f"--tasks {task} needs {what}")
            if given is not None and not Path(given).exists():
                raise BadInputError(f"{given}: no such file or folder")
        for folder in self.controls:
            if not Path(folder).is_dir():
                raise BadInputError(
                    f"{folder}: no such folder; --controls takes the folder of an evaluation or a study"
                )
        if self.lm is not None and not Path(self.lm).is_file():
            raise BadInputError(f"{self.lm}: no such file; --lm takes an ARPA or KenLM file")

    def chosen_heads(self, device: str) -> tuple[Head, ...]:
        """The heads to run on this device, the main one first."""
        main: Head = self.head or ("deep" if device == "cuda" else "linear")
        return (main,) if self.heads == 1 else (main, *(head for head in HEADS if head != main))

    def chosen_hours(self, device: str) -> float:
        """Of labelled speech heard on this device."""
        return self.hours or (120.0 if device == "cuda" else 3.0)


@dataclass(frozen=True)
class EvaluateConfig(MachineSettings):
    """The options of `sslbench evaluate`; None is decided by the machine (see `resolved`).

    Attributes:
        models: as `load_model` takes them; runs of one model that differ in their seed alone make one row.
        train, dev, test: folders of speech; "sample" for train alone takes all three from the sample corpus. Without `dev`
            a tenth of the train speakers is taken for it.
        seeds: of heads, of the order of batches and of random weights: `seed`, `seed` + 1, ...; a run goes on from its own
        pretrained: published weights for the one catalog model.
        speakers: a regular expression with a group `speaker`, found in the path of each file below its folder; None is
            LibriSpeech's layout.
        keep_odd_audio: whether heads learn from files whose audio is odd, too (see `ssl_bench.data.audio.UNFIT`).
        minutes: that all of it may take; then it takes as much of the speech as fits. None is no limit.
    """

    models: tuple[str, ...] = option(
        help="Runs, hf:FOLDER, file.py:function, or catalog names, whose weights are random without --pretrained; runs that "
        "differ in their seed alone make one row.",
        argument=True,
        metavar="MODEL_OR_RUN",
        repeated=True,
    )
    evaluation: EvaluationSettings = nested(EvaluationSettings, EvaluationSettings())
    train: str = option(
        "sample",
        "Folder of labelled speech to learn from, or 'sample': half an hour of LibriSpeech for all three splits.",
    )
    dev: str | None = option(
        None, "Folder to choose the learning rate on.", default_text="a tenth of --train's speakers"
    )
    test: str | None = option(
        None, "Folder of other speakers to rate on.", default_text="with --train it has to be named"
    )
    seeds: int = option(1, "How many seeds of heads and random weights; a row has their mean and interval.")
    pretrained: str | None = option(None, WEIGHTS)
    speakers: str | None = option(None, SPEAKERS, default_text="LibriSpeech's layout")
    keep_odd_audio: bool = option(default=False, help=KEEP_ODD)
    minutes: float | None = option(
        None,
        "For all of it; of the speech as much is taken as fits, and the record says how much.",
        default_text="no limit",
        above=0,
    )

    def check(self) -> None:
        """See `Settings.check`; the models are known, and the folders go together."""
        if not self.models:
            raise BadInputError("name a model or a run to evaluate")
        for model in self.models:
            require_name(model)
        if self.pretrained is not None and len(self.models) > 1:
            raise BadInputError("--pretrained goes with one model")
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
            raise BadInputError("--test FOLDER is missing: speech of other speakers to rate on")
        if self.train == "sample" and (self.dev or self.test):
            raise BadInputError("--dev and --test go with --train FOLDER")

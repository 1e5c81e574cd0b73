"""`make bench-gpu`: does everything work on this GPU, what do the models of the claims cost, and do the claims hold?

Five parts in nine minutes, in one call or several: what has finished is not run again. Each part is commands of sslbench
as a user would type them, in processes of their own; one that fails or runs out of time does not stop the next.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packages import OPTIONAL, REQUIRED, lacking
from plan import PARTS, Bench
from results import add_paper, fill, write_page
from running import CLOSING, ROOT, ROOTS, run_jobs
from speech import link_speech

LIMIT = 540.0
REPORTING = 40.0
"""Seconds that are kept for the report if it is among the parts."""
PREVIOUS = 60.0
"""Seconds to wait for the end of what an earlier, killed call left running."""
OUT = Path("runs") / "bench-gpu"
STATE = "bench.json"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench-gpu", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", default=",".join(PARTS), help=f"comma-separated, of {','.join(PARTS)}")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="tiny models and budgets, to see whether it works")
    parser.add_argument("--out", type=Path, default=OUT, help="all runs; a second call resumes [%(default)s]")
    parser.add_argument(
        "--results", type=Path, help="what to commit [docs/results/CARD; OUT/results if tiny or on a CPU]"
    )
    parser.add_argument("--speech", type=Path, help="folder with train-clean-5 and dev-clean [the packaged sample]")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds in total [%(default)g]")
    parser.add_argument("--again", action="store_true", help="also run parts that have finished")
    asked = parser.parse_args()
    asked.parts = asked.parts.split(",")
    if unknown := [part for part in asked.parts if part not in PARTS]:
        parser.error(f"--parts: no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return asked


def machine(device: str) -> tuple[str, str]:
    """The device's name and the software; ("", "") without a GPU that was asked for."""
    import torch
    import transformers

    python = sys.version.split()[0]
    software = f"torch {torch.__version__}, transformers {transformers.__version__}, Python {python}"
    if device == "cpu":
        return "CPU", software
    return (torch.cuda.get_device_name(), software) if torch.cuda.is_available() else ("", "")


@dataclass
class Call:
    """One call of the command.

    Attributes:
        lock: number of the lock's file; our commands hold it too, so that a later call waits for their end.
        end: when the last part is interrupted, by the monotonic clock.
        parts: by name, how each part ended last, in this call or an earlier one.
    """

    bench: Bench
    asked: argparse.Namespace
    about: dict[str, str]
    lock: int
    end: float
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    stopped: bool = False

    def run(self) -> int:
        """Run the parts in order; the exit code."""
        for name in PARTS:
            if name in self.asked.parts and not self.stopped:
                try:
                    self.part(name)
                except Exception as error:  # noqa: BLE001 - whatever a part dies of, the next ones are run
                    self.failed.append(name)
                    say(f"{name}: {type(error).__name__}: {error}")
        left = [name for name in PARTS if name in self.asked.parts and name in {*self.failed, *self.missing()}]
        say(f"failed: {', '.join(self.failed)}" if self.failed else f"finished: {', '.join(self.asked.parts)}")
        say(f"next: {self.again(left)}" if left else f"next: {self.committing()}")
        return int(bool(left))

    def missing(self) -> list[str]:
        """Parts that were not reached."""
        return [name for name in PARTS if name not in self.parts]

    def part(self, name: str) -> None:
        """Run one part unless its records are finished, then keep what it left and how it ended."""
        part, bench, began = PARTS[name], self.bench, time.monotonic()
        if part.done(bench) and not self.asked.again:
            say(f"{name}: finished earlier, skipped (--again repeats it)")
            if name not in self.parts:  # the earlier call was killed before it noted this
                self.parts[name] = {"exit": 0, "seconds": None, "shown": part.shown(bench)[0], "faults": []}
                self.keep(name)
            return
        if self.asked.again:
            forget(bench, name)
        kept = REPORTING if name != "report" and "report" in self.asked.parts else 0.0
        seconds = min(part.seconds * (2 if bench.tiny else 1), self.end - time.monotonic() - kept)
        say(f"{name}: at most {max(0.0, seconds):.0f} s; logs: {shown_path(bench.out / 'logs')}")
        ended = run_jobs(part.jobs(bench), bench.out, self.lock, at_once=part.at_once, seconds=seconds)
        shown, faults = part.shown(bench)
        faults = [each.fault for each in ended if each.fault] + faults
        code = max((abs(each.code) if each.code is not None else 1 for each in ended), default=0)
        self.stopped = any(each.stopped == "stopped by the user" for each in ended)
        entry = {"exit": code, "seconds": time.monotonic() - began, "shown": shown, "faults": faults}
        self.parts[name] = entry
        self.failed += [name] if faults else []
        self.keep(name)
        say(f"{name}: exit {code}, {entry['seconds']:.0f} s; {shown}")
        for fault in faults:
            say(f"  {fault}")

    def keep(self, name: str) -> None:
        """Write how the parts ended, and fill the folder to commit."""
        from ssl_benchmarks.files.atomic import write_atomically  # missing packages are named first

        document = json.dumps({"about": self.about, "parts": self.parts}, indent=1)
        write_atomically(self.bench.out / STATE, f"{document}\n")
        fill(self.bench)
        if name == "report" and self.parts[name]["exit"] == 0:
            add_paper(self.bench)
        write_page(self.bench, self.parts, self.about)

    def again(self, parts: list[str]) -> str:
        """The command that runs what is left, then the report."""
        words = ["--parts", ",".join([*(part for part in parts if part != "report"), "report"])]
        asked = self.asked
        words += ["--device", asked.device] * (asked.device != "cuda") + ["--tiny"] * asked.tiny
        words += ["--out", str(asked.out)] * (asked.out != OUT)
        words += ["--results", str(asked.results)] * (asked.results is not None)
        given = os.environ.get("PYTHONPATH", "")
        path = f"PYTHONPATH={shlex.quote(given)} " if given else ""
        if shutil.which("make") is None:
            words += ["--speech", str(asked.speech)] * (asked.speech is not None)
            return f"{path}{shlex.join([sys.executable, str(Path(__file__).parent), *words])}"
        python = "" if shutil.which("python3") == sys.executable else f" GPU_PYTHON={shlex.quote(sys.executable)}"
        speech = f" SPEECH={shlex.quote(str(asked.speech))}" if asked.speech else ""
        return f'{path}make bench-gpu{python}{speech} BENCH="{shlex.join(words)}"'

    def committing(self) -> str:
        """What to do with the results."""
        folder = shown_path(self.bench.results)
        if self.bench.results.parent != ROOT / "docs" / "results":
            return f"read {folder}/report.md"
        return f"read {folder}/report.md, list `{self.bench.results.name}/` in docs/results/index.md, git add {folder}"


def forget(bench: Bench, name: str) -> None:
    """Set aside what a part left."""
    folders = ["smoke"] if name == "smoke" else [name] if name in {"compare", "joules"} else []
    for folder in folders:
        bench.emptied(folder)


def shown_path(path: Path) -> str:
    """A path as seen from here."""
    return os.path.relpath(path)


def earlier(out: Path) -> dict[str, Any]:
    """The state that an earlier call left; empty if there is none."""
    try:
        return dict(json.loads((out / STATE).read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def locked(out: Path, seconds: float) -> int | None:
    """The number of the lock's file, once nothing of an earlier call runs any more; None if that takes too long."""
    file = os.open(out / ".lock", os.O_CREAT | os.O_RDWR)
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return None
            time.sleep(0.2)
        else:
            return file


class RefusedError(Exception):
    """Nothing can be begun, for this reason."""


def prepared(asked: argparse.Namespace, began: float) -> Call:
    """The folders, the lock and the speech of this call.

    Raises:
        RefusedError: for missing packages, no GPU, a folder of another kind of run or in use, and missing speech.
    """
    if missing := lacking(REQUIRED):
        where = "install their wheels into a folder on PYTHONPATH (pip install --no-deps --target FOLDER)"
        raise RefusedError("\n".join([f"missing packages; {where}:", *missing]))
    card, software = machine(asked.device)
    if not card:
        raise RefusedError("torch sees no CUDA GPU; to try it without one: --device cpu --tiny")
    say(f"bench-gpu on {card}, {software}{', tiny' * asked.tiny}")
    for line in lacking(OPTIONAL):
        say(f"not installed: {line}")
    out, kind = asked.out.resolve(), f"{card}{', tiny' * asked.tiny}"
    slug = re.sub(r"[^a-z0-9]+", "-", card.lower()).strip("-")
    own = asked.tiny or asked.device == "cpu"
    results = asked.results or (out / "results" if own else ROOT / "docs" / "results" / slug)
    out.mkdir(parents=True, exist_ok=True)
    if (lock := locked(out, PREVIOUS)) is None:
        raise RefusedError(f"another call is at work in {asked.out}")
    before = earlier(out)
    if before and before["about"]["kind"] != kind:
        raise RefusedError(f"{asked.out} holds runs of {before['about']['kind']}; choose another --out")
    try:
        speech = link_speech(asked.speech, out, tiny=asked.tiny)
    except FileNotFoundError as error:
        raise RefusedError(f"--speech: {error}") from error
    about = {"card": card, "kind": kind, "software": software, "speech": speech}
    bench = Bench(out, results.resolve(), asked.device, asked.tiny)
    return Call(bench, asked, about, lock, began + asked.limit - CLOSING, before.get("parts", {}))


def main() -> int:
    began = time.monotonic()
    asked = options()
    try:
        call = prepared(asked, began)
        from ssl_benchmarks.processes.interruption import stopped_by_signals

        with stopped_by_signals():  # the commands have sessions of their own, and must not outlive this process
            return call.run()
    except RefusedError as error:
        say(str(error))
        return 2
    except KeyboardInterrupt:  # between two parts
        return 1


if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a job in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.path[1:1] = ROOTS
    sys.exit(main())

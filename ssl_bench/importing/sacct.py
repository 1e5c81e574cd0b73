"""What sacct reports of a Slurm job."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ssl_bench.importing.recorded import UNNAMED_GPU, Figure, Recorded, by_scope, host_memory, origin
from ssl_bench.importing.rows import MOST_ROWS, amount, read_text
from ssl_benchmarks.record.flaws import STOPPED, WHOLE_NODES
from ssl_benchmarks.record.quantity import Quantity, joined, unavailable
from ssl_models.errors import BadInputError

COLUMNS = ("JobID", "State", "ElapsedRaw", "Start", "AllocTRES", "NNodes", "ConsumedEnergyRaw", "MaxRSS", "JobName")
"""A name may hold the separator, so it comes last."""
COMMAND = ("sacct", "--parsable2", "--format", ",".join(COLUMNS), "--jobs")
JOB = re.compile(r"\d{1,12}(?:_\d{1,9})?(?:\+\d{1,9})?")
GPUS, KIND = re.compile(r"(?:^|,)gres/gpu=(\d{1,6})"), re.compile(r"(?:^|,)gres/gpu:([^=,]+)=(\d{1,6})")
CPUS = re.compile(r"(?:^|,)cpu=(\d{1,9})")
SIZES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
LONGEST_S = 60.0
SAID = origin("sacct")
Line = Mapping[str, str]


def read_job(job: str, saved: Path | None) -> list[Recorded]:
    """A job, or each task of an array of jobs, as Slurm reports it now or in saved output.

    Raises:
        BadInputError: without Slurm, for a job that it does not know or that has not begun, or for other output.
    """
    if not JOB.fullmatch(job):
        raise BadInputError(f"sacct: {job!r:.40} is no job; give its number, such as 123456 or 123456_7")
    where = "sacct" if saved is None else str(saved)
    lines = _lines(_asked(job) if saved is None else read_text(saved), where)
    jobs: dict[str, list[Line]] = {}
    for line in lines:
        own = line["JobID"].partition(".")[0]
        if own == job or re.split(r"[_+]", own)[0] == job:
            jobs.setdefault(own, []).append(line)
    if not jobs:
        raise BadInputError(f"{where}: no job {job}")
    try:
        return [_recorded(own, *steps) for own, steps in jobs.items()]
    except ValueError as error:
        raise BadInputError(f"{where}: {error}") from error


def _asked(job: str) -> str:
    try:
        done = subprocess.run(
            [*COMMAND, job], capture_output=True, text=True, errors="replace", timeout=LONGEST_S, check=False,
            stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except FileNotFoundError:
        command = " ".join((*COMMAND, job))
        raise BadInputError(
            f"there is no sacct here; where there is: {command} > {job}.txt, then --file {job}.txt"
        ) from None
    except subprocess.TimeoutExpired:
        raise BadInputError(f"sacct did not answer within {LONGEST_S:.0f} s") from None
    if done.returncode:
        raise BadInputError(f"sacct: {' '.join(done.stderr.split())[-300:] or f'exit code {done.returncode}'}")
    return done.stdout


def _lines(text: str, where: str) -> list[Line]:
    """The lines of parsable output by column; the last column takes what is left of a line."""
    head, *rest = [line for line in text.splitlines() if line] or [""]
    names = head.rstrip("|").split("|")
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise BadInputError(
            f"{where}: not parsable output of sacct with {missing[0]}; make it by: {' '.join(COMMAND)} JOB"
        )
    if len(rest) > MOST_ROWS:
        raise BadInputError(f"{where}: holds more than {MOST_ROWS:,} lines")
    cells = [line.split("|", len(names) - 1) for line in rest]
    if odd := next((number for number, each in enumerate(cells, start=2) if len(each) < len(names)), None):
        raise BadInputError(f"{where}, line {odd}: fewer cells than columns")
    return [dict(zip(names, each, strict=True)) for each in cells]


def _recorded(job: str, whole: Line, *steps: Line) -> Recorded:
    elapsed, nodes = amount(whole["ElapsedRaw"], "ElapsedRaw"), amount(whole["NNodes"], "NNodes")
    state = whole["State"].partition(" ")[0] or "of unknown state"
    if not elapsed:
        raise ValueError(f"job {job} has not run ({state})")
    gpus, cpus = _gpus(whole["AllocTRES"]), CPUS.search(whole["AllocTRES"])
    where = f"{nodes:g} node{'s' if nodes != 1 else ''}"
    place = f"{cpus[1]} CPUs on {where}" if cpus else where
    unread = unavailable("J", f"{SAID}: none of a part of the node by itself")
    name = whole["JobName"].rstrip("|") or job
    return Recorded(
        name=name if "_" not in job and "+" not in job else f"{name} {job}",
        created=whole["Start"],
        seconds=Quantity(elapsed, "s", "measured", note=joined(SAID, "" if state == "COMPLETED" else state)),
        energy=by_scope({"gpu": unread, "cpu": unread, "dram": unread, "machine": _energy(whole, steps, nodes)}, SAID),
        others=_memory((whole, *steps), gpus),
        device=f"{len(gpus)} x {gpus[0]} on {where}" if gpus else place,
        gpus=gpus,
        devices=len(gpus) or round(nodes) or None,
        flaw="" if state == "COMPLETED" else STOPPED,
    )


def _gpus(resources: str) -> tuple[str, ...]:
    """A name for each GPU of the allocation: its type where Slurm knows it."""
    kinds = [kind for kind, count in KIND.findall(resources) for _ in range(min(int(count), MOST_ROWS))]
    found = GPUS.search(resources)
    return tuple(kinds) or (UNNAMED_GPU,) * min(int(found[1]) if found else 0, MOST_ROWS)


def _energy(whole: Line, steps: Sequence[Line], nodes: float) -> Quantity:
    """Joules of the job's nodes: on one node those of the batch script, which lasts as long as the job; else those of its steps.

    The job's own line adds up its numbered steps, without what lies between them.
    """
    joules = {step["JobID"].partition(".")[2]: _joules(step) for step in (whole, *steps)}
    batch, numbered = joules.get("batch", 0.0), sum(value for step, value in joules.items() if step.isdecimal())
    value, what = (batch, "its node") if nodes == 1 and batch else (joules[""] or numbered, "the nodes of its steps")
    if not value:
        return unavailable("J", f"{SAID}: it recorded none, as where no plugin for energy is configured")
    note = f"{SAID}: of {what}, by a plugin of Slurm that it does not name"
    return Quantity(value, "J", "sampled", note=note, flaw=WHOLE_NODES)


def _joules(line: Line) -> float:
    text = line["ConsumedEnergyRaw"].strip()
    return amount(text, "ConsumedEnergyRaw") if text else 0.0


def _memory(lines: Sequence[Line], gpus: Sequence[str]) -> dict[Figure, Quantity]:
    sizes = []
    for text in (line["MaxRSS"].strip() for line in lines):
        if text:
            number, unit = (text[:-1], text[-1]) if text[-1] in SIZES else (text, "")
            sizes.append(amount(number, "MaxRSS") * SIZES[unit])
    note = f"{SAID}: the largest resident set of any one of its tasks, sampled from time to time"
    return host_memory(max(sizes), gpus, note) if any(sizes) else {}

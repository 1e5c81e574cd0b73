"""Local run folders of wandb: times, what it sampled of GPUs, and what the user logged."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ssl_bench.importing.named import energy_of, named_figures, unnamed
from ssl_bench.importing.power import EVERY_GPU, Sample, Span, counted, integrated
from ssl_bench.importing.recorded import UNNAMED_GPU, Figure, Recorded, host_memory, origin
from ssl_bench.settings.importing import Naming
from ssl_benchmarks.record.flaws import STOPPED
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_models.documents import parsed
from ssl_models.errors import BadInputError

MANNERS = {"WANDB_ERROR_REPORTING": "false", "WANDB_MODE": "offline"}
"""Nothing goes to a network."""
READ_BY = (sys.executable, "-P", "-m", "wandb", "leet", "inspect", "--json")
LOGS = "run-*.wandb"
MOST_RUNS, MOST_BYTES, LONGEST_S = 1000, 2**28, 600.0
"""The most runs of a folder, bytes of a log, and seconds to read one."""
NO_NUMBERS = ("NaN", "Infinity", "-Infinity")
"""As the reader writes them."""
KINDS = ("energyJoules", "powerWatts")
GPU = re.compile(rf"gpu\.(process\.)?(\d+)\.(?:{'|'.join(KINDS)})")
OLD = 'it is older than 0.31: pip install -U "sslbench[wandb]"'
RESIDENT = "proc.memory.rssMB"


@dataclass
class _Log:
    """What a run's log holds: facts by kind, and samples by name."""

    facts: dict[str, Any] = field(default_factory=dict)
    stats: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    logged: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    exit: Mapping[str, Any] | None = None

    def add(self, record: object) -> None:
        """Take one record of the log; kinds that do not matter here are passed over.

        Raises:
            ValueError: for a time that is none.
        """
        known = record if isinstance(record, dict) else {}
        kind = str(known.get("type"))
        content = known.get(kind)
        if not isinstance(content, dict):
            return
        if kind in {"run", "environment"}:
            self.facts |= content
        elif kind == "exit":
            self.exit = content
        elif kind in {"stats", "history"} and isinstance(items := content.get("item"), dict):
            if kind == "stats":
                self._take(self.stats, datetime.fromisoformat(str(content.get("timestamp"))).timestamp(), items)
            elif isinstance(moment := items.get("_timestamp"), int | float):
                self._take(self.logged, moment, items)

    @staticmethod
    def _take(into: dict[str, list[Sample]], time_s: float, items: dict[str, Any]) -> None:
        for name, value in items.items():
            number = float(value) if value in NO_NUMBERS else value
            if isinstance(number, int | float) and not isinstance(number, bool) and not name.startswith("_"):
                into[name].append((time_s, float(number)))

    @property
    def span(self) -> Span:
        """When the run began and ended, as far as the log shows.

        Raises:
            ValueError: if it does not say when the run began.
        """
        if not isinstance(self.facts.get("start_time"), str):
            raise ValueError("it does not say when it began")  # noqa: TRY004 - the file is wrong, not the call
        begin = datetime.fromisoformat(self.facts["start_time"]).timestamp()
        samples = (time_s for each in (*self.stats.values(), *self.logged.values()) for time_s, _ in each[-1:])
        runtime = (self.exit or {}).get("runtime")
        return begin, max([begin + (runtime if isinstance(runtime, int | float) else 0.0), *samples])


def read_folder(folder: Path, naming: Naming) -> list[Recorded]:
    """The run of a folder such as `wandb/offline-run-...`, or the runs of a folder of such folders, by wandb's own reader.

    Raises:
        BadInputError: for a folder that holds none or too much, or a log that cannot be read.
    """
    if not folder.is_dir():
        raise BadInputError(f"{folder}: no such folder")
    logs = sorted(folder.glob(LOGS)) or sorted(folder.glob(f"*run-*/{LOGS}"))
    if not logs:
        raise BadInputError(f"{folder}: holds no {LOGS}, the log of a run of wandb")
    if len(logs) > MOST_RUNS:
        raise BadInputError(f"{folder}: holds more than {MOST_RUNS:,} runs; name a folder of one")
    return [_recorded(path, naming) for path in logs]


def _recorded(path: Path, naming: Naming) -> Recorded:
    log = _Log()
    try:
        for line in _lines(path):
            log.add(parsed(line))
        span = log.span
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path}: no readable run of wandb ({error})") from error
    told = log.facts.get("telemetry")
    software = {name: str(value) for name, value in told.items()} if isinstance(told, dict) else {}
    version = software.get("cli_version", "")
    said = origin("wandb", version)
    gpu, gpus = _gpus(log, span, said)
    figures = {**_memory(log, gpus, said), **named_figures(naming, log.logged, span, said)}
    return Recorded(
        name=str(log.facts.get("display_name") or log.facts.get("run_id") or path.parent.name),
        created=str(log.facts["start_time"]),
        version=version,
        seconds=Quantity(span[1] - span[0], "s", "measured", note=f"{said}: from the run's start to its last record"),
        energy=energy_of(gpu, figures, said),
        others=figures,
        gpus=tuple(gpus),
        system=software.get("platform", ""),
        python=software.get("python_version", ""),
        flaw="" if log.exit is not None and log.exit.get("exit_code") == 0 else STOPPED,
        remarks=unnamed(log.logged, naming),
    )


def _gpus(log: _Log, span: Span, said: str) -> tuple[Quantity, list[str]]:
    """The energy of the GPUs that the process used, or else of all that were sampled, and their names."""
    found = {name: match for name in log.stats if (match := GPU.fullmatch(name))}
    own = {match[2] for match in found.values() if match[1]}
    used = sorted(own or {match[2] for match in found.values()}, key=int)
    if not used:
        return unavailable("J", f"{said}: it sampled no power of a GPU"), []
    whose = "" if own else EVERY_GPU
    counters, powers = (
        {name: log.stats[name] for number in used if (name := f"gpu.{number}.{kind}") in found} for kind in KINDS
    )
    gpu = counted(counters, span, said, whose) if len(counters) == len(used) else integrated(powers, span, said, whose)
    known = log.facts.get("gpu_nvidia")
    names = (
        [str(each["name"]) for each in known if isinstance(each, dict) and "name" in each]
        if isinstance(known, list)
        else []
    )
    return gpu, [names[int(number)] if int(number) < len(names) else UNNAMED_GPU for number in used]


def _memory(log: _Log, gpus: Sequence[str], said: str) -> dict[Figure, Quantity]:
    """The largest resident set of the process among the samples."""
    largest = max((value for _, value in log.stats.get(RESIDENT, ())), default=None)
    note = f"{said}: the largest of its samples of the process's resident set"
    return {} if largest is None else host_memory(largest * 2**20, gpus, note)


def _lines(path: Path) -> Iterator[str]:
    """The records of a log, each a line of JSON, from wandb's own reader.

    Raises:
        BadInputError: if it does not read the log.
        OSError: if the log cannot be read.
    """
    if path.stat().st_size > MOST_BYTES:
        raise BadInputError(f"{path}: larger than {MOST_BYTES >> 20} MiB")
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "records").open("w+") as records:
        apart = (
            os.environ | MANNERS | dict.fromkeys(("TMPDIR", "WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"), folder)
        )
        try:
            done = subprocess.run(
                [*READ_BY, str(path.resolve())], stdin=subprocess.DEVNULL, stdout=records, stderr=subprocess.PIPE, text=True,
                cwd=folder, env=apart, timeout=LONGEST_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise BadInputError(f"{path}: wandb did not read it within {LONGEST_S:.0f} s") from None
        if done.returncode:
            old = "No such " in done.stderr  # command, or option
            said = OLD if old else (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise BadInputError(f"{path}: wandb does not read it: {said}")
        records.seek(0)
        yield from records

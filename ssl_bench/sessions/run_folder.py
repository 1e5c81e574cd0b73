"""A run folder: `run.json`, `power.csv.gz`, `metrics.jsonl`, `checkpoints/`, `report.md`, `training.png`."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from ssl_bench.sessions.curve import curve_lines
from ssl_benchmarks.energy.sources.trace import Rows
from ssl_benchmarks.energy.trace_file import OLDER_TRACE, TRACE, append_traces
from ssl_benchmarks.files.leftovers import sweep
from ssl_benchmarks.record.record import Record, read_record, write_record
from ssl_models.documents import read_json, typed
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from torch import nn

    from ssl_models.families import ModelConfig

LOCK = ".lock"
ARTIFACTS = (TRACE, OLDER_TRACE, "metrics.jsonl", "report.md", "training.png", "sweep.png")


@dataclass
class TrainingState:
    """The state of training, saved with the weights.

    Attributes:
        group: values of the steps that do not fill a group of the curve yet.
        attempt: the attempt that reached this state, with its cost so far; see `Attempt.document`.
    """

    step: int = 0
    next_clip: int = 0
    audio_seconds: float = 0.0
    group: list[list[float]] = field(default_factory=list)
    attempt: dict[str, Any] | None = None


@dataclass(frozen=True)
class RunFolder:
    """The paths of a run, and the reading and writing of its files."""

    path: Path

    @property
    def record_path(self) -> Path:
        """`run.json`."""
        return self.path / "run.json"

    def frame(self) -> pd.DataFrame:
        """The rows of its record; see `ssl_benchmarks.record.record.Record.frame`."""
        return self.read().frame()

    @property
    def metrics_path(self) -> Path:
        """`metrics.jsonl`: one line every few steps."""
        return self.path / "metrics.jsonl"

    @property
    def bill_path(self) -> Path:
        """The cost of the current attempt, at most a few seconds old."""
        return self.path / ".attempt.json"

    def bill(self) -> dict[str, Any] | None:
        """The bill of the last attempt, None if there is none."""
        try:
            found = read_json(self.bill_path)
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def read(self) -> Record:
        """The record.

        Raises:
            BadInputError: if it is missing or broken.
        """
        return read_record(self.record_path)

    def write(self, record: Record) -> None:
        """Write the record, with a digest of each other file of the run."""
        found = [self.path / name for name in ARTIFACTS] + sorted(self.path.glob("checkpoints/step-*/*"))
        record.artifacts.clear()
        record.artifacts.update({str(p.relative_to(self.path)): _sha256(p) for p in found if p.is_file()})
        write_record(record, self.record_path)

    def drop_optimiser(self, record: Record) -> None:
        """Remove from a finished run what only further training would need; until then a stopped run can be resumed."""
        for path in self.path.glob("checkpoints/step-*/optimizer.safetensors"):
            path.unlink()
        self.bill_path.unlink(missing_ok=True)
        self.write(record)

    def has_checkpoint(self) -> bool:
        """Whether there is a checkpoint to resume from."""
        return any(self.path.glob("checkpoints/step-*"))

    def metrics(self) -> list[dict[str, Any]]:
        """The training curve so far; a line left half-written by a killed run is skipped."""
        if not self.metrics_path.is_file():
            return []
        return curve_lines(self.metrics_path.read_bytes())

    def add_metrics(self, line: dict[str, Any]) -> None:
        """Append a line to the training curve, on a new line even if a killed run left half of one."""
        with self.metrics_path.open("a+b", buffering=0) as file:
            size, text = file.tell(), json.dumps(line).encode() + b"\n"
            if size:
                file.seek(-1, 2)
                text = text if file.read() == b"\n" else b"\n" + text
            if file.write(text) < len(text):  # the disk is full
                file.truncate(size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.metrics_path))

    def add_trace(self, samples: Rows, **label: int | str) -> None:
        """Append power samples to `power.csv.gz`, labelled by their source: `attempt=2` or `cell="..."`."""
        append_traces(self.path, [(samples, label)])

    def add_traces(self, traces: Iterable[tuple[str, Rows]]) -> None:
        """Append the power samples of several cells at once, each with its label."""
        append_traces(self.path, [(samples, {"cell": label}) for label, samples in traces])

    def save_checkpoint(
        self,
        module: nn.Module,
        optimiser: torch.optim.Optimizer,
        name: str,
        config: ModelConfig,
        state: TrainingState,
    ) -> None:
        """Write weights, optimiser and position into `checkpoints/step-...`, all or nothing; remove older ones."""
        from ssl_models.loading.checkpoints import save_pretraining

        folder = self.path / "checkpoints"
        folder.mkdir(exist_ok=True)
        partial, final = folder / ".partial", folder / f"step-{state.step:09d}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            save_pretraining(module, name, config, partial)
            (partial / "state.json").write_text(json.dumps(asdict(state)) + "\n")
            save_optimiser(optimiser, partial / "optimizer.safetensors")
            # A second checkpoint of the same step is kept beside the first until it is complete; its name sorts last.
            while final.exists():
                final = final.with_name(f"{final.name}-again")
            partial.rename(final)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        for old in folder.glob("step-*"):
            if old != final:
                shutil.rmtree(old)

    def load_checkpoint(self, module: nn.Module, optimiser: torch.optim.Optimizer) -> TrainingState:
        """Load the newest checkpoint into module and optimiser; returns a fresh state if the run has none.

        Raises:
            BadInputError: for a broken checkpoint.
        """
        from ssl_models.loading.checkpoints import load_weights

        newest = self._newest_checkpoint()
        if newest is not None:
            load_weights(module, newest)
            load_optimiser(optimiser, newest / "optimizer.safetensors")
        return self.saved_state()

    def saved_state(self) -> TrainingState:
        """The state of the newest checkpoint; a fresh state if the run has none.

        Raises:
            BadInputError: for a broken checkpoint.
        """
        newest = self._newest_checkpoint()
        if newest is None:
            return TrainingState()
        try:
            return typed(TrainingState, read_json(newest / "state.json"))
        except (OSError, ValueError) as error:
            raise BadInputError(f"{newest}: broken checkpoint ({error})") from error

    def _newest_checkpoint(self) -> Path | None:
        return max((self.path / "checkpoints").glob("step-*"), default=None)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second process from writing to the same run.

        Raises:
            BadInputError: if another process holds the run.
        """
        lock = FileLock(self.path / LOCK, blocking=False)
        try:
            lock.acquire()
        except Timeout as error:
            raise BadInputError(f"{self.path}: another process is writing to this run") from error
        try:
            sweep(self.path, ".", held=True)
            shutil.rmtree(self.path / "checkpoints" / ".partial", ignore_errors=True)
            yield
        finally:
            lock.release()


def new_run(out: str | None, model: str) -> RunFolder:
    """Create the folder of a new run: `out`, or `runs/<model>-<time>`.

    Raises:
        BadInputError: if it cannot be created, or is not empty.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    path = Path(out) if out is not None else _unused(Path("runs") / f"{model}-{stamp}")
    try:
        require_empty(path)
        path.mkdir(parents=True, exist_ok=True)
        (path / LOCK).touch()
    except OSError as error:
        raise BadInputError(f"{path}: cannot write a run there ({error.strerror}); choose another --out") from error
    return RunFolder(path)


def require_empty(path: Path) -> None:
    """Refuse a folder for a new run that is not empty; nothing is created.

    Raises:
        BadInputError: if it is not empty.
        OSError: if it cannot be read.
    """
    held = [entry.name for entry in path.iterdir() if entry.name != LOCK] if path.exists() else []
    if "run.json" in held:
        record = read_record(path / "run.json")
        hint = "add --resume to continue it" if resumable(record) else "choose another --out"
        raise BadInputError(f"{path}: already holds a {record.status} run; {hint}")
    if held:
        raise BadInputError(f"{path}: not empty; choose another --out")


def _unused(path: Path) -> Path:
    """The path, numbered if it exists: two runs may begin in the same second, or the clock may be set back."""
    later = (path.with_name(f"{path.name}-{number}") for number in count(2))
    return next(each for each in chain([path], later) if not each.exists())


def folder_name(model: str, work: str) -> str:
    """The name of a run folder: the model's name, without characters unfit for a folder, and the kind of work."""
    name = model.removeprefix("hf:").rstrip("/").rsplit("/", maxsplit=1)[-1]
    kept = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
    return f"{kept.strip('-') or 'model'}-{work}"


def unfinished_run(out: str | None) -> RunFolder:
    """The run to resume: `out`, or the newest unfinished one below `runs/`.

    Raises:
        BadInputError: if there is none, or it is finished.
    """
    if out is not None:
        run = RunFolder(Path(out))
        record = run.read()
        if record.status != "unfinished":
            raise BadInputError(f"{out}: this run is finished; there is nothing to resume")
        if not resumable(record):
            raise BadInputError(f"{out}: not a run of train-and-measure; start its command again with another --out")
        return run
    runs = [RunFolder(path.parent) for path in Path("runs").glob("*/run.json")]
    open_runs = [run for run in runs if resumable(run.read())]
    if not open_runs:
        raise BadInputError("--resume: no unfinished run below runs/; name one with --out")
    return max(open_runs, key=lambda run: run.record_path.stat().st_mtime)


def resumable(record: Record) -> bool:
    """Whether a run can be resumed; those of `measure`, whose cells belong in one session, and `evaluate` cannot."""
    return record.status == "unfinished" and record.kind in {"training", "study"}


def save_optimiser(optimiser: torch.optim.Optimizer, path: Path) -> None:
    """The optimiser's tensors, named `<parameter number>.<name>`."""
    from ssl_models.loading.checkpoints import write_tensors

    tensors = {
        f"{number}.{name}": value.detach().cpu().contiguous()
        for number, state in optimiser.state_dict()["state"].items()
        for name, value in state.items()
    }
    write_tensors(tensors, path)


def load_optimiser(optimiser: torch.optim.Optimizer, path: Path) -> None:
    """The inverse of `save_optimiser`; the settings stay those of `optimiser`.

    Raises:
        BadInputError: for a file that is missing or broken.
    """
    from ssl_models.loading.checkpoints import read_tensors

    tensors, groups = read_tensors(path), optimiser.state_dict()["param_groups"]
    shapes = [parameter.shape for group in optimiser.param_groups for parameter in group["params"]]
    try:
        optimiser.load_state_dict({"state": _by_parameter(tensors, shapes), "param_groups": groups})
    except (ValueError, LookupError) as error:
        raise BadInputError(f"{path}: not the state of this optimiser ({error})") from error


def _by_parameter(tensors: dict[str, torch.Tensor], shapes: Sequence[torch.Size]) -> dict[int, dict[str, torch.Tensor]]:
    """An optimiser's tensors by parameter number; each has the parameter's shape or is a scalar.

    Raises:
        ValueError, LookupError: for tensors that do not match the parameters.
    """
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        if value.dim() and value.shape != shapes[int(number)]:
            raise ValueError(f"{key} has another shape")
        state.setdefault(int(number), {})[name] = value
    if len({frozenset(found) for found in state.values()}) > 1 or set(state) - set(range(len(shapes))):
        raise ValueError("tensors are missing, or belong to no parameter")
    return state


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Cells measured one after the other, each in a process of its own, so that one that is killed is a row and not the end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.carbon import GridIntensity
from benchmarks.cell import CellSetting, MeasuredCell
from benchmarks.energy.idle import IdlePower
from benchmarks.protocol import Protocol
from benchmarks.quantity import Quantity
from benchmarks.record import Measurement
from benchmarks.repeats import Report, Stage
from benchmarks.stopwatch import unheard

if TYPE_CHECKING:
    from numpy.typing import NDArray


class CellError(RuntimeError):
    """A cell that has no result; the message is the reason."""


class CellMemoryError(CellError):
    """A cell that did not fit into memory."""


@dataclass(frozen=True)
class CellRequest:
    """What the measuring process is told.

    Attributes:
        source: the model as `load_model` takes it.
        setting: of the cell.
        protocol: how it is measured.
        device: "cpu" or "cuda".
        seed: of random weights.
        count: whether FLOPs and MFU are wanted.
        alone: whether latency of one clip is wanted beside that of the batch.
        idle: power measured before, or None.
        pretrained: published weights for a catalog model, or None.
    """

    source: str
    setting: CellSetting
    protocol: Protocol
    device: str
    seed: int = 0
    count: bool = True
    alone: bool = True
    idle: IdlePower | None = None
    pretrained: str | None = None

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> CellRequest:
        """The inverse of `dataclasses.asdict` through JSON."""
        grid, idle = document["setting"].pop("grid"), document.pop("idle")
        setting = CellSetting(**document.pop("setting"), grid=None if grid is None else GridIntensity(**grid))
        power = None if idle is None else IdlePower(_quantities(idle["parts"]), tuple(idle["disturbances"]))
        return cls(**{**document, "setting": setting, "protocol": Protocol(**document["protocol"]), "idle": power})


def _quantities(documents: dict[str, dict[str, Any]]) -> dict[str, Quantity]:
    pairs = {name: None if q["ci95"] is None else (q["ci95"][0], q["ci95"][1]) for name, q in documents.items()}
    return {name: Quantity(**{**q, "ci95": pairs[name]}) for name, q in documents.items()}


def measured_apart(request: CellRequest, speech: NDArray[np.int16], report: Report = unheard) -> MeasuredCell:
    """Measure a cell in a fresh process without the working directory on its path; clips are cut from `speech` `(n,)`.

    Raises:
        CellMemoryError: where it did not fit.
        CellError: where the process gave no result, the reason being its last line, or the signal that ended it.
    """
    import pandas as pd

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "speech.npy", speech, allow_pickle=False)
        (folder / "request.json").write_text(json.dumps(asdict(request)))
        with (folder / "stderr").open("w+", encoding="utf-8") as said:
            command = [sys.executable, "-P", "-m", "ssl_bench.cell_worker", str(folder)]
            with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, text=True) as process:  # fmt: skip
                try:
                    result = _listened(process, report)
                except BaseException:
                    process.kill()
                    raise
            said.seek(0)
            lines = said.read().strip().splitlines()
        if process.returncode or not result:
            raise CellError(ended_because(process.returncode, lines))
        if "refused" in result:
            raise CellError(result["refused"])
        if "out_of_memory" in result:
            raise CellMemoryError(result["out_of_memory"])
        rows = [Measurement.from_row(row) for row in result["rows"]]
        return MeasuredCell(rows, pd.read_parquet(folder / "trace.parquet"), result["details"])


def _listened(process: subprocess.Popen[str], report: Report) -> dict[str, Any]:
    """Pass the stages on until the process closes its end; its last word is the result, empty where there is none."""
    result: dict[str, Any] = {}
    if process.stdout is not None:
        for line in process.stdout:
            event = json.loads(line)
            if "stage" in event:
                report(Stage(**event["stage"]))
            else:
                result = event
    return result


def ended_because(code: int, lines: list[str]) -> str:
    """Why a process ended without a result."""
    if code == -signal.SIGKILL:
        return "killed (SIGKILL), as the kernel does when memory runs out"
    if code < 0:
        return f"ended by {signal.Signals(-code).name}" + (f": {lines[-1]}" if lines else "")
    return lines[-1] if lines else f"ended with exit code {code} and no word"


def halved_until_it_fits(
    request: CellRequest, attempt: Callable[[CellRequest], MeasuredCell], say: Callable[[str], None]
) -> tuple[CellRequest, MeasuredCell, list[str]]:
    """Attempt with half the clips after each `CellMemoryError`; what fitted, its result, and a line for each halving.

    Raises:
        CellError: from the attempt, or where one clip does not fit.
    """
    lines: list[str] = []
    while True:
        try:
            return request, attempt(request), lines
        except CellMemoryError as error:
            setting = request.setting
            if setting.clips == 1:
                raise CellError(f"out of memory at one clip of {setting.clip_seconds:g} s: {error}") from error
            request = replace(request, setting=replace(setting, clips=setting.clips // 2))
            line = f"out of memory at {setting.batch_seconds:g} s a batch ({error}): halved to {request.setting.batch_seconds:g} s"
            lines.append(line)
            say(line)

"""Cells in their own processes, so that a killed one costs a row, not the run; forked by `server.py`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from multiprocessing.connection import Connection
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, Self

import psutil

from ssl_benchmarks.cells.bench import ended_because
from ssl_benchmarks.cells.cell import MeasuredCell
from ssl_benchmarks.cells.cell_plan import CellPlan
from ssl_benchmarks.cells.request import CellError, CellInputError, CellMemoryError, CellRequest
from ssl_benchmarks.processes.threads import threads
from ssl_benchmarks.record.quantity import Quantity, quantity_of, unavailable
from ssl_benchmarks.record.record import Measurement
from ssl_benchmarks.timing.repeats import Stage
from ssl_benchmarks.timing.stopwatch import unheard
from ssl_models.interface import SAMPLE_RATE

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from ssl_benchmarks.timing.repeats import Report

AT_ONCE = 2
"""Number of plans made in parallel; each is arithmetic in one thread."""
LOOK_EVERY = 1.0
"""Seconds of silence after which a process is checked: its channel may be held open by a child although it has ended."""


class CellServer:
    """A `CellBench`: a process that imports what cells need once and forks one process per cell.

    `compare` and `measure` start it first, so that it imports while they examine the machine. Everything ends with
    `close` or when the process that created it ends.

    Args:
        models: catalogue models whose modules are imported at the start.
        fork: whether cells are forked; otherwise each starts from scratch, as is necessary outside Linux.
    """

    def __init__(self, models: Iterable[str] = (), *, fork: bool = sys.platform == "linux") -> None:
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server
        self._control, theirs = socket.socketpair()
        command = [
            sys.executable,
            "-P",
            "-m",
            "ssl_benchmarks.cells.server",
            str(theirs.fileno()),
            "fork" if fork else "fresh",
            *models,
        ]
        environment = os.environ | {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}  # asks the driver without touching a GPU
        with theirs:
            self._server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said, pass_fds=[theirs.fileno()],
                env=environment,
            )  # fmt: skip
        self._lock = Lock()
        self._alive: set[_Process] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def plans(self, requests: Iterable[CellRequest]) -> list[CellPlan | CellError]:
        """The plan of each cell, two at a time; a `CellError` if it cannot be built."""
        with threads(AT_ONCE) as pool:
            try:
                return list(pool.map(self._plan, requests))
            except BaseException:  # a stopped command does not wait for plans
                for process in list(self._alive):
                    process.kill()
                raise

    def _plan(self, request: CellRequest) -> CellPlan | CellError:
        try:
            return CellPlan.from_document(self._once({"do": "plan", "request": asdict(request)})["plan"])
        except CellError as error:
            return error

    def ceiling(self, device: str, precision: str) -> Quantity:
        """FLOP/s of matrix products on the device; unavailable, with the reason, if it cannot be measured."""
        try:
            return quantity_of(self._once({"do": "ceiling", "device": device, "precision": precision})["ceiling"])
        except CellError as error:
            return unavailable("FLOP/s", f"timing the device's matrix products failed: {error}")

    def build(self, request: CellRequest, speech: NDArray[np.int16], report: Report = unheard) -> CellProcess:
        """Build a cell in a fresh process and warm it up.

        Raises:
            CellMemoryError: if it did not fit.
            CellError: if there is no result.
        """
        setting = request.setting
        process = self._started({"do": "cell", "request": asdict(request)})
        samples = round(setting.clip_seconds * SAMPLE_RATE) * setting.clips
        process.send(speech[:samples].tobytes())
        process.heard(report)
        return CellProcess(process)

    def close(self) -> None:
        """End all processes."""
        for process in list(self._alive):
            process.end()
        self._control.close()
        self._server.kill()
        self._server.wait()
        self._said.close()

    def _once(self, task: dict[str, Any]) -> dict[str, Any]:
        """The answer of a process that gets a single task."""
        process = self._started(task)
        try:
            return process.heard(unheard)
        finally:
            process.end()

    def _started(self, task: dict[str, Any]) -> _Process:
        process = _Process(self)
        self._alive.add(process)
        process.send(json.dumps({**task, "family": os.getpid()}).encode())
        return process

    def fork(self, channel: int, said: int) -> int:
        """The PID of a new process.

        Raises:
            CellError: if the server has ended.
        """
        return self._asked(lambda: socket.send_fds(self._control, [b"fork"], [channel, said]))

    def exit_code(self, process: _Process) -> int:
        """Exit code of a process that has ended or is about to; negative for a signal."""
        self._alive.discard(process)
        return self._asked(lambda: self._control.send(str(process.pid).encode()))

    def _asked(self, ask: Any) -> int:  # noqa: ANN401 - a call
        with self._lock:
            try:
                ask()
                answer = self._control.recv(16)
            except OSError:
                answer = b""
        if not answer:
            raise CellError(
                f"the server that starts cells has ended: {ended_because(self._server.wait(), _lines(self._said))}"
            )
        return int(answer)


class CellProcess:
    """A `LivingCell`: built and warm in its own process."""

    def __init__(self, process: _Process) -> None:
        self._process = process

    def window(self, seconds: float, report: Report = unheard) -> MeasuredCell:
        """Measure a window of `seconds`.

        Raises:
            CellMemoryError: if it did not fit.
            CellError: if there is no result.
        """
        self._process.send(json.dumps({"window": seconds}).encode())
        found = self._process.heard(report)
        rows = [Measurement.from_row(row) for row in found["rows"]]
        return MeasuredCell(rows, found["samples"], found["details"])

    def close(self) -> None:
        """End the process."""
        self._process.end()


class _Process:
    """A forked process and the channel to it."""

    def __init__(self, server: CellServer) -> None:
        self._server = server
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process has ended
        self._ended = False
        ours, theirs = socket.socketpair()
        with ours, theirs:
            try:
                self.pid = server.fork(theirs.fileno(), self._said.fileno())
            except BaseException:
                self._said.close()
                raise
            self._channel = Connection(ours.detach())

    def send(self, message: bytes) -> None:
        """Send a message; if the process has ended, `heard` notices it."""
        with suppress(OSError):
            self._channel.send_bytes(message)

    def heard(self, report: Report) -> dict[str, Any]:
        """Pass on the stages until there is an answer.

        Raises:
            CellInputError: if the model or its weights cannot be used.
            CellMemoryError: if it did not fit.
            CellError: if there is no answer, with the last line that the process printed or the signal that ended it.
        """
        while True:
            try:
                while not self._channel.poll(LOOK_EVERY):
                    self._look()
                event: dict[str, Any] = json.loads(self._channel.recv_bytes())
            except (EOFError, OSError):
                raise CellError(self._last_words()) from None
            except BaseException:
                self.end()
                raise
            if "stage" not in event:
                return self._answer(event)
            report(Stage(**event["stage"]))

    def _answer(self, event: dict[str, Any]) -> dict[str, Any]:
        for key, kind in (("bad_input", CellInputError), ("refused", CellError), ("out_of_memory", CellMemoryError)):
            if key in event:
                self.end()
                raise kind(event[key])
        return event

    def _look(self) -> None:
        """Check whether the process has ended although a child still holds its channel open."""
        with suppress(psutil.Error):
            if psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE:
                return
        raise EOFError

    def _last_words(self) -> str:
        self._ended = True
        code = self._server.exit_code(self)
        self.kill()
        lines = _lines(self._said)
        self._close()
        return ended_because(code, lines)

    def end(self) -> None:
        """End the process at once; a second call does nothing."""
        if self._ended:
            return
        self._ended = True
        self.kill()
        with suppress(CellError):
            self._server.exit_code(self)
        self._close()

    def kill(self) -> None:
        """End the process and everything it forked; the error is left for `heard`."""
        with suppress(OSError):  # they may have ended already
            os.killpg(self.pid, signal.SIGKILL)

    def _close(self) -> None:
        self._channel.close()
        self._said.close()


def _lines(said: IO[bytes]) -> list[str]:
    said.seek(0)
    return said.read().decode(errors="replace").strip().splitlines()

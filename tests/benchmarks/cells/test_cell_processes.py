"""Cells in processes of their own, forked from one that has imported everything: real ones, and models that misbehave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from ssl_benchmarks.cells.cell import CellSetting
from ssl_benchmarks.cells.cell_plan import CellPlan
from ssl_benchmarks.cells.processes import CellServer
from ssl_benchmarks.cells.request import CellError, CellInputError, CellMemoryError, CellRequest
from ssl_benchmarks.timing.protocol import Protocol

PROTOCOL = Protocol(duration=0.1, repeats=1, cool_down=0.0, window=0.02, warm_up_limit=0.1, fewest_calls=1)
SETTING = CellSetting("x", "inference", 1.0, 4, "float32")
REQUEST = CellRequest("efficient-tiny", SETTING, PROTOCOL, "cpu")
NOISE = np.random.default_rng(0).integers(-3000, 3000, 16_000).astype(np.int16)
OWN = """
import ctypes, os, signal, sys, threading, time, torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor

class Net(nn.Module):
    def __init__(self, worst):
        super().__init__()
        self.conv, self.worst = nn.Conv1d(1, 8, 400, 320), worst

    def forward(self, waveforms, lengths=None):
        if not isinstance(waveforms, FakeTensor):
            self.worst(waveforms)
        return self.conv(waveforms[:, None]).mT

def forked_and_gone(w):
    if not os.fork():
        time.sleep(60)  # holds the channel
    os._exit(0)

def second_window(w):
    Net.calls = getattr(Net, "calls", 0) + 1
    if Net.calls > 4 and os.path.exists(__file__ + ".late"):
        raise RuntimeError("late")

BAD = {
    "killed": lambda w: os.kill(os.getpid(), signal.SIGKILL),
    "broken": lambda w: 1 / 0,
    "left": lambda w: os._exit(0),
    "exited": lambda w: sys.exit("done here"),
    "crashed": lambda w: ctypes.string_at(0),
    "interrupted": lambda w: (_ for _ in ()).throw(KeyboardInterrupt),
    "greedy": lambda w: torch.empty(10**14),
    "forked": forked_and_gone,
    "deep": lambda w: BAD["deep"](w),
}
GOOD = {
    "talkative": lambda w: print("{}", flush=True) or os.write(1, b"{}"),
    "silent": lambda w: (os.close(1), os.open(os.devnull, os.O_WRONLY)),
    "threaded": lambda w: threading.Thread(target=time.sleep, args=(60,)).start(),
    "elsewhere": lambda w: os.chdir("/"),
}
for name, worst in (BAD | GOOD).items():
    globals()[name] = lambda worst=worst: Net(worst)

def at_load():
    os._exit(0)
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "net.py"
    path.write_text(OWN)
    return path


@pytest.fixture(scope="module")
def server() -> Iterator[CellServer]:
    with CellServer(["efficient-tiny"]) as bench:
        yield bench


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        ("killed", CellError, "killed (SIGKILL)"),
        ("broken", CellError, "ZeroDivisionError: division by zero"),
        ("left", CellError, "ended with exit code 0 without a result"),
        ("exited", CellError, "SystemExit: done here"),
        ("crashed", CellError, "ended by SIGSEGV"),
        ("interrupted", CellError, "KeyboardInterrupt"),
        ("greedy", CellMemoryError, "can't allocate memory: you tried to allocate 4"),
        ("forked", CellError, "ended with exit code 0 without a result"),
        ("deep", CellError, "recursion"),
    ],
)
def test_a_cell_that_ends_badly_is_an_error_here(
    server: CellServer, own: Path, function: str, error: type[CellError], words: str
) -> None:
    with pytest.raises(CellError) as caught:
        server.build(replace(REQUEST, source=f"{own}:{function}"), NOISE)
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    end = time.monotonic() + 60
    while time.monotonic() < end and _left_behind():
        time.sleep(0.01)
    assert not _left_behind(), "what it forked is gone too"


@pytest.mark.parametrize("function", ["talkative", "silent", "threaded", "elsewhere"])
def test_what_a_model_does_beside_its_work_is_no_answer(server: CellServer, own: Path, function: str) -> None:
    """Its lines go elsewhere than ours, even where they look like JSON."""
    stages: list[str] = []
    cell = server.build(replace(REQUEST, source=f"{own}:{function}"), NOISE, lambda stage: stages.append(stage.name))
    measured = cell.window(0.1)
    cell.close()
    assert stages[0] == "build"
    assert {row.conditions.attention for row in measured.rows} == {None}, "the model does not say"
    assert "audio_seconds_per_second" in {row.metric for row in measured.rows}
    assert list(measured.samples)


def test_plans_come_in_order_and_a_bad_model_is_an_error_in_its_place(server: CellServer, own: Path) -> None:
    requests = [REQUEST, replace(REQUEST, source=f"{own}:at_load"), replace(REQUEST, source=f"{own}:broken")]
    good, gone, fine = server.plans(requests)
    assert isinstance(good, CellPlan)
    assert (good.parameters.value or 0) > 1e6
    assert (good.flops_per_audio_second.value or 0) > 1e8
    assert (good.peak.value or 0) > 8e6
    assert isinstance(gone, CellError)
    assert "exit code 0 without a result" in str(gone)
    assert isinstance(fine, CellPlan), "on fake tensors it does no harm"
    (unknown,) = server.plans([replace(REQUEST, source="./nowhere.py:net")])
    assert isinstance(unknown, CellInputError)
    assert "no such file" in str(unknown)


def test_cells_stay_and_do_not_spin_and_are_no_neighbours(server: CellServer) -> None:
    """Two cells take turns; the one that waits takes no processor time, and the one at work sees no neighbour in it."""
    first, second = (server.build(REQUEST, NOISE) for _ in range(2))
    first.window(0.1)
    waiting = psutil.Process(first._process.pid)
    before = waiting.cpu_times()
    again = second.window(0.6)
    after = waiting.cpu_times()
    assert after.user + after.system - before.user - before.system <= 0.05, (
        "hundredths of a second are the kernel's ticks"
    )
    assert {row.metric for row in again.rows} > {"peak_memory", "energy"}
    assert {row.metric for row in first.window(0.1).rows} > {"energy", "duration"}
    first.close()
    second.close()
    assert not psutil.pid_exists(waiting.pid)


@pytest.mark.slow
def test_memory_is_that_of_a_process_that_starts_from_nothing(server: CellServer) -> None:
    """The peak of a forked cell against that of one in a fresh interpreter, whose pages are all its own."""
    setting = replace(SETTING, clip_seconds=5.0)
    request = replace(REQUEST, setting=setting)
    script = (
        "import json, sys, torch, numpy as np\n"
        "from ssl_benchmarks.cells.cell import WarmCell\nfrom ssl_benchmarks.cells.bench import CellRequest\nfrom ssl_benchmarks.cells.steps import STEPS\n"
        "request = CellRequest.from_document(json.loads(sys.argv[1]))\n"
        "speech = np.zeros(320_000, dtype=np.int16)\n"
        "cell = WarmCell(lambda: STEPS['inference'](request, speech, torch.device('cpu')), request.setting, request.protocol, torch.device('cpu'))\n"
        "print(next(row.quantity.value for row in cell.window(0.05).rows if row.metric == 'peak_memory'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(asdict(request))], capture_output=True, text=True, check=True
    )
    cell = server.build(request, np.zeros(320_000, dtype=np.int16))
    (forked,) = (row.quantity.value for row in cell.window(0.05).rows if row.metric == "peak_memory")
    cell.close()
    assert forked == pytest.approx(float(done.stdout), rel=0.1)


def test_nothing_is_left_of_a_command_that_is_killed(warm: Callable[..., Any], tmp_path: Path) -> None:
    """The kernel ends the server with the command, and the cells with the server."""
    script = (
        "import sys, time, numpy as np\n"
        "from ssl_benchmarks.cells.processes import CellServer\nfrom ssl_benchmarks.cells.bench import CellRequest\n"
        "from ssl_benchmarks.cells.cell import CellSetting\nfrom ssl_benchmarks.timing.protocol import Protocol\n"
        "server = CellServer()\n"
        "request = CellRequest('efficient-tiny', CellSetting('x', 'inference', 1.0, 1, 'float32'), "
        "Protocol(0.1, 1, 0.0, window=0.02, warm_up_limit=0.1), 'cpu')\n"
        "cell = server.build(request, np.zeros(16_000, dtype=np.int16))\n"
        "open('pids', 'w').write(f'{server._server.pid} {cell._process.pid}\\n')\ntime.sleep(600)\n"
    )
    command, told = warm(cwd=tmp_path, env=dict(os.environ), code=script), tmp_path / "pids"
    end = time.monotonic() + 120
    while not (told.is_file() and told.read_text().endswith("\n")):
        assert psutil.pid_exists(command.pid), command.finish().stderr
        assert time.monotonic() < end
        time.sleep(0.02)
    pids = [int(pid) for pid in told.read_text().split()]
    assert len(pids) == 2
    assert all(psutil.pid_exists(pid) for pid in pids)
    os.kill(command.pid, signal.SIGKILL)
    assert command.finish().returncode == -signal.SIGKILL
    end = time.monotonic() + 60
    while time.monotonic() < end and any(_alive(pid) for pid in pids):
        time.sleep(0.01)
    assert not any(_alive(pid) for pid in pids)


def _left_behind() -> list[int]:
    """Forks of cells whose cell is gone."""
    found = psutil.process_iter(["ppid", "cmdline", "status"])
    alive = (p.info for p in found if p.info["status"] != psutil.STATUS_ZOMBIE)
    return [
        info["ppid"] for info in alive if info["ppid"] == 1 and "ssl_benchmarks.cells.server" in (info["cmdline"] or ())
    ]


def _alive(pid: int) -> bool:
    """A zombie that nobody has waited for is gone."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


@pytest.mark.slow
def test_where_processes_cannot_be_forked_each_starts_from_nothing() -> None:
    """As on macOS, or where something has touched CUDA before the fork: the same answers over the same channel."""
    with CellServer(fork=False) as bench:
        cell = bench.build(REQUEST, NOISE)
        assert "audio_seconds_per_second" in {row.metric for row in cell.window(0.1).rows}
        assert "cells.worker" in " ".join(psutil.Process(cell._process.pid).cmdline())

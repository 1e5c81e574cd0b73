"""Models of a user's own that exit, crash, print, fork, close what is open: one line and no success, or the document unspoilt.

Each command runs as typed, in a process that need not import what it needs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HEAD = """\
import ctypes, os, signal, sys, threading, time
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(160, 16)

    def forward(self, waveforms, lengths):
        return self.linear(waveforms.unfold(1, 160, 160))

class Odd(BaseException):
    pass

"""
ENDS = {
    "exits": ("sys.exit()", 2, "SystemExit"),
    "exits with words": ("sys.exit('arguments\\n\\nmissing')", 2, "SystemExit: arguments missing"),
    "exits at once": ("os._exit(0)", 1, "exited with code 0 while building"),
    "exits at once with a code": ("os._exit(2)", 1, "exited with code 2 while building"),
    "segfaults": ("ctypes.string_at(0)", 1, "ended by SIGSEGV while building"),
    "aborts": ("os.abort()", 1, "ended by SIGABRT while building"),
    "kills itself": ("os.kill(os.getpid(), signal.SIGKILL)", 1, "ended by SIGKILL"),
    "raises": ("raise RuntimeError('a\\nb')", 2, "RuntimeError: a b"),
    "raises what is no Exception": ("raise Odd('a\\nb')", 2, "Odd: a b"),
    "raises KeyboardInterrupt": ("raise KeyboardInterrupt", 1, "interrupted"),
    "recurses without end": ("return build()", 2, "RecursionError"),
    "closes every descriptor and leaves": ("os.closerange(0, 256); os._exit(0)", 1, "with code 0 while building"),
    "becomes another program": ("os.execv('/bin/true', ['true'])", 1, "exited with code 0 while building"),
    "turns streams away and exits": ("sys.stdout = sys.stderr = None; os.close(2); sys.exit(0)", 2, "SystemExit: 0"),
    "returns a function": ("return build", 2, "returned function"),
}
"""What it does where the model is built; the exit code, and what the one line says."""
GOES_ON = {
    "prints": "print('printed'); os.write(1, b'written'); ctypes.CDLL(None).puts(b'by C'); ctypes.CDLL(None).fflush(None)",
    "a child of it prints": "if not os.fork():\n        os.write(1, b'forked'); os._exit(0)",
    "forks and both go on": "os.fork()",
    "leaves a child behind": "if not os.fork():\n        time.sleep(600)",
    "closes stdout and stderr": "sys.stdout.close(); sys.stderr.close(); os.close(1); os.close(2)",
    "replaces stdout": "sys.stdout = open(os.devnull, 'w'); os.dup2(sys.stdout.fileno(), 1)",
    "changes the directory": "os.chdir('/')",
    "ignores signals": "signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "starts a thread that never ends": "threading.Thread(target=time.sleep, args=(600,)).start()",
    "prints when Python ends": "import atexit; atexit.register(os.write, 1, b'at exit')",
}
WHILE_RUNNING = {
    "exits while it runs": ("sys.exit(0)", "SystemExit: 0"),
    "exits at once while it runs": ("os._exit(0)", "exited with code 0 while "),
    "raises what is no Exception while it runs": ("raise Odd('a\\nb')", "Odd: a b"),
}
COMMANDS = {
    "profile": ["--json", "--seconds", "1", "--no-second-opinion"],
    "measure": ["--json", "--no-idle", "--duration", "0.1", "--repeats", "1", "--clip-seconds", "1"],
    "compare": ["--json", "--no-idle", "--phases", "inference", "--minutes", "0.01", "--clip-seconds", "1"],
    "evaluate": ["--json", "--no-idle", "--tasks", "sid"],
}
SLOW = ("measure", "compare", "evaluate")
"""They begin before they build a model, in processes of its own where it is measured: what becomes of it may be a row."""
Done = subprocess.CompletedProcess[str]
Results = dict[str, Done]
Warm = Callable[..., Any]


def written(folder: Path, name: str, body: str) -> str:
    """A model whose function does that before it is built; returns what it is called by."""
    file = "".join(filter(str.isalnum, name)) + ".py"
    (folder / file).write_text(f"{HEAD}def build():\n    {body}\n    return Net()\n")
    return f"{file}:build"


def all_run(warm: Warm, folder: Path, env: dict[str, str], cases: dict[str, list[str]]) -> Results:
    return {name: warm(*arguments, cwd=folder, env=env).finish() for name, arguments in cases.items()}


def arguments_of(command: str, model: str, speech: Path, out: str) -> list[str]:
    """As typed; a run's folder and the speech to learn from where the command has them."""
    models = ["--models", model] if command == "compare" else [model]
    run = [] if command == "profile" else ["--out", out]
    folders = ["--train", str(speech), "--test", str(speech)] if command == "evaluate" else []
    return [command, *models, *COMMANDS[command], *run, *folders]


@pytest.fixture(scope="module", params=[pytest.param(c, marks=pytest.mark.slow if c in SLOW else []) for c in COMMANDS])
def ended(
    request: Any, tmp_path_factory: Any, clean_environment: dict[str, str], speech: Path, warm: Warm
) -> tuple[str, Results]:
    """How each kind of ending ends a command."""
    folder = tmp_path_factory.mktemp("ends")
    cases = {
        name: arguments_of(request.param, written(folder, name, body), speech, f"run{number}")
        for number, (name, (body, _, _)) in enumerate(ENDS.items())
    }
    return request.param, all_run(warm, folder, clean_environment, cases)


@pytest.fixture(scope="module")
def profiled(tmp_path_factory: Any, clean_environment: dict[str, str], speech: Path, warm: Warm) -> Results:
    """How `profile` goes with each model that goes on, and with each that ends while it runs."""
    folder = tmp_path_factory.mktemp("profiled")
    cases = {name: arguments_of("profile", written(folder, name, body), speech, "") for name, body in GOES_ON.items()}
    for name, (body, _) in WHILE_RUNNING.items():
        model = written(
            folder, name, f"Net.forward = lambda *_: running()\n    return Net()\n\ndef running():\n    {body}"
        )
        cases[name] = arguments_of("profile", model, speech, "")
    return all_run(warm, folder, clean_environment, cases)


def last_line(done: Done) -> str:
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("sslbench: ")
    return line


def test_an_end_is_a_line_and_no_success(ended: tuple[str, Results]) -> None:
    """Where a cell has a process of its own, the document is there and has the reason in it."""
    command, results = ended
    assert set(results) == set(ENDS)
    for kind, done in results.items():
        _, code, words = ENDS[kind]
        assert "Traceback" not in done.stderr, kind
        assert done.stderr.strip().splitlines()[-1].startswith("sslbench: "), kind
        if command not in SLOW:
            assert words in last_line(done), kind
            assert done.returncode == code, kind
        assert done.returncode in {1, 2}, kind
        assert not done.stdout or json.loads(done.stdout)["schema"], kind


def test_what_it_does_beside_building_spoils_no_document(profiled: Results) -> None:
    for kind in GOES_ON:
        done = profiled[kind]
        assert done.returncode == 0, (kind, done.stderr)
        assert json.loads(done.stdout)["counts"][0]["macs"] == 100 * 160 * 16, kind


def test_what_it_prints_is_on_stderr(profiled: Results) -> None:
    assert all(word in profiled["prints"].stderr for word in ("printed", "written", "by C"))
    assert "forked" in profiled["a child of it prints"].stderr


def test_an_end_while_it_runs_is_a_line(profiled: Results) -> None:
    for kind, (_, words) in WHILE_RUNNING.items():
        assert words in last_line(profiled[kind]), kind
        assert profiled[kind].returncode == 1, kind


@pytest.mark.slow
@pytest.mark.parametrize("command", ["measure", "compare"])
def test_a_measured_document_is_unspoilt(
    command: str, tmp_path: Path, clean_environment: dict[str, str], speech: Path, warm: Warm
) -> None:
    kinds = ("prints", "closes stdout and stderr", "changes the directory", "leaves a child behind")
    cases = {
        kind: arguments_of(command, written(tmp_path, kind, GOES_ON[kind]), speech, f"run{i}")
        for i, kind in enumerate(kinds)
    }
    for kind, done in all_run(warm, tmp_path, clean_environment, cases).items():
        assert done.returncode == 0, (kind, done.stderr)
        assert json.loads(done.stdout)["status"] == "finished"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["INT", "TERM", "KILL"])
def test_a_hang_ends_with_the_command(
    number: int, warm: Warm, clean_environment: dict[str, str], tmp_path: Path
) -> None:
    """The process that hangs is gone with the one that was started, even where that is killed outright."""
    model = written(tmp_path, "hangs", "open('pid', 'w').write(str(os.getpid()) + ' '); time.sleep(600)")
    process, pid = warm("profile", model, cwd=tmp_path, env=clean_environment), tmp_path / "pid"
    end = time.monotonic() + 60
    while not (pid.is_file() and pid.read_text().endswith(" ")):
        assert time.monotonic() < end
        time.sleep(0.02)
    os.kill(process.pid, number)
    done = process.finish()
    assert done.returncode == (-9 if number == signal.SIGKILL else 1)
    assert len(done.stderr.strip().splitlines()) == (0 if number == signal.SIGKILL else 1)
    end = time.monotonic() + 60
    while _runs(int(pid.read_text())):
        assert time.monotonic() < end
        time.sleep(0.02)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        return not Path("/proc/self/stat").exists()
    return state != "Z"

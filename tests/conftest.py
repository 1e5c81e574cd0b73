"""What all tests share: real speech where it is available, and the list of tests that did not run."""

from __future__ import annotations

import fcntl
import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# A busy machine is not a failure, and examples are the same for everyone; `make test-all` draws its own.
hypothesis.settings.register_profile(
    "same", deadline=None, derandomize=True, database=None, print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)  # fmt: skip
hypothesis.settings.register_profile("drawn", hypothesis.settings.get_profile("same"), derandomize=False)
hypothesis.settings.load_profile("same")

# torch's kernels for AMX compute some convolutions in bfloat16 wrongly; see `ssl_benchmarks.machine.bfloat16`.
os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX512_CORE_BF16"

TOOLS = {"cc": "cc", "chromium": "chromium", "pdflatex": "pdflatex", "slurm": "slurmdbd"}
SPEECH = Path(__file__).parents[2] / "shared" / "speech" / "LibriSpeech"
DRIVER = Path(__file__).parent / "benchmarks" / "nvml_driver.c"
LEFT_OUT = pytest.StashKey[list[str]]()
LONGEST = (
    "test_guides.py", "test_readme.py", "test_measure.py", "test_evaluate_command.py", "test_study.py", "test_real_speech.py", "test_html_browser.py", "test_html_plots.py"
)  # fmt: skip
"""Files that take minutes, started first: one started last would leave the other workers idle."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--named-at-end", action="store_true", help="name the tests that did not run, and why")


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a background job, whose children inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # under nohup: still ignored here, but not in children
        signal.signal(signal.SIGHUP, lambda *_: None)
    config.stash[LEFT_OUT] = []
    gc.disable()  # until collection ends: imported modules and tests stay, and would be scanned again and again


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test whose tool or data is missing is left out and listed; in CI a missing tool is an error."""
    kept, dropped = [], []
    for item in items:
        missing = _missing(item)
        if missing and os.environ.get("SSLBENCH_REQUIRE_ALL") and missing != "real speech":
            raise pytest.UsageError(f"{item.nodeid} needs {missing}, which is not installed")
        (dropped if missing else kept).append(item)
        if missing:
            config.stash[LEFT_OUT].append(f"{item.nodeid}: needs {missing}")
    config.hook.pytest_deselected(items=dropped)
    items[:] = sorted(
        kept, key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST)
    )


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") and not _missing(item):
            item.config.stash[LEFT_OUT].append(f"{item.nodeid}: takes minutes (make test-all)")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A parallel worker hands its list to the process that prints."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = session.config.stash[LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Every worker collects every test, so their lists are the same."""
    known = node.config.stash[LEFT_OUT]
    known += [line for line in getattr(node, "workeroutput", {}).get("left_out", []) if line not in known]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left_out = config.stash[LEFT_OUT]
    if config.getoption("--named-at-end") and left_out:
        terminalreporter.section(f"{len(left_out)} tests not run")
        for line in left_out:
            terminalreporter.write_line(line)


def _missing(item: pytest.Item) -> str:
    for marker, tool in TOOLS.items():
        if item.get_closest_marker(marker) and shutil.which(tool) is None:
            return f"`{tool}`"
    return "real speech" if item.get_closest_marker("speech") and not SPEECH.is_dir() else ""


@pytest.fixture(scope="session")
def scripted_driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scripted NVIDIA driver, for LD_LIBRARY_PATH; tests that use it carry the marker `cc`."""
    folder = tmp_path_factory.mktemp("driver")
    command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-Wl,-soname,libnvidia-ml.so.1"]
    subprocess.run([*command, "-o", str(folder / "libnvidia-ml.so.1"), str(DRIVER), "-lm"], check=True)
    return folder


class Forked:
    """A process started by the warm server."""

    def __init__(self, server: str, request: dict[str, Any], folder: Path) -> None:
        self._out, self._err = folder / "stdout", folder / "stderr"
        self.args = request["arguments"]
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(server)
        self._line.sendall(json.dumps(request | {"stdout": str(self._out), "stderr": str(self._err)}).encode() + b"\n")
        self._replies = self._line.makefile()
        self.pid = int(self._replies.readline())

    def finish(self, seconds: float = 240) -> subprocess.CompletedProcess[str]:
        """Wait for its end; a process that hangs is killed."""
        self._line.settimeout(seconds)
        try:
            code = int(self._replies.readline())
        except TimeoutError:
            os.kill(self.pid, signal.SIGKILL)
            raise
        finally:
            self._replies.close()
            self._line.close()
        return subprocess.CompletedProcess(self.args, code, self._out.read_text(), self._err.read_text())


@contextmanager
def _warm_server(folder: Path) -> Iterator[str]:
    """The address of the warm process that all workers share: the first user starts it, and it ends after the last."""
    address = os.path.relpath(folder / "warm")  # a socket's address has room for about a hundred characters
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COVERAGE"))}
    environment |= {"OMP_NUM_THREADS": "1", "SSLBENCH_CACHE": str(folder / "warm-cache")}
    with ExitStack() as stack, (folder / "users").open("w") as users, (folder / "starting").open("w") as starting:
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not _answers(address):
            command = [sys.executable, "-P", str(Path(__file__).with_name("warm.py")), address, users.name]
            server = stack.enter_context(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
        fcntl.flock(starting, fcntl.LOCK_UN)
        yield address


def _answers(address: str) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        return line.connect_ex(address) == 0


@pytest.fixture(scope="session")
def warm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Forked]]:
    """Start `sslbench` or a piece of code in a process that has imported torch already (tests/warm.py)."""
    own = tmp_path_factory.getbasetemp()
    with _warm_server(own.parent if hasattr(request.config, "workerinput") else own) as address:

        def start(
            *arguments: object, cwd: Path, env: dict[str, str], code: str | None = None, strict: bool = False
        ) -> Forked:
            words = ["sslbench", *map(str, arguments)]
            asked = {"arguments": words, "cwd": str(cwd), "env": env, "code": code, "strict": strict}
            return Forked(address, asked, tmp_path_factory.mktemp("forked"))

        yield start


@pytest.fixture(scope="session")
def small_librispeech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `LibriSpeech/` of four minutes: the first utterance of each speaker of the sample, the last four in `dev-clean/`."""
    from ssl_bench.data.sample.sample import sample_corpus

    root = tmp_path_factory.mktemp("small") / "LibriSpeech"
    speakers = sorted(path for path in sample_corpus().iterdir() if path.is_dir())
    for name, part in (("train-clean-5", speakers[:-4]), ("dev-clean", speakers[-4:])):
        for speaker in part:
            chapter = min(path for path in speaker.iterdir())
            folder = root / name / speaker.name / chapter.name
            folder.mkdir(parents=True)
            for path in (min(chapter.glob("*.opus")), *chapter.glob("*.trans.txt")):
                (folder / path.name).symlink_to(path)
    return root


@pytest.fixture(scope="session")
def real_speech() -> Path:
    """The LibriSpeech folder beside the checkout; tests that use it carry the marker `speech`."""
    return SPEECH


@pytest.fixture(scope="session")
def own_steps() -> Path:
    """A file of training steps as a user would write them."""
    return Path(__file__).with_name("own_steps.py")

"""What all tests share: real speech where it is at hand, and the list of tests that did not run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

TOOLS = {"cc": "cc", "chromium": "chromium", "pdflatex": "pdflatex", "slurm": "sbatch"}
SPEECH = Path(__file__).parents[2] / "shared" / "speech" / "LibriSpeech"
DRIVER = Path(__file__).parent / "benchmarks" / "nvml_driver.c"
LEFT_OUT = pytest.StashKey[list[str]]()
LONGEST = (
    "test_readme.py", "test_measure.py", "test_evaluate_command.py", "test_study.py", "test_real_speech.py", "test_html_browser.py"
)  # fmt: skip
"""Files that take minutes, begun first: one begun last would leave the other workers idle."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--named-at-end", action="store_true", help="name the tests that did not run, and why")


def pytest_configure(config: pytest.Config) -> None:
    if (
        signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    ):  # as a job in the background begins, and its children after it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # under nohup: ignored here still, but not in children
        signal.signal(signal.SIGHUP, lambda *_: None)
    config.stash[LEFT_OUT] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test whose tool or data is not here is left out and named; in CI a missing tool is an error."""
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
    """Every worker collects every test, so their lists are alike."""
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
    command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(folder / "libnvidia-ml.so.1")]
    subprocess.run([*command, str(DRIVER), "-lm"], check=True)
    return folder


@pytest.fixture(scope="session")
def real_speech() -> Path:
    """The LibriSpeech folder beside the checkout; tests that use it carry the marker `speech`."""
    return SPEECH

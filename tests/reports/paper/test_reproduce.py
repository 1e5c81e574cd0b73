"""The script makes an environment or says what to install, and runs nothing of a record but sslbench commands."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ssl_benchmarks.record.record import Record
from ssl_reports.paper.reproduce import reproduce_script
from ssl_reports.reading.evidence import Evidence

PACKAGES = {"torch": "2.13.0+cpu", "sslbench": "0.1.0"}
STUB = '#!/bin/sh\n[ "$1" = --version ] && { echo sslbench 0.1.0; exit; }\necho "$@" >> calls\n'


def record(command: str = "sslbench models --data 'a b'", **environment: object) -> Record:
    found = {"python": "3.11", "packages": PACKAGES, **environment}
    return Record("r", "2026-11-20", "finished", command, {"seed": 3}, found, (), kind="measurement")


def ran(script: str, folder: Path, *, installed: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
    """The script in an empty environment, with a stand-in for sslbench in the path if it is installed."""
    if installed:
        (folder / "sslbench").write_text(STUB)
        (folder / "sslbench").chmod(0o755)
    return subprocess.run(
        ["/bin/bash", "-c", script], cwd=folder, env={"PATH": f"{folder}:/usr/bin:/bin", **variables},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("environment", [{}, {"packages": {}}], ids=["version-known", "version-not-recorded"])
def test_nothing_runs_but_sslbench(tmp_path: Path, environment: dict[str, object]) -> None:
    evil = [
        "rm -rf '$HOME'", "sslbench models; touch hit", "sslbench $(touch hit)", "sslbench 'x", "sslbench\ntouch hit",
        "sslbench --resume `touch hit`",
    ]  # fmt: skip
    records = [replace(record(command, **environment), id=f"n{i}\ntouch hit") for i, command in enumerate(evil)]
    done = ran(reproduce_script(Evidence(tuple(records))), tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "hit").exists()
    assert (tmp_path / "calls").read_text().splitlines() == ["models; touch hit", "$(touch hit)"]


def test_versions_seeds_and_settings_are_in_it() -> None:
    script = reproduce_script(Evidence((record(),)))
    assert " torch==2.13.0 " in script
    assert "seed 3" in script
    assert "\nsslbench models --data 'a b'\n" in script
    assert json.dumps(record().config, sort_keys=True) in script


def test_without_sslbench_it_stops_with_one_line(tmp_path: Path) -> None:
    done = ran(reproduce_script(Evidence((record(commit="0123abc"),))), tmp_path, installed=False)
    assert done.returncode == 2
    assert done.stderr == (
        "install sslbench 0.1.0 (commit 0123abc): set SSLBENCH_WHEEL to its wheel, or to a folder with its source\n"
    )


def test_another_version_is_not_used(tmp_path: Path) -> None:
    other = record(packages={"sslbench": "9.9"})
    done = ran(reproduce_script(Evidence((other,))), tmp_path)
    assert (done.returncode, (tmp_path / "calls").exists()) == (2, False)
    assert "install sslbench 9.9:" in done.stderr


def test_a_wheel_is_installed_into_a_new_environment(tmp_path: Path) -> None:
    """With a stand-in for Python that writes down what it is asked for, and makes the environment's."""
    (tmp_path / "python").write_text(
        '#!/bin/sh\nprintf "%s\\n" "$*" >> asked\nif [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi\n'
    )
    (tmp_path / "python").chmod(0o755)
    script = reproduce_script(Evidence((record(),)))
    done = ran(script, tmp_path, PYTHON=str(tmp_path / "python"), SSLBENCH_WHEEL="/a b/x.whl")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "asked").read_text().splitlines() == [
        "-m venv reproduce-venv", "-m pip install torch==2.13.0 -- /a b/x.whl",
    ]  # fmt: skip
    assert (tmp_path / "calls").read_text() == "models --data a b\n"


def test_only_what_sslbench_needs_is_installed() -> None:
    """A record may name any package, and any text as its name or version."""
    packages = {
        "evil": "1",
        "--index-url=http://evil": "1",
        "torch": "1 --pre",
        "numpy": "2.0",
        "sslbench": "$(touch hit)",
    }
    script = reproduce_script(Evidence((record(packages=packages, python="3\ntouch hit", commit="x;y"),)))
    (line,) = (line for line in script.splitlines() if "pip install" in line)
    assert shlex.split(line) == ["python", "-m", "pip", "install", "numpy==2.0", "--", "$SSLBENCH_WHEEL"]
    assert not [line for line in script.splitlines() if line.startswith("touch")]
    assert "$(touch" not in script
    assert "x;y" not in script

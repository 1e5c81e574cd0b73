"""`sslbench` without a command: where to start, on this machine and on one with a scripted GPU."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ssl_bench.start import FIRST_COMMANDS

Run = Callable[..., subprocess.CompletedProcess[str]]
NOTHING = {"SSLBENCH_POWERCAP_ROOT": "/nowhere", "COLUMNS": "80"}


def test_five_commands_and_the_machine_in_two_lines(sslbench: Run, tmp_path: Path) -> None:
    done = sslbench(cwd=tmp_path, env=NOTHING)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.split("  ")[1].removeprefix("sslbench ") for line in lines if line.startswith("  ")] == [
        command for command, _ in FIRST_COMMANDS
    ]
    machine, energy = (next(line for line in lines if line.startswith(name)) for name in ("this machine:", "energy:"))
    assert " cores, " in machine
    assert "CPU only modelled" in energy
    assert max(map(len, set(lines) - {machine})) <= 80
    assert list(tmp_path.iterdir()) == []


def test_each_of_the_five_is_a_command(sslbench: Run, tmp_path: Path) -> None:
    commands = sslbench("--help", cwd=tmp_path).stdout
    for command, _ in FIRST_COMMANDS:
        assert f" {command.split()[0]} " in commands


@pytest.mark.cc
def test_a_gpu_and_its_driver_are_named(sslbench: Run, tmp_path: Path, scripted_driver: Path) -> None:
    done = sslbench(cwd=tmp_path, env={**NOTHING, "LD_LIBRARY_PATH": str(scripted_driver)})
    assert "1 x Scripted GPU" in done.stdout
    assert "GPU by its driver" in done.stdout


def test_it_waits_for_no_heavy_import(clean_environment: dict[str, str], tmp_path: Path) -> None:
    script = (
        "import sys\nfrom ssl_bench.cli import run\nsys.argv = ['sslbench']\nassert not run()\n"
        "found = {'torch', 'numpy', 'pandas', 'codecarbon', 'matplotlib', 'scipy'} & set(sys.modules)\nassert not found, found\n"
    )
    subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=tmp_path, env=clean_environment, check=True, capture_output=True
    )

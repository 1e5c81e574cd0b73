"""`sslbench env` on this machine, and on one with a scripted GPU."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
NOTHING = {"SSLBENCH_POWERCAP_ROOT": "/nowhere", "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "80"}


def test_a_machine_with_nothing_is_told_and_led_on(sslbench: Run, tmp_path: Path) -> None:
    done = sslbench("env", cwd=tmp_path, env=NOTHING)
    assert done.returncode == 0, done.stderr
    assert "no RAPL package domain under /nowhere" in " ".join(done.stdout.replace("│", "").split())
    assert done.stdout.splitlines()[-1] == "next: sslbench profile hubert-base"
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.cc
def test_json_is_one_document_with_the_block_of_a_record(sslbench: Run, tmp_path: Path, scripted_driver: Path) -> None:
    script = {"LD_LIBRARY_PATH": str(scripted_driver), "SCRIPT_COUNTER": "0", "CUDA_VISIBLE_DEVICES": "0"}
    document = json.loads(sslbench("env", "--json", cwd=tmp_path, env=NOTHING | script).stdout)
    assert document["schema"] == "sslbench.env/1"
    assert document["measurements"] == []
    found = document["environment"]["capabilities"]
    assert found["measurable"]["energy_gpu"]["method"] == "sampled"
    assert found["measurable"]["energy_net"]["method"] == "sampled"
    assert found["gpus"][0]["name"] == "Scripted GPU"
    assert document["environment"]["packages"]["torch"]

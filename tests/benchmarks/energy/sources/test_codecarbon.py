"""codecarbon's own tracker beside our meter, both on the same scripted driver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.cc, pytest.mark.slow]

ROOT = Path(__file__).parents[4]
WATTS, TICK_S = 250.0, 0.02
CHILD = """
import json, os, time
os.environ["SCRIPT_T0"] = repr(time.perf_counter())
from codecarbon import OfflineEmissionsTracker
from codecarbon.core.gpu_nvidia import NvidiaGPUDevice
from ssl_benchmarks.energy import EnergyMeter
read, asked = NvidiaGPUDevice._get_total_energy_consumption, []
def timed(device):
    asked.append(time.perf_counter())
    return read(device)
NvidiaGPUDevice._get_total_energy_consumption = timed
tracker = OfflineEmissionsTracker(
    country_iso_code="FRA", save_to_file=False, log_level="critical", measure_power_secs=0.5, tracking_mode="machine",
    allow_multiple_runs=True,
)
with EnergyMeter(cpu=False) as meter:
    tracker.start()
    begun = len(asked) - 1
    with meter.window("both"):
        time.sleep(2.0)
    tracker.stop()
window = meter.windows["both"]
print(json.dumps({
    "theirs_j": tracker.final_emissions_data.gpu_energy * 3.6e6, "ours_j": window.energy_gpu.value,
    "ci95": window.energy_gpu.ci95, "inner_s": window.duration.value, "theirs_s": asked[-1] - asked[begun] if asked else None,
    "model": tracker.final_emissions_data.gpu_model,
}))
"""


@pytest.fixture(scope="module")
def readings(scripted_driver: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What both read, with a stub `nvidia-smi` on PATH and without; at the same time, each in an empty folder."""
    stub = tmp_path_factory.mktemp("stub") / "nvidia-smi"
    stub.write_text("#!/bin/sh\n")
    stub.chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CUDA_", "SCRIPT_", "CODECARBON_"))}
    env = kept | {"SCRIPT_POWER": str(WATTS), "SCRIPT_TICK": str(TICK_S), "SCRIPT_LIMIT": "700"}
    env |= {"LD_LIBRARY_PATH": str(scripted_driver)}
    folders = {name: tmp_path_factory.mktemp(name) for name in ("with", "without")}
    paths = {"with": f"{stub.parent}:{env['PATH']}", "without": env["PATH"]}
    running = {
        name: subprocess.Popen(
            [sys.executable, "-c", CHILD],
            env=env | {"PATH": paths[name], "HOME": str(folder)},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, folder in folders.items()
    }
    found = {}
    for name, process in running.items():
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        found[name] = json.loads(out.splitlines()[-1])
        assert [path.name for path in folders[name].iterdir() if path.suffix == ".csv"] == []
    return found


def test_codecarbon_agrees_with_the_meter(readings: dict[str, Any]) -> None:
    """It reads the counter when it starts and when it stops: its own error is a tick, and its edges lie outside of ours."""
    seen = readings["with"]
    assert "Scripted GPU" in seen["model"]
    low, high = seen["ci95"]
    tick, apart = WATTS * TICK_S, WATTS * (seen["theirs_s"] - seen["inner_s"])
    assert low - tick <= seen["theirs_j"] - apart <= high + tick
    assert low <= WATTS * seen["inner_s"] <= high
    assert high - low + 2 * tick < 0.1 * seen["ours_j"], "a bound that would let everything pass"


def test_without_nvidia_smi_codecarbon_reads_nothing_and_the_meter_does(readings: dict[str, Any]) -> None:
    seen = readings["without"]
    assert seen["theirs_j"] == 0
    low, high = seen["ci95"]
    assert low <= WATTS * seen["inner_s"] <= high

"""Measures a trained run's inference in a process of its own: `python -P -m ssl_bench.inference_worker`.

Reads a JSON document on stdin, writes one with the rows on stdout; `measured_apart` is the other end.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.record import Measurement

if TYPE_CHECKING:
    from benchmarks.inference import InferenceSetting


class WorkerError(RuntimeError):
    """The measuring process ended without a result; the message is its last line."""


def measured_apart(
    checkpoint: Path, name: str, speech: NDArray[np.int16], device: str, setting: InferenceSetting
) -> list[Measurement]:
    """Rows of phase `inference` for the checkpoint, measured in a fresh process without the working directory on its path.

    Raises:
        WorkerError: where the process fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "speech.npy"), speech, allow_pickle=False)
        request = {
            "checkpoint": str(checkpoint.resolve()),
            "name": name,
            "speech": str(Path(folder, "speech.npy")),
            "device": device,
            "setting": asdict(setting),
        }
        done = subprocess.run(
            [sys.executable, "-P", "-m", "ssl_bench.inference_worker"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise WorkerError(lines[-1])
    return [Measurement.from_row(row) for row in json.loads(done.stdout)]


def _work(request: dict[str, Any]) -> list[dict[str, Any]]:
    import torch

    from benchmarks.carbon import GridIntensity
    from benchmarks.inference import InferenceSetting, measure_inference
    from models.catalog import load_model

    grid = request["setting"].pop("grid")
    setting = InferenceSetting(**request["setting"], grid=None if grid is None else GridIntensity(**grid))
    device = torch.device(request["device"])
    speech = np.load(request["speech"], allow_pickle=False)
    rows = measure_inference(
        lambda: load_model(request["checkpoint"]).to(device), request["name"], speech, device, setting
    )
    return [row.row() for row in rows]


if __name__ == "__main__":
    json.dump(_work(json.load(sys.stdin)), sys.stdout)

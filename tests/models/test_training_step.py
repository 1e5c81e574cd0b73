"""Fabric runs on one device, wherever it is started."""

from __future__ import annotations

import warnings

import pytest

from ssl_models.training_step import make_fabric

JOB = {"SLURM_NTASKS": "2", "SLURM_JOB_NAME": "night", "SLURM_LOCALID": "1", "SLURM_PROCID": "1", "SLURM_NODEID": "0"}


@pytest.mark.parametrize(
    "job", [{}, JOB, {**JOB, "SLURM_JOB_NAME": "interactive"}], ids=["none", "batch", "interactive"]
)
def test_slurm_changes_nothing(monkeypatch: pytest.MonkeyPatch, job: dict[str, str]) -> None:
    """With `srun` at hand Lightning would warn, and in a job of two tasks it would wait for the other one."""
    for name in JOB:
        monkeypatch.delenv(name, raising=False)
    for name, value in job.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("shutil.which", lambda name, *_: f"/usr/bin/{name}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fabric = make_fabric("cpu", "float32")
    assert (fabric.world_size, fabric.global_rank) == (1, 0)

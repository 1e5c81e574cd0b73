"""What is written about the machine."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import numpy as np
import pytest
import torch

from ssl_benchmarks.machine.environment import conditions, environment
from ssl_benchmarks.machine.plain import cpu_name


def test_the_environment_is_json_and_names_versions() -> None:
    found = json.loads(json.dumps(environment(), allow_nan=False))
    assert found["packages"]["numpy"] == np.__version__
    assert found["packages"]["torch"] == torch.__version__
    assert found["packages"]["sslbench"]
    assert found["python"] == platform.python_version()
    assert found["memory_bytes"] > 1e8
    assert found["threads"] == torch.get_num_threads()


def test_a_package_that_is_not_here_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_benchmarks.machine.environment.PACKAGES", ("numpy", "no-such-distribution"))
    assert environment()["packages"] == {"numpy": np.__version__, "no-such-distribution": None}


def test_the_processor_is_read_from_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "processor : 0\nmodel name\t: Fast: 9000\nmodel name\t: Other\n"
    monkeypatch.setattr(Path, "read_text", lambda _: text)
    assert cpu_name() == "Fast: 9000"


def test_a_machine_without_proc_still_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: Path) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert cpu_name() == platform.machine()


def test_conditions_on_the_cpu() -> None:
    held = conditions(torch.device("cpu"), "float32", "eager", clip_seconds=15.0, compile=False)
    assert held.device is not None
    assert held.device.startswith(cpu_name())
    assert (held.dtype, held.threads, held.torch) == ("float32", torch.get_num_threads(), torch.__version__)
    assert held.attention == "eager"
    assert (held.clip_seconds, held.compile) == (15.0, False)
    assert (held.driver, held.power_limit) == (None, None)

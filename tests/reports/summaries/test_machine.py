"""The tables of `sslbench env` say what the block says, letter by letter."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from ssl_reports.summaries.machine import QUANTITIES, machine_table, measurable_table


def block() -> dict[str, Any]:
    """A made-up machine with a GPU that reports much, one that reports nothing, and counters that only root may read."""
    measured, missing = {"method": "measured", "how": "counter [fast]"}, {"method": "unavailable", "how": "no sensor"}
    told = {
        "device": "gpu0", "name": "H[1]00", "uuid": "GPU-1", "visible": False, "memory_bytes": 80 * 2**30, "power_limit_w": 700.0,
        "energy": measured, "tick_s": 0.1, "mig": True, "others": ["process 7 (python, user bob)"], "throttles": ["slow"],
        "remarks": ["at its power limit"],
    }  # fmt: skip
    silent = dict.fromkeys(("name", "memory_bytes", "power_limit_w", "mig", "tick_s")) | {
        "device": "gpu1", "uuid": "GPU-2", "visible": True, "energy": missing, "others": [], "throttles": [], "remarks": [],
    }  # fmt: skip
    instance = dict.fromkeys(told) | {"device": "MIG-9", "energy": {"method": "unavailable", "how": "give the parent"}}
    rapl = {"root": "/r", "cpu": ["package-0"], "dram": [], "apart": ["psys"], "fault": "root only", "allow": "sudo x"}
    ways = dict.fromkeys(QUANTITIES, measured) | {"co2e": missing}
    return {
        "system": "Linux-9", "python": "3.12.1", "cpu": "Fast [9]", "cores": 8, "threads": 4, "memory_bytes": 16 * 2**30,
        "cuda": "13.0", "packages": {"torch": "2.13", "absent": None},
        "capabilities": {"driver": "555.1", "gpus": [told, silent, instance], "rapl": rapl, "measurable": ways},
    }  # fmt: skip


def printed(environment: dict[str, Any], width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(machine_table(environment), measurable_table(environment), sep="\n")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_all_of_the_block_is_shown() -> None:
    text = printed(block())
    for words in (
        "Linux-9", "Fast [9], 8 cores, 4 threads", "16.0 GiB", "RAPL package-0: not readable (root only); not counted: psys",
        "555.1", "H[1]00, 80.0 GiB, power limit 700 W, MIG on, hidden by CUDA_VISIBLE_DEVICES", "GPU-1",
        "energy: measured, counter [fast]", "other processes on it: process 7 (python, user bob)", "throttling now: slow",
        "at its power limit", "name not reported, memory not reported, power limit not reported, MIG not reported", "other processes on it: none seen",
        "energy: not available, give the parent", "3.12.1, torch CUDA 13.0", "torch 2.13", "absent",
    ):  # fmt: skip
        assert words in text, words


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ({"cpus": 1, "memory_bytes": 4 * 2**30}, "1 of 8 cores, 4.00 GiB of memory"),
        ({"cpus": 1.5, "memory_bytes": 16 * 2**30}, "1.5 of 8 cores"),
        ({"cpus": 8, "memory_bytes": 2 * 2**30}, "2.00 GiB of memory"),
        ({"cpus": 8, "memory_bytes": 16 * 2**30}, ""),
        ({}, ""),
    ],
)
def test_what_a_job_may_use_is_told_where_it_is_less(job: dict[str, float], words: str) -> None:
    text = printed(block() | {"job": job})
    assert ("this job" in text) == bool(words)
    assert words in text


def test_each_quantity_has_its_line() -> None:
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed(block()).splitlines() if "│" in line]
    for key, name in QUANTITIES.items():
        wanted = [name, "not available", "no sensor"] if key == "co2e" else [name, "measured", "counter [fast]"]
        assert wanted in lines


@pytest.mark.parametrize("width", [80, 160])
def test_the_tables_fit_the_terminal(width: int) -> None:
    assert max(map(len, printed(block(), width).splitlines())) <= width


def test_a_machine_with_nothing_says_why() -> None:
    found = block()
    found["capabilities"] |= {"driver": None, "gpus": []}
    found["capabilities"]["rapl"] |= {"cpu": [], "fault": "no RAPL here"}
    found["cuda"] = None
    found["capabilities"]["measurable"]["energy_gpu"] = {"method": "unavailable", "how": "no library"}
    text = printed(found)
    assert "none: no library" in text
    assert "none: no RAPL here" in text
    assert "torch without CUDA" in text

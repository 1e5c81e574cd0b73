"""What is said to be measurable is what the meter then measures."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ssl_benchmarks.energy import EnergyMeter
from ssl_benchmarks.energy.sources import machine_model
from ssl_benchmarks.energy.sources.nvml import Missing, Nvml
from ssl_benchmarks.machine import capabilities as looking
from ssl_benchmarks.machine.capabilities import capabilities
from ssl_benchmarks.machine.environment import environment
from ssl_benchmarks.record.quantity import METHODS

ROOT = Path(__file__).parents[3]
QUANTITIES = [
    "energy_gpu", "energy_cpu", "energy_dram", "energy_machine", "energy_net", "power", "peak_memory_gpu", "peak_memory_cpu",
    "time", "flops", "mfu", "co2e",
]  # fmt: skip


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No counters, and nothing remembered of the machine."""
    monkeypatch.setenv("SSLBENCH_POWERCAP_ROOT", str(tmp_path))
    monkeypatch.setattr(Nvml, "open", classmethod(lambda _: Missing("no driver in this test")))
    capabilities.cache_clear()
    return tmp_path


@pytest.fixture(scope="module", autouse=True)
def forget() -> Any:
    yield
    capabilities.cache_clear()


def zone(root: Path, zone_name: str, name: str) -> None:
    (root / zone_name).mkdir()
    for file, text in (("name", name), ("energy_uj", "1000000"), ("max_energy_range_uj", "262143328850")):
        (root / zone_name / file).write_text(text)


@contextmanager
def moving(root: Path, zones: int) -> Iterator[None]:
    """Counters of the first zones go on, each at a pace of its own."""
    halt, counts = threading.Event(), [1_000_000 * (1 + number) for number in range(zones)]

    def count() -> None:
        while not halt.wait(0.001):
            for number in range(zones):
                counts[number] += 100 + number
                fresh = root / f"intel-rapl:{number}" / "fresh"
                fresh.write_text(str(counts[number]))
                fresh.rename(root / f"intel-rapl:{number}" / "energy_uj")

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield
    finally:
        halt.set()
        thread.join()


@pytest.mark.parametrize(
    "still", [(), ("package-0",), ("dram",), ("package-0", "dram")], ids=lambda names: "+".join(names) or "none"
)
def test_only_a_counter_that_was_seen_to_move_is_promised(fresh: Path, still: tuple[str, ...]) -> None:
    names = [*(name for name in ("package-0", "dram") if name not in still), *still]
    for number, name in enumerate(names):
        zone(fresh, f"intel-rapl:{number}", name)
    with moving(fresh, len(names) - len(still)):
        said = capabilities().measurable
    for scope, name in (("cpu", "package-0"), ("dram", "dram")):
        way = said[f"energy_{scope}"]
        assert way.method == ("unavailable" if name in still else "measured")
        assert ("did not move" in way.how) == (name in still)


def test_a_second_name_of_a_counter_is_told_apart(fresh: Path) -> None:
    zone(fresh, "intel-rapl:0", "package-0-die-0")
    zone(fresh, "intel-rapl:1", "package-0-die-1")
    (fresh / "intel-rapl:1" / "energy_uj").unlink()
    (fresh / "intel-rapl:1" / "energy_uj").symlink_to(fresh / "intel-rapl:0" / "energy_uj")
    with moving(fresh, 1):
        rapl = capabilities().rapl
    assert rapl.cpu == ("package-0-die-0",)
    assert rapl.apart == ("package-0-die-1 (the counter of package-0-die-0)",)


def test_every_quantity_has_a_method_and_its_means_or_its_reason() -> None:
    ways = capabilities().measurable
    assert list(ways) == QUANTITIES
    assert all(way.method in METHODS and way.how for way in ways.values())
    assert (ways["flops"].method, ways["time"].method) == ("analytic", "measured")
    assert ways["energy_gpu"].how == "no driver in this test"
    assert ways["energy_net"].method == "unavailable"
    assert capabilities().rapl.allow == ""


@pytest.mark.parametrize(
    "domains", [[], ["package-0"], ["package-0", "dram"]], ids=lambda names: "+".join(names) or "none"
)
def test_the_meter_does_as_it_was_said(fresh: Path, domains: list[str]) -> None:
    """The method said of each part is the method of the meter's reading."""
    for number, name in enumerate(domains):
        zone(fresh, f"intel-rapl:{number}", name)
    zone(fresh, "intel-rapl:9", "psys")
    with moving(fresh, len(domains)):
        said = capabilities()
        with EnergyMeter() as meter:
            time.sleep(0.05)
    for scope, energy in meter.reading.by_scope().items():
        assert said.measurable[f"energy_{scope}"].method == energy.method, scope
    assert said.rapl.apart == ("psys",)
    assert len([*said.rapl.cpu, *said.rapl.dram]) == len(domains)
    net = said.measurable["energy_net"]
    assert (net.method, "cpu" in net.how) == (("measured", True) if domains else ("unavailable", False))


def test_counters_of_root_alone_come_with_the_command_that_opens_them(
    fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read every file, so the refusal is put into the reader."""
    zone(fresh, "intel-rapl:0", "package-0")
    fault = "package-0: RAPL is readable by root only (...)"
    monkeypatch.setattr(looking, "unreadable", lambda _: fault)
    said = capabilities()
    assert said.rapl.allow == f"sudo chmod a+r {fresh}/*/energy_uj"
    assert said.measurable["energy_cpu"].method == "modelled"
    assert fault in said.measurable["energy_cpu"].how
    monkeypatch.setattr(machine_model, "no_model", lambda: "codecarbon is not installed")
    capabilities.cache_clear()
    assert capabilities().measurable["energy_cpu"].method == "unavailable"
    assert capabilities().measurable["co2e"].method == "unavailable"


@pytest.mark.parametrize("module", ["cpuinfo", "codecarbon.core.cpu"], ids=["its own need", "itself"])
def test_a_model_that_lacks_a_module_is_none_and_the_meter_says_the_same(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """codecarbon without py-cpuinfo imports, and fails when it is asked for a CPU that the kernel does not name."""
    monkeypatch.setattr(machine_model, "model_name", lambda: "")
    machine_model.look_at_machine.cache_clear()
    import_module("codecarbon.core.util").detect_cpu_model.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    said = capabilities().measurable
    lack = "CodeCarbon lacks the module cpuinfo" if module == "cpuinfo" else "CodeCarbon is not installed"
    with EnergyMeter() as meter:
        time.sleep(0.01)
    for scope in ("cpu", "dram", "machine"):
        energy = meter.reading.by_scope()[scope]
        assert said[f"energy_{scope}"].method == energy.method == "unavailable"
        if scope != "machine":
            assert f"{lack}, so there is no model either" in said[f"energy_{scope}"].how
            assert lack in energy.note
    assert said["co2e"].method == "unavailable"


def test_the_block_is_in_every_environment_and_the_machine_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = json.loads(json.dumps(environment(), allow_nan=False))
    assert list(found["capabilities"]["measurable"]) == QUANTITIES
    monkeypatch.setattr(looking, "find_counters", lambda _: pytest.fail("looked again"))
    assert environment()["capabilities"] == capabilities().document()


CHILD = """
import json, os, time
from itertools import pairwise
from ssl_benchmarks.machine.capabilities import capabilities
from ssl_benchmarks.energy import EnergyMeter
from ssl_benchmarks.energy.sources import gpu
looks, counter_j = [0.0], gpu.GpuSource.counter_j
os.environ["SCRIPT_T0"] = repr(time.perf_counter())
gpu.GpuSource.counter_j = lambda source: (looks.append(time.perf_counter()), counter_j(source))[1]
said, late = capabilities().document(), max((b - a for a, b in pairwise(looks[1:])), default=0.0)
with EnergyMeter(cpu=False) as meter:
    time.sleep(0.3)
print(json.dumps([said, meter.reading.energy_gpu.method, late]))
"""

SCRIPTS: dict[str, dict[str, str]] = {
    "counter": {"TICK": "0.1", "LIMIT": "700", "REASONS": "68", "NAMES": "H100"},
    "sampled": {"COUNTER": "0", "GPUS": "2"},
    "cut": {"MIG": "1"},
    "nothing": {"COUNTER": "0", "SENSOR": "0"},
    "no handle": {"HANDLE": "0"},
    "MIG": {"CUDA_VISIBLE_DEVICES": "MIG-1234"},
    "hidden": {"GPUS": "2", "CUDA_VISIBLE_DEVICES": "1"},
    "module": {"MODULE": "520", "NAMES": "NVIDIA GH200 480GB"},
    "still": {"TICK": "1000"},
    "which": {"GPUS": "2", "CUDA_VISIBLE_DEVICES": "1", "NAMES": "T4,H100"},
}


@pytest.fixture(scope="module")
def told(scripted_driver: Path, warm: Callable[..., Any]) -> dict[str, Any]:
    """Each script in a child of its own: what is said, the method of the meter's reading, and how late a look came."""
    base = {k: v for k, v in os.environ.items() if not k.startswith(("CUDA_", "SCRIPT_"))}
    base |= {"LD_LIBRARY_PATH": str(scripted_driver)}
    running = {}
    for name, script in SCRIPTS.items():
        env = base | {k if k.startswith("CUDA") else f"SCRIPT_{k}": v for k, v in script.items()}
        running[name] = warm(cwd=ROOT, env=env, code=CHILD, strict=True)
    return {name: json.loads(process.finish().stdout) for name, process in running.items()}


@pytest.mark.cc
@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_a_scripted_gpu_is_metered_as_it_was_said(told: dict[str, Any], name: str) -> None:
    said, method, _ = told[name]
    if name == "still":  # the meter finds out in the run
        assert "no update within half a second" in said["measurable"]["energy_gpu"]["how"]
        return
    assert said["measurable"]["energy_gpu"]["method"] == method
    wanted = {"counter": "measured", "sampled": "sampled", "hidden": "measured", "module": "sampled"}
    assert method == wanted.get(name, "unavailable")
    assert said["driver"] == "999.1"


@pytest.mark.cc
def test_a_module_is_listed_under_its_own_name(told: dict[str, Any]) -> None:
    said = told["module"][0]["measurable"]
    assert said["energy_module"]["method"] == "measured"
    assert said["energy_machine"] == {"method": "measured", "how": "module (measured)"}
    assert "the energy counter covers the whole module" in said["energy_gpu"]["how"]
    assert said["energy_cpu"]["method"] == "modelled"


@pytest.mark.cc
def test_what_a_gpu_tells_is_there(told: dict[str, Any]) -> None:
    (gpu,) = told["counter"][0]["gpus"]
    assert (gpu["device"], gpu["name"], gpu["uuid"], gpu["visible"]) == ("gpu0", "H100", "GPU-aa-uuid", True)
    assert (gpu["power_limit_w"], gpu["memory_bytes"], gpu["mig"]) == (700, 80 * 2**30, False)
    assert 0.098 <= gpu["tick_s"] <= 0.102 + 2 * told["counter"][2]
    assert gpu["throttles"] == ["thermal slowdown by the hardware"]
    assert "at its power limit" in gpu["remarks"]
    first, second = told["hidden"][0]["gpus"]
    assert (first["visible"], second["visible"]) == (False, True)
    sampled = told["sampled"][0]["gpus"][1]
    assert (sampled["mig"], sampled["power_limit_w"], sampled["tick_s"]) == (False, None, None)
    card, instance = told["cut"][0]["gpus"]
    assert (card["device"], card["mig"], card["visible"], card["energy"]["method"]) == ("gpu0", True, True, "measured")
    assert any("MIG" in remark for remark in card["remarks"])
    assert (instance["device"], instance["energy"]["method"]) == ("instance of gpu0", "unavailable")
    assert {gpu["visible"] for gpu in told["which"][0]["gpus"]} == {None}
    assert "CUDA_DEVICE_ORDER=PCI_BUS_ID" in told["which"][0]["measurable"]["energy_gpu"]["how"]

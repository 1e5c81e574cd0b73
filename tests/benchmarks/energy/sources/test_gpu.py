"""The real NVML binding against a scripted driver: what the meter says is held against the script's exact integral."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.cc

ROOT = Path(__file__).parents[4]

CHILD = """
import ctypes, dataclasses, json, os, sys, threading, time
from itertools import pairwise
from ssl_benchmarks.energy import EnergyMeter
from ssl_benchmarks.energy.sources import gpu
seconds, gpus, body = float(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3]
t0 = time.perf_counter()
os.environ["SCRIPT_T0"] = repr(t0)
driver = ctypes.CDLL("libnvidia-ml.so.1")
meter, extra, looks, find_ticks = EnergyMeter(gpus=gpus, cpu=False, sample_hz=20), {}, [], gpu.find_ticks

def until(holds):
    end = time.perf_counter() + 100
    while not holds():
        assert time.perf_counter() < end, "waited too long"
        time.sleep(0.01)

def at_work(seconds, readings=6):
    "So long at least, and until power was read so often, where it can be read."
    begun = driver.script_reads()
    time.sleep(seconds)
    if driver.script_reads() > 2:
        until(lambda: driver.script_reads() - begun >= readings)

def looked(counters):
    "How late a look at the counters came, at worst."
    def timed(counter):
        return lambda: (looks.append(time.perf_counter()), counter())[1]
    found = find_ticks([timed(counter) for counter in counters])
    extra["late"] = max((b - a for a, b in pairwise(looks)), default=0.0)
    return found

gpu.find_ticks = looked
if body.startswith("idle"):
    meter.measure_idle(0.4)
with meter:
    with meter.window("first"):
        at_work(seconds * 0.3)
    if body == "many":
        fds, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
        for _ in range(1000):
            with meter.window("many"):
                pass
        extra["leaks"] = [len(os.listdir("/proc/self/fd")) - fds, threading.active_count() - threads]
    if body == "fork":
        read, write = os.pipe()
        if os.fork() == 0:
            with meter.window("child"):
                live = meter.live().energy["gpu"].note
            meter.stop()
            os.write(write, json.dumps([live, meter.reading.energy_gpu.note, sorted(meter.windows)]).encode())
            os._exit(0)
        extra["child"] = json.loads(os.read(read, 9999)) + [os.waitstatus_to_exitcode(os.wait()[1])]
    if body in {"VANISH", "STALL", "BACK", "RESET", "LEAP"}:
        driver.script_mishap(body.encode())
        with meter.window("second"):
            until(lambda: meter.live().energy["gpu"].value is None)
            time.sleep(0.4)
    with meter.window("second"):
        at_work(seconds * 0.7, 0 if body else 6)
    live = meter.live()
reading, show = meter.reading, dataclasses.asdict
print(json.dumps(extra | {
    "start": meter._first.time_s - t0, "end": meter._last.time_s - t0,
    "gpu": show(reading.energy_gpu), "per_gpu": {k: show(q) for k, q in reading.per_gpu.items()},
    "integral": show(reading.integral_gpu), "net": show(reading.energy_net), "machine": show(reading.energy_machine),
    "idle": show(reading.power_idle), "cpu": show(reading.energy_cpu), "mean": show(reading.power_mean("gpu")),
    "windows": {k: show(w.energy_gpu) | {"seconds": w.duration.value} for k, w in meter.windows.items()},
    "live": [show(live.energy["gpu"]), show(live.power["gpu"])],
    "trace": reading.trace.astype(object).where(
        reading.trace.notna(), None).to_dict("list"),
    "module": reading.energy_module and show(reading.energy_module), "scopes": sorted(reading.by_scope()),
    "net_machine": show(reading.net_by_scope()["machine"]), "live_machine": show(live.energy["machine"]),
    "disturbances": reading.disturbances, "net_gpu": show(reading.net_by_scope()["gpu"]),
    "sessions": driver.script_sessions(), "own_cpu": meter.own_cpu_seconds,
}))
"""

# fmt: off
SCENARIOS: dict[str, tuple[dict[str, object], float, object, str]] = {
    "constant": ({"TICK": 0.02, "POWER": 150}, 1.2, "visible", ""),
    "slow tick": ({"TICK": 0.1, "POWER": 300}, 1.2, "visible", ""),
    "ramp": ({"TICK": 0.1, "POWER": 50, "SLOPE": 200}, 1.2, "visible", ""),
    "burst": ({"TICK": 0.02, "POWER": 60, "BURST": 400, "BURST_S": 0.3}, 1.2, "visible", ""),
    "no counter": ({"COUNTER": 0, "POWER": 120}, 1.2, "visible", ""),
    "no counter, ramp": ({"COUNTER": 0, "POWER": 50, "SLOPE": 200}, 1.2, "visible", ""),
    "no counter, burst": ({"COUNTER": 0, "POWER": 60, "BURST": 400, "BURST_S": 0.07}, 1.2, "visible", ""),
    "no sensor": ({"SENSOR": 0, "TICK": 0.02}, 1.2, "visible", ""),
    "nothing": ({"SENSOR": 0, "COUNTER": 0}, 0.2, "visible", ""),
    "no handle": ({"HANDLE": 0}, 0.2, "visible", ""),
    "vanishing": ({}, 1.2, "visible", "VANISH"),
    "stepping back": ({}, 1.2, "visible", "BACK"),
    "reset": ({}, 1.2, "visible", "RESET"),
    "standing still": ({}, 1.2, "visible", "STALL"),
    "two, one visible": ({"GPUS": 2, "CUDA_VISIBLE_DEVICES": "1"}, 0.6, "visible", ""),
    "two, by UUID": ({"GPUS": 2, "CUDA_VISIBLE_DEVICES": "GPU-bb"}, 0.6, "visible", ""),
    "two, by hand": ({"GPUS": 2}, 0.4, ["GPU-bb"], ""),
    "two kinds, one visible": ({"GPUS": 2, "NAMES": "T4,H100", "CUDA_VISIBLE_DEVICES": "1"}, 0.1, "visible", ""),
    "two kinds, in order": (
        {"GPUS": 2, "NAMES": "T4,H100", "CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, 0.4, "visible", "",
    ),
    "two kinds, both": ({"GPUS": 2, "NAMES": "T4,H100", "CUDA_VISIBLE_DEVICES": "1,0"}, 0.4, "visible", ""),
    "two, all": ({"GPUS": 2, "CUDA_VISIBLE_DEVICES": "1"}, 0.6, "all", ""),
    "hidden": ({"CUDA_VISIBLE_DEVICES": ""}, 0.1, "visible", ""),
    "MIG": ({"CUDA_VISIBLE_DEVICES": "MIG-1234"}, 0.2, "visible", ""),
    "unknown": ({"GPUS": 2}, 0.1, [5], ""),
    "many windows": ({}, 0.4, "visible", "many"),
    "fork": ({}, 0.6, [0], "fork"),
    "idle": ({"POWER": 80}, 0.6, "visible", "idle"),
    "MIG that answers": ({"CUDA_VISIBLE_DEVICES": "MIG-1234", "MIG_SENSOR": 1, "MIG": 1}, 0.2, "visible", ""),
    "cut card": ({"MIG": 1}, 0.2, "visible", ""),
    "cut card by number": ({"MIG": 1, "GPUS": 2, "CUDA_VISIBLE_DEVICES": "1"}, 0.2, "visible", ""),
    "cut card by UUID": ({"MIG": 1, "GPUS": 2, "CUDA_VISIBLE_DEVICES": "GPU-bb"}, 0.2, "visible", ""),
    "cut card by hand": ({"MIG": 1}, 0.4, [0], ""),
    "module": ({"POWER": 300, "MODULE": 520}, 0.8, "visible", "idle"),
    "module, no scopes": ({"POWER": 300, "MODULE": 520, "SCOPES": 0, "NAMES": "NVIDIA GB200"}, 0.4, "visible", ""),
    "two of one module": ({"POWER": 100, "MODULE": 520, "GPUS": 2}, 0.8, "all", ""),
    "module beside a card": ({"POWER": 100, "MODULE": 520, "GPUS": 2, "SCOPES": 1, "NAMES": "GH200,H100"}, 0.8, "all", ""),
    "leap": ({"POWER": 300, "LIMIT": 700}, 0.8, "visible", "LEAP"),
}
# fmt: on


@pytest.fixture(scope="module")
def outcomes(scripted_driver: Path, warm: Callable[..., Any]) -> dict[str, Any]:
    """Every scenario in a child process of its own, all at once since they mostly sleep."""
    base = {k: v for k, v in os.environ.items() if not k.startswith(("CUDA_", "SSLBENCH_", "SCRIPT_"))}
    base |= {"LD_LIBRARY_PATH": str(scripted_driver)}
    running = {}
    for name, (script, seconds, gpus, body) in SCENARIOS.items():
        env = base | {key if key.startswith("CUDA") else f"SCRIPT_{key}": str(value) for key, value in script.items()}
        running[name] = warm(seconds, json.dumps(gpus), body, cwd=ROOT, env=env, code=CHILD, strict=True)
    ended = {name: process.finish() for name, process in running.items()}
    return {name: json.loads(done.stdout) if done.returncode == 0 else done.stderr for name, done in ended.items()}


def exact(name: str, start: float, end: float, gpu: int = 0) -> float:
    """The script's integral in J between two moments, worked out apart from the driver's C."""
    script = {"POWER": 100, "SLOPE": 0, "BURST": 0, "BURST_S": 1} | SCENARIOS[name][0]
    power, slope, burst, period = (float(str(script[key])) for key in ("POWER", "SLOPE", "BURST", "BURST_S"))

    def until(t: float) -> float:
        cycles, rest = divmod(t, period)
        return power * (gpu + 1) * t + slope * t**2 / 2 + burst * (cycles * period / 2 + max(rest - period / 2, 0))

    return until(end) - until(start)


@pytest.mark.parametrize("name", ["constant", "slow tick", "ramp", "burst", "no sensor"])
def test_counter_holds_the_exact_integral_in_its_interval(outcomes: dict[str, Any], name: str) -> None:
    run = outcomes[name]
    energy, truth = run["gpu"], exact(name, run["start"], run["end"])
    assert energy["method"] == "measured"
    assert energy["ci95"][0] <= truth <= energy["ci95"][1]
    assert energy["ci95"][1] - energy["ci95"][0] < truth  # an interval that says nothing would always hold the truth
    assert run["mean"]["value"] == pytest.approx(energy["value"] / (run["end"] - run["start"]))
    assert run["live"][0]["method"] == "measured"


@pytest.mark.parametrize(("name", "tick"), [("constant", 20), ("slow tick", 100)])
def test_the_tick_is_found_and_a_short_window_says_so(outcomes: dict[str, Any], name: str, tick: int) -> None:
    """Never as shorter than it is, and as longer by no more than two looks that came late."""
    note = outcomes[name]["gpu"]["note"]
    found = float(note.split("every ")[1].split(" ms")[0])
    assert tick - 2 <= found <= tick + 2 + 2000 * outcomes[name]["late"]
    assert "too short for 1 %" in note


@pytest.mark.parametrize("name", ["no counter", "no counter, ramp", "no counter, burst"])
def test_without_a_counter_samples_are_integrated(outcomes: dict[str, Any], name: str) -> None:
    run = outcomes[name]
    energy, truth = run["gpu"], exact(name, run["start"], run["end"])
    assert energy["method"] == "sampled"
    assert energy["ci95"][0] <= truth <= energy["ci95"][1]
    assert energy["n"] >= 10


def test_the_integral_is_kept_beside_the_counter(outcomes: dict[str, Any]) -> None:
    run = outcomes["constant"]
    assert run["integral"]["method"] == "sampled"
    assert run["integral"]["value"] == pytest.approx(exact("constant", run["start"], run["end"]), rel=1e-3)


def test_one_failing_query_leaves_out_its_field_alone(outcomes: dict[str, Any]) -> None:
    """Clocks are not permitted and utilisation is not found; power and temperature are there."""
    trace = outcomes["constant"]["trace"]
    assert set(trace["temperature_c"]) == {45}
    assert set(trace["sm_clock_mhz"]) == set(trace["utilisation"]) == {None}
    assert set(trace["power_w"]) == {150}
    assert set(trace["device"]) == {"gpu0"}
    assert outcomes["no sensor"]["integral"]["value"] is None
    assert outcomes["no sensor"]["live"][1]["value"] is None


def test_no_reading_at_all_is_no_zero(outcomes: dict[str, Any]) -> None:
    for name, word in [
        ("nothing", "TotalEnergyConsumption"),
        ("no handle", "HandleByIndex"),
        ("MIG", "MIG instance"),
        ("hidden", "CUDA_VISIBLE_DEVICES"),
    ]:
        assert outcomes[name]["gpu"]["value"] is None
        assert word in outcomes[name]["gpu"]["note"]
        assert outcomes[name]["machine"]["method"] == "unavailable"


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("vanishing", "lost during the run"),
        ("reset", "lost during the run"),
        ("stepping back", "decreased"),
        ("standing still", "did not move"),
        ("leap", "jumped by 2"),
    ],
)
def test_a_counter_that_fails_is_none_with_its_reason(outcomes: dict[str, Any], name: str, word: str) -> None:
    run = outcomes[name]
    assert run["gpu"]["value"] is None
    assert word in run["gpu"]["note"]
    assert run["windows"]["second"]["value"] is None
    assert len(run["trace"]["time_s"]) > 5
    assert set(run["trace"]["power_w"]) == {SCENARIOS[name][0].get("POWER", 100)}
    assert run["windows"]["second"]["seconds"] > 0.4  # the program went on


def test_a_window_closed_before_the_failure_stands(outcomes: dict[str, Any]) -> None:
    first = outcomes["stepping back"]["windows"]["first"]
    assert first["ci95"][0] <= 100 * first["seconds"] <= first["ci95"][1]
    assert first["ci95"][1] - first["ci95"][0] < first["value"]


def test_visible_devices_are_honoured(outcomes: dict[str, Any]) -> None:
    for name in ("two, one visible", "two, by UUID", "two, by hand", "two kinds, in order"):
        run = outcomes[name]
        assert list(run["per_gpu"]) == ["gpu1"]
        truth = exact(name, run["start"], run["end"], gpu=1)
        assert run["gpu"]["ci95"][0] <= truth <= run["gpu"]["ci95"][1]
    for name in ("two, all", "two kinds, both"):
        both = outcomes[name]
        assert sorted(both["per_gpu"]) == ["gpu0", "gpu1"]
        assert both["gpu"]["value"] == pytest.approx(sum(part["value"] for part in both["per_gpu"].values()))
    assert "available: 0 (GPU-aa-uuid), 1 (GPU-bb-uuid)" in outcomes["unknown"]


def test_numbers_that_may_name_another_gpu_are_refused(outcomes: dict[str, Any]) -> None:
    """CUDA counts the fastest first: its GPU 1 is the T4, NVML's is the H100."""
    refused = outcomes["two kinds, one visible"]["gpu"]
    assert refused["value"] is None
    assert "T4" in refused["note"]
    assert refused["note"].endswith("set CUDA_DEVICE_ORDER=PCI_BUS_ID")


def test_a_thousand_windows_leak_nothing(outcomes: dict[str, Any]) -> None:
    run = outcomes["many windows"]
    assert run["leaks"] == [0, 0]
    assert run["sessions"] == 0


def test_a_forked_child_has_no_meter(outcomes: dict[str, Any]) -> None:
    live, reading, windows, status = outcomes["fork"]["child"]
    assert "forked" in live
    assert "forked" in reading
    assert (windows, status) == ([], 0)
    assert outcomes["fork"]["gpu"]["method"] == "measured"


def test_idle_power_is_taken_off(outcomes: dict[str, Any]) -> None:
    """A GPU that draws the same idle and busy leaves nothing net."""
    run = outcomes["idle"]
    assert run["idle"]["ci95"][0] <= 80 <= run["idle"]["ci95"][1]
    for net in (run["net"], run["net_gpu"]):
        assert net["ci95"][0] <= 0 <= net["ci95"][1]
    assert "measure_idle" in outcomes["constant"]["net"]["note"]


def test_an_instance_is_not_answered_for_by_its_card(outcomes: dict[str, Any]) -> None:
    run = outcomes["MIG that answers"]
    assert run["gpu"]["value"] is None
    assert "the readings it returns are those of the whole card" in run["gpu"]["note"]
    assert list(run["per_gpu"]) == ["MIG-1234"]
    assert run["machine"]["value"] is None
    assert run["trace"]["power_w"] == []


@pytest.mark.parametrize(
    ("name", "device"), [("cut card", "gpu0"), ("cut card by number", "gpu1"), ("cut card by UUID", "gpu1")]
)
def test_cuda_runs_on_an_instance_of_a_card_that_is_cut(outcomes: dict[str, Any], name: str, device: str) -> None:
    """However the card is named: the whole card's counter is not that of what runs there."""
    run = outcomes[name]
    assert list(run["per_gpu"]) == [f"instance of {device}"]
    assert (run["gpu"]["value"], run["machine"]["value"]) == (None, None)
    assert "give the index of the parent GPU" in run["gpu"]["note"]


def test_a_card_that_is_cut_is_metered_whole_where_it_is_asked_for(outcomes: dict[str, Any]) -> None:
    run = outcomes["cut card by hand"]
    assert list(run["per_gpu"]) == ["gpu0"]
    assert run["gpu"]["method"] == "measured"


def test_a_counter_of_a_whole_module_is_not_the_gpus(outcomes: dict[str, Any]) -> None:
    """300 W of the GPU by its own samples, 520 W of the module by the counter, which is all of the machine."""
    run = outcomes["module"]
    seconds = run["end"] - run["start"]
    assert run["gpu"]["method"] == "sampled"
    assert run["gpu"]["ci95"][0] <= 300 * seconds <= run["gpu"]["ci95"][1]
    assert "the energy counter covers the whole module" in run["gpu"]["note"]
    assert run["module"]["method"] == "measured"
    assert run["module"]["ci95"][0] <= 520 * seconds <= run["module"]["ci95"][1]
    assert (run["machine"]["value"], run["machine"]["method"]) == (run["module"]["value"], "measured")
    assert (run["live_machine"]["method"], run["live_machine"]["note"]) == ("measured", "module (measured)")
    assert run["scopes"] == ["cpu", "dram", "gpu", "machine", "module"]
    assert set(run["trace"]["device"]) == {"gpu0", "module of gpu0"}


def test_idle_power_of_a_module_is_taken_off_the_module(outcomes: dict[str, Any]) -> None:
    run = outcomes["module"]
    assert run["idle"]["ci95"][0] <= 520 <= run["idle"]["ci95"][1]
    for net in (run["net"], run["net_gpu"], run["net_machine"]):
        assert net["ci95"][0] <= 0 <= net["ci95"][1]


def test_a_module_whose_gpu_has_no_sensor_leaves_the_gpu_without_a_figure(outcomes: dict[str, Any]) -> None:
    run = outcomes["module, no scopes"]
    assert run["gpu"]["value"] is None
    assert "the whole module" in run["gpu"]["note"]
    assert run["module"]["ci95"][0] <= 520 * (run["end"] - run["start"]) <= run["module"]["ci95"][1]


def test_a_module_beside_a_plain_card_is_not_taken_for_the_machine(outcomes: dict[str, Any]) -> None:
    """The sum would lack the card; both GPUs are metered by what is their own."""
    run = outcomes["module beside a card"]
    seconds = run["end"] - run["start"]
    assert run["module"] is None
    assert run["per_gpu"]["gpu0"]["method"] == "sampled"
    assert run["per_gpu"]["gpu1"]["method"] == "measured"
    assert run["per_gpu"]["gpu0"]["value"] == pytest.approx(100 * seconds, rel=0.05)


def test_a_module_with_two_gpus_counts_once(outcomes: dict[str, Any]) -> None:
    """Both show its counter: 100 W and 200 W of their own, 520 W of the module and of the machine."""
    run = outcomes["two of one module"]
    seconds = run["end"] - run["start"]
    assert run["gpu"]["value"] == pytest.approx(300 * seconds, rel=0.05)
    assert run["module"]["ci95"][0] <= 520 * seconds <= run["module"]["ci95"][1]
    assert run["machine"]["value"] == run["module"]["value"]

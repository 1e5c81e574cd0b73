"""A cell measured in a process of its own, and the arithmetic of its rows by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
import torch

from ssl_benchmarks.cells.rows import count_rows, energy_rows, memory_rows, mfu, time_rows
from ssl_benchmarks.counting.flops import FlopCount
from ssl_benchmarks.energy.reading import EnergyReading
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Measurement
from ssl_benchmarks.timing.protocol import WarmUp
from ssl_benchmarks.timing.repeats import Repeats

CHILD = """
import json, sys
from contextlib import nullcontext
import torch
from ssl_benchmarks.energy.carbon import given_intensity
from ssl_benchmarks.cells.cell import CellSetting, Step, WarmCell
from ssl_benchmarks.memory.peak import bytes_of
from ssl_benchmarks.timing.protocol import Protocol

MB = 1_000_000
state, stages = [], []

def build():
    weight = torch.ones(100 * MB // 4)          # 100 MB of weights
    activation = lambda: torch.ones(60 * MB // 4).sum()

    def run():
        if not state:
            torch.ones(400 * MB // 4)           # only the first call takes 400 MB
            state.append(torch.ones(50 * MB // 4))  # and leaves 50 MB of optimiser state
        activation()

    return Step(
        run=run, one_clip=activation, context=nullcontext(), attention="eager",
        sizes=lambda: {"weights": bytes_of([weight]), "optimizer": bytes_of(state)},
    )

setting = CellSetting("made up", "training", 2.0, 4, "float32", pue=1.25, grid=given_intensity(100.0))
protocol = Protocol(duration=0.4, repeats=3, cool_down=0.05, window=0.1)
report = lambda stage: stages.append(stage.name)
warm = WarmCell(build, setting, protocol, torch.device("cpu"), report)
cell = warm.window(0.4, report=report)
again = warm.window(0.4, report=report)
json.dump({"rows": [row.row() for row in cell.rows], "again": [row.row() for row in again.rows], "details": cell.details,
    "stages": stages, "samples": len(list(cell.samples))}, sys.stdout)
"""

SCOPES = ("gpu", "cpu", "dram", "machine")
SCOPED = ("energy", "energy_net", "power_mean", "energy_per_audio_hour", "co2e")
ONCE = {
    "peak_memory", "memory_weights", "memory_optimizer", "memory_activations", "audio_seconds_per_second",
    "real_time_factor", "latency_p50", "latency_p95", "duration",
}  # fmt: skip


@pytest.fixture(scope="module")
def told(warm: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    done = warm(cwd=tmp_path_factory.mktemp("cell"), env=dict(os.environ), code=CHILD, strict=True).finish()
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def rows(told: dict[str, Any]) -> list[Measurement]:
    return [Measurement.from_row(row) for row in told["rows"]]


def of(rows: list[Measurement], metric: str, scope: str | None = None, batch: float = 8.0) -> Quantity:
    (found,) = (r for r in rows if (r.metric, r.scope, r.conditions.batch_seconds) == (metric, scope, batch))
    return found.quantity


def test_every_metric_is_there_once_and_energy_for_every_scope(rows: list[Measurement]) -> None:
    whole = [row for row in rows if row.conditions.batch_seconds == 8.0]
    assert sorted(row.metric for row in whole if row.scope is None) == sorted(ONCE)
    for metric in SCOPED:
        assert {row.scope for row in whole if row.metric == metric} == set(SCOPES), metric
    alone = [row.metric for row in rows if row.conditions.batch_seconds == 2.0]
    assert alone == ["latency_p50", "latency_p95"], "latency at batch 1 has a batch of one clip"
    assert len(whole) + len(alone) == len(rows)


def test_the_conditions_are_those_asked_for(rows: list[Measurement]) -> None:
    assert {(r.model, r.phase) for r in rows} == {("made up", "training")}
    for row in rows:
        held = row.conditions
        assert (held.clip_seconds, held.dtype, held.compile, held.attention) == (2.0, "float32", False, "eager")
        assert (held.pue, held.torch, held.threads) == (1.25, torch.__version__, torch.get_num_threads())
        assert held.grid == "given by hand: 100 g/kWh"


def test_the_peak_is_that_of_calls_after_the_first(rows: list[Measurement]) -> None:
    """100 MB of weights, 50 MB of state and 60 MB passing: 210 MB, and not the 510 MB of the first call."""
    peak = of(rows, "peak_memory").value
    assert peak == pytest.approx(210e6, rel=0.1)
    assert of(rows, "memory_weights").value == 100e6
    assert of(rows, "memory_optimizer").value == 50e6
    assert of(rows, "memory_activations").value == pytest.approx(60e6, rel=0.35)


def test_the_figures_hang_together(rows: list[Measurement], told: dict[str, Any]) -> None:
    calls = sum(repeat["calls"] for repeat in told["details"]["repeats"])
    duration, factor = of(rows, "duration").value, of(rows, "real_time_factor")
    assert duration is not None
    assert factor.value is not None
    assert factor.n == calls
    assert duration >= 3 * 0.4
    assert of(rows, "latency_p50").value == pytest.approx(factor.value * 8.0)
    assert of(rows, "audio_seconds_per_second").value == pytest.approx(1 / factor.value)
    for scope in SCOPES:
        energy, net, power, rate, carbon = (of(rows, metric, scope) for metric in SCOPED)
        assert net.value is None, "no idle power was handed over"
        if energy.value is None:
            assert all(other.value is None and other.note for other in (power, rate, carbon))
            continue
        assert power.value == pytest.approx(energy.value / duration, rel=1e-6)
        assert rate.value == pytest.approx(energy.value / (8.0 * calls) * 3600)
        assert carbon.value == pytest.approx(energy.value / 3.6e6 * 100 * 1.25)


def test_a_later_window_has_times_and_joules_alone(told: dict[str, Any], rows: list[Measurement]) -> None:
    """Memory is that of the fresh process, and latency of one clip is taken once."""
    later = {row["metric"] for row in told["again"]}
    assert later == {row.metric for row in rows if not row.metric.endswith("memory") and "memory_" not in row.metric}
    assert {row["batch_seconds"] for row in told["again"]} == {8.0}


def test_it_says_how_it_went(told: dict[str, Any]) -> None:
    assert len(told["details"]["repeats"]) == 3
    assert "warm-up calls" in told["details"]["warm_up"]
    order = list(dict.fromkeys(told["stages"]))
    assert [name for name in order if name != "rest"] == ["build", "warm-up", "repeat", "latency"]
    assert told["samples"] > 0


def reading(joules: float, seconds: float, method: str = "measured") -> EnergyReading:
    """A GPU alone, its counter good to 1 J."""
    ends = (joules - 1, joules + 1) if method == "measured" else None
    gpu = Quantity(joules, "J", method, ends)  # type: ignore[arg-type]
    none = unavailable("J", "no")
    net = {"gpu": Quantity(joules / 2, "J", "measured"), "cpu": none, "dram": none}
    duration = Quantity(seconds, "s", "measured")
    return EnergyReading(duration, gpu, {}, none, none, none, none, None, net=net)  # type: ignore[arg-type]


def repeats(*joules: float, method: str = "measured") -> Repeats:
    """Ten calls of 1 s each."""
    each = [reading(j, 10.0, method) for j in joules]
    whole = reading(sum(joules), 10.0 * len(joules), method)
    return Repeats(WarmUp(9, 4.0, 0.01, steady=True), [[1.0] * 10 for _ in joules], each, whole, 10.0)


def test_joules_an_hour_by_hand() -> None:
    """3,000 J for 3 x 10 calls on 20 s: 600 s, a sixth of an hour: 18 kJ/h. Repeats differ by 10 %: the counter's 0.1 % is not the whole error."""
    found = {(name, scope): q for name, scope, q in energy_rows(repeats(900.0, 1000.0, 1100.0), 20.0, 1.0, None)}
    rate = found["energy_per_audio_hour", "gpu"]
    assert rate.value == pytest.approx(18_000)
    assert rate.n == 3
    assert rate.ci95 is not None
    assert rate.ci95[0] < 18_000 * 0.8 < 18_000 * 1.2 < rate.ci95[1], "Student with 2 degrees of freedom: t = 4.3"
    assert found["energy", "gpu"].ci95 == (2999, 3001)
    assert found["energy_net", "gpu"].value == 1_500
    assert found["power_mean", "gpu"].value == pytest.approx(100)
    steady = {(name, scope): q for name, scope, q in energy_rows(repeats(1000.0, 1000.0, 1000.0), 20.0, 1.0, None)}
    assert steady["energy_per_audio_hour", "gpu"].ci95 == pytest.approx((2999 * 6, 3001 * 6))


def test_a_modelled_energy_gets_no_interval() -> None:
    found = {
        (name, scope): q for name, scope, q in energy_rows(repeats(9.0, 10.0, 11.0, method="modelled"), 20.0, 1.0, None)
    }
    assert found["energy_per_audio_hour", "gpu"].ci95 is None
    assert found["energy_per_audio_hour", "cpu"].note == "no"


def test_speed_by_hand() -> None:
    found = {name: q for name, _, q in time_rows(repeats(1.0, 1.0, 1.0), 20.0)}
    assert (found["audio_seconds_per_second"].value, found["real_time_factor"].value) == (20.0, 0.05)
    assert "steady after 9 warm-up calls" in found["real_time_factor"].note


def test_parts_of_the_peak_by_hand() -> None:
    peak = Quantity(100.0, "B", "measured", note="peak")
    sizes = {"weights": Quantity(30.0, "B", "analytic"), "gradients": Quantity(30.0, "B", "analytic")}
    found = {name: q for name, _, q in memory_rows(peak, sizes, None)}
    assert (found["memory_activations"].value, found["memory_activations"].method) == (40.0, "measured")
    assert "memory_reserved" not in found
    small = {name: q for name, _, q in memory_rows(Quantity(50.0, "B", "measured"), sizes, peak)}
    assert small["memory_activations"].value is None
    assert "below weights + gradients" in small["memory_activations"].note
    assert small["memory_reserved"] == peak


def test_mfu_by_hand() -> None:
    """100 s/s x 3 GFLOP/s of audio over 1 TFLOP/s is 0.3; its ends take the farthest of both."""
    rate, flops = Quantity(100.0, "s/s", "measured", (90.0, 110.0), 7), Quantity(3e9, "FLOP/s", "analytic")
    found = mfu(rate, flops, Quantity(1e12, "FLOP/s", "measured", (0.9e12, 1.2e12), 9, "products"))
    assert found.value == pytest.approx(0.3)
    assert found.ci95 == pytest.approx((90 * 3e9 / 1.2e12, 110 * 3e9 / 0.9e12))
    assert mfu(rate, unavailable("FLOP/s", "not counted"), rate).note == "not counted"


def test_a_model_that_cannot_be_counted_says_why() -> None:
    def fails() -> FlopCount:
        raise NotImplementedError("no fake kernel")

    found = count_rows(fails, 2.0)
    assert {name for name, _, _ in found} == {"macs", "flops", "macs_per_audio_second", "flops_per_audio_second"}
    assert all("no fake kernel" in q.note and q.value is None for _, _, q in found)

"""What encoding costs: the arithmetic by hand, and one measurement in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.inference import InferenceSetting, _speed, measure_inference
from benchmarks.record import Measurement
from models.interface import SpeechFeatures

CHILD = """
import json, sys
import numpy as np, torch
import benchmarks.inference
from benchmarks.carbon import given_intensity
from benchmarks.inference import InferenceSetting, measure_inference
from models.efficient.config import EncoderConfig
from models.efficient.encoder import EfficientEncoder

benchmarks.inference.WARM_UP_SECONDS = 0.1
speech = np.random.default_rng(0).integers(-3000, 3000, 20_000).astype(np.int16)
setting = InferenceSetting(2.0, 8.0, 0.5, "float32", pue=1.25, grid=given_intensity(100.0))
config = EncoderConfig(32, 2, 2, 64)
rows = measure_inference(lambda: EfficientEncoder(config), "small", speech, torch.device("cpu"), setting)
json.dump([row.row() for row in rows], sys.stdout)
"""

SCOPED = ("energy", "power_mean", "energy_per_audio_hour", "co2e")


@pytest.fixture(scope="module")
def rows() -> list[Measurement]:
    done = subprocess.run([sys.executable, "-W", "error", "-c", CHILD], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [Measurement.from_row(row) for row in json.loads(done.stdout)]


def test_every_scope_has_its_rows(rows: list[Measurement]) -> None:
    for metric in SCOPED:
        assert {row.scope for row in rows if row.metric == metric} == {"gpu", "cpu", "dram", "machine"}, metric
    assert {row.metric for row in rows} == {
        *SCOPED, "peak_memory", "audio_seconds_per_second", "real_time_factor", "duration", "energy_net",
    }  # fmt: skip
    keys = [(row.metric, row.scope) for row in rows]
    assert len(keys) == len(set(keys))


def test_the_conditions_are_those_asked_for(rows: list[Measurement]) -> None:
    (held,) = {row.conditions for row in rows}
    assert (held.clip_seconds, held.batch_seconds, held.dtype, held.compile) == (2.0, 8.0, "float32", False)
    assert (held.pue, held.torch, held.attention) == (1.25, torch.__version__, "sdpa")
    assert held.device is not None
    assert held.threads is not None
    assert held.grid
    assert {(row.model, row.phase) for row in rows} == {("small", "inference")}


def test_the_figures_hang_together(rows: list[Measurement]) -> None:
    """Energy over duration is power; over the audio encoded, joules an hour; times intensity and PUE, carbon."""
    found = {(row.metric, row.scope): row.quantity for row in rows}
    duration, factor = found["duration", None].value, found["real_time_factor", None]
    assert duration is not None
    assert factor.value is not None
    assert factor.n is not None
    assert duration > 0.49
    audio = 8.0 * factor.n
    # At least half of the calls took the median time or longer, and all of them lie within the duration.
    assert 0 < audio * factor.value / 2 <= duration
    speed = found["audio_seconds_per_second", None].value
    assert speed == pytest.approx(1 / factor.value)
    for scope in ("gpu", "cpu", "dram", "machine"):
        energy, power, rate, carbon = (found[metric, scope] for metric in SCOPED)
        if energy.value is None:
            assert energy.note
            assert all(other.value is None and other.note for other in (power, rate, carbon))
            continue
        assert power.value == pytest.approx(energy.value / duration, rel=1e-3)
        assert rate.value == pytest.approx(energy.value / audio * 3600)
        assert (rate.unit, rate.method) == ("J/h", energy.method)
        assert carbon.value == pytest.approx(energy.value / 3.6e6 * 100 * 1.25)


def test_peak_memory_is_that_of_the_model_at_work(rows: list[Measurement]) -> None:
    """More than the weights and one layer, less than what torch itself takes to load."""
    peak = next(row.quantity.value for row in rows if row.metric == "peak_memory")
    assert peak is not None
    assert 32 * (4 * 32**2 + 3 * 32 * 64) < peak < 300e6


class Recorder:
    """An encoder that keeps what it is given."""

    def __init__(self) -> None:
        self.seen: list[torch.Tensor] = []
        self.autocast: list[bool] = []

    def __call__(self, waveforms: torch.Tensor, lengths: torch.Tensor | None = None) -> SpeechFeatures:
        assert lengths is None
        self.seen.append(waveforms)
        self.autocast.append(torch.is_autocast_enabled("cpu"))
        return SpeechFeatures((), torch.zeros(0), 25.0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_clips_are_cut_from_the_speech_and_repeated(monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    """3 clips of 0.1 s from 4000 samples: in order, from the start again, scaled to [-1, 1)."""
    monkeypatch.setattr("benchmarks.inference.WARM_UP_SECONDS", 0.0)
    recorder = Recorder()
    speech = np.arange(-2000, 2000).astype(np.int16)
    setting = InferenceSetting(0.1, 0.3, 0.0, precision)
    rows = measure_inference(lambda: recorder, "recorder", speech, torch.device("cpu"), setting)
    expected = np.concatenate([speech, speech[:800]]).reshape(3, 1600) / 32768.0
    np.testing.assert_allclose(recorder.seen[0].numpy(), expected, atol=1e-7)
    assert len(recorder.seen) == 3 + 3
    assert set(recorder.autocast) == {precision == "bfloat16"}
    assert {row.conditions.dtype for row in rows} == {precision}
    assert not torch.is_autocast_enabled("cpu")


def test_speed_by_hand() -> None:
    """Median of 1..9 s is 5 s; of 10 s of audio: factor 0.5. Under 2 of 9 coins agree with chance 10/512, so X(2) to X(8)."""
    (_, _, speed), (_, _, factor) = _speed([9, 1, 8, 2, 7, 3, 6, 4, 5], 10.0)
    assert (factor.value, factor.ci95, factor.n) == (0.5, (0.2, 0.8), 9)
    assert (speed.value, speed.ci95, speed.unit) == (2.0, (10 / 8, 10 / 2), "s/s")


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=60), st.floats(0.1, 1e3))
def test_the_interval_holds_the_median(seconds: list[float], audio: float) -> None:
    for _, _, quantity in _speed(seconds, audio):
        assert quantity.value is not None
        assert quantity.ci95 is not None
        assert quantity.ci95[0] <= quantity.value * (1 + 1e-9)
        assert quantity.value <= quantity.ci95[1] * (1 + 1e-9)


def test_the_interval_covers_the_true_median() -> None:
    """X(18) to X(33) of 50 holds it with 96.7 %, by the binomial distribution; 2000 samples tell that from 95 %."""
    draw = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        (_, _, factor) = _speed(draw.exponential(1.0, 50).tolist(), 1.0)[1]
        assert factor.ci95 is not None
        held += factor.ci95[0] <= np.log(2) <= factor.ci95[1]
    assert held / 2000 == pytest.approx(0.967, abs=0.014)

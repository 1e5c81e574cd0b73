"""What encoding speech costs: time, energy and memory of an encoder at work."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binom

from benchmarks.carbon import GridIntensity, co2e
from benchmarks.energy import EnergyMeter, EnergyReading
from benchmarks.environment import conditions
from benchmarks.memory import PeakMemory
from benchmarks.quantity import Quantity
from benchmarks.record import Measurement
from models.interface import SAMPLE_RATE, Encoder

WARM_UP_SECONDS = 1.0
SHORTEST_WARM_UP = 3


@dataclass(frozen=True)
class InferenceSetting:
    """How to measure.

    Attributes:
        clip_seconds: of one clip.
        batch_seconds: of audio encoded at a time, at least one clip.
        duration: seconds of measuring.
        precision: "float32" or "bfloat16" (autocast).
        pue, grid: for CO2e.
    """

    clip_seconds: float
    batch_seconds: float
    duration: float
    precision: str
    pue: float = 1.0
    grid: GridIntensity | None = None


def measure_inference(
    build: Callable[[], Encoder], name: str, speech: NDArray[np.int16], device: torch.device, setting: InferenceSetting
) -> list[Measurement]:
    """Rows of phase `inference`; call it in a fresh process, since `build` is part of what is measured as memory.

    `speech` is `(n,)` 16-bit samples that the clips are cut from, repeated where they are too short.
    """
    clips = max(1, round(setting.batch_seconds / setting.clip_seconds))
    samples = round(setting.clip_seconds * SAMPLE_RATE)
    audio = np.resize(speech, clips * samples).reshape(clips, samples).astype(np.float32) / 32768.0
    with PeakMemory(device) as memory, torch.inference_mode():
        encoder = build()
        waveforms = torch.from_numpy(audio).to(device)
        autocast = torch.autocast(device.type, torch.bfloat16, enabled=setting.precision == "bfloat16")
        with autocast:
            _warm_up(encoder, waveforms)
    # The meter's own libraries are no part of the model's memory: it starts when the peak is known.
    with EnergyMeter() as meter, torch.inference_mode(), autocast:
        seconds = _timed_calls(encoder, waveforms, setting.duration)
    held = conditions(
        device,
        setting.precision,
        clip_seconds=setting.clip_seconds,
        batch_seconds=clips * setting.clip_seconds,
        compile=False,
        pue=setting.pue,
        grid=None if setting.grid is None else setting.grid.label,
    )
    per_call = clips * setting.clip_seconds
    rows = [("peak_memory", None, memory.so_far()), *_speed(seconds, per_call)]
    rows += _energy(meter.reading, per_call * len(seconds), setting)
    return [Measurement(name, metric, quantity, "inference", scope, held) for metric, scope, quantity in rows]


def _warm_up(encoder: Encoder, waveforms: torch.Tensor) -> None:
    """Encode for a second and at least three times: first calls allocate and choose kernels."""
    end = time.perf_counter() + WARM_UP_SECONDS
    done = 0
    while done < SHORTEST_WARM_UP or time.perf_counter() < end:
        _call(encoder, waveforms)
        done += 1


def _call(encoder: Encoder, waveforms: torch.Tensor) -> float:
    """Seconds of one encoding, waited for."""
    start = time.perf_counter()
    encoder(waveforms)
    if waveforms.is_cuda:
        torch.cuda.synchronize(waveforms.device)
    return time.perf_counter() - start


def _timed_calls(encoder: Encoder, waveforms: torch.Tensor, duration: float) -> list[float]:
    """Seconds of each encoding within `duration`, at least three."""
    end = time.perf_counter() + duration
    seconds: list[float] = []
    while len(seconds) < SHORTEST_WARM_UP or time.perf_counter() < end:
        seconds.append(_call(encoder, waveforms))
    return seconds


def _speed(seconds: Sequence[float], per_call: float) -> list[tuple[str, str | None, Quantity]]:
    """Throughput and real-time factor from the median call, with its 95 % interval by order statistics."""
    ordered = sorted(seconds)
    n = len(ordered)
    # X(j) to X(n + 1 - j) holds the median unless fewer than j of n fair coins agree (David and Nagaraja, Order
    # Statistics, 7.1); below six calls even all of them hold it in less than 95 % of cases.
    j = max(1, int(binom.ppf(0.025, n, 0.5)))
    low, high = ordered[j - 1], ordered[n - j]
    median = float(np.median(ordered))
    return [
        ("audio_seconds_per_second", None, Quantity(per_call / median, "s/s", "measured", (per_call / high, per_call / low), n)),
        ("real_time_factor", None, Quantity(median / per_call, "1", "measured", (low / per_call, high / per_call), n)),
    ]  # fmt: skip


def _energy(
    reading: EnergyReading, audio_seconds: float, setting: InferenceSetting
) -> list[tuple[str, str | None, Quantity]]:
    rows: list[tuple[str, str | None, Quantity]] = [("duration", None, reading.duration)]
    for scope, energy in reading.by_scope().items():
        rows += [
            ("energy", scope, energy),
            ("power_mean", scope, reading.power_mean(scope)),
            ("energy_per_audio_hour", scope, energy.scaled(3600 / audio_seconds, "J/h")),
            ("co2e", scope, co2e(energy, setting.grid, setting.pue)),
        ]
    return [*rows, ("energy_net", "machine", reading.energy_net)]

"""A record made by hand, and what a page is made of."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ssl_benchmarks.record.quantity import Method, Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_reports.reading.evidence import Evidence

MODEL = "efficient-[bold]tiny"


@pytest.fixture
def record() -> Record:
    """The record of a run on a CPU whose model's name looks like markup and whose folder's like a table."""
    no_gpu = unavailable("J", "no GPU was metered")
    rows = [
        Measurement(MODEL, "parameters", Quantity(2_000_000.0, "1", "analytic", note="encoder"), "inference"),
        Measurement(MODEL, "flops_per_audio_second", Quantity(1.5e9, "FLOP/s", "analytic"), "inference"),
        Measurement(MODEL, "peak_memory", Quantity(2.0**30, "B", "measured"), "training"),
        Measurement(MODEL, "energy", no_gpu, "training", "gpu"),
        Measurement(MODEL, "energy", Quantity(7_200.0, "J", "modelled", note="cpu | dram"), "training", "machine"),
        Measurement(MODEL, "loss", Quantity(2.5, "nat", "measured"), "training"),
        Measurement(MODEL, "cer", Quantity(0.6391, "1", "measured", (0.6312, 0.6457), 40), "evaluation"),
        Measurement("log-mel", "cer", Quantity(0.75, "1", "measured"), "evaluation"),
        Measurement("log-mel", "wer", unavailable("1", "no [/words]"), "evaluation"),
    ]
    return Record(
        "x", "2026-11-20T08:00:00+00:00", "finished", "sslbench train-and-measure --data 'a|b'",
        {"model": MODEL, "device": "cpu", "country": None, "grid_intensity": None},
        {"cpu": "a processor", "gpus": []},
        tuple(rows),
        details={
            "data": {
                "folder": "a|b", "synthetic": False, "hours": 1.25, "utterances": 300, "speakers": 12,
                "skipped_files": {"a|b/x.wav": "an empty file"},
            },
            "held_out": {"how": "2 of 12 speakers, drawn by the seed", "speakers": ["84", "1272"]},
            "broken_files": {"a|b/y.flac": "not audio, or broken"},
        },
        kind="training",
    )  # fmt: skip


EVIL = "<img src=x onerror=alert(1)></script><b>&amp;\u2028${title}"
AT = Conditions(device="GPU <X>", driver="1", dtype="bfloat16", clip_seconds=15.0, batch_seconds=240.0, pue=1.0)
TEST = Conditions(task="asr", head="linear", labels="1h", tested_on="dev")


def compared(name: str, models: Sequence[str], seed: int = 0) -> Record:
    """Models measured in one session on a made-up GPU; numbers are drawn by the seed."""
    draw = random.Random(seed)  # noqa: S311 - numbers to test with
    rows: list[Measurement] = []
    for model in models:
        about = "of the CUDA allocator"

        def wide(low: float, high: float, unit: str, method: Method = "measured", note: str = about) -> Quantity:
            value = low * (high / low) ** draw.random()
            spread = draw.choice([None, (0.97, 1.03), (0.4, 1.2), (0.999, 1.0012)])
            ci95 = None if spread is None else (value * spread[0], value * spread[1])
            return Quantity(value, unit, method, ci95, draw.choice([None, 9]), note)

        for phase in ("training", "inference"):
            for metric, quantity, scope in (
                ("flops_per_audio_second", wide(1e8, 1e11, "FLOP/s", "analytic"), None),
                ("audio_seconds_per_second", wide(10, 1e5, "s/s"), None),
                ("energy_per_audio_hour", wide(20, 5e4, "J/h", draw.choice(["measured", "modelled"])), "gpu"),
                ("peak_memory", wide(2**28, 2**36, "B"), None),
                ("memory_weights", wide(2**24, 2**31, "B", "analytic"), None),
                ("latency_p50", unavailable("s", f"no clock for {phase}"), None),
            ):
                rows.append(Measurement(model, metric, quantity, phase, scope, AT))
        rows.append(Measurement(model, "parameters", wide(1e6, 1e9, "1", "analytic"), "inference"))
        rows.append(Measurement(model, "cer", wide(0.1, 0.9, "1"), "evaluation", None, TEST))
    config = {"device": "cuda", "seed": seed, "pue": 1.0}
    environment = {"cpu": "a <processor>", "cores": 2, "gpus": [{"name": "GPU <X>"}], "packages": {"torch": "2"}}
    return Record(name, "2026-11-20T08:00:00+00:00", "finished", f"sslbench compare --out '{name}'", config, environment, tuple(rows), kind="comparison")  # fmt: skip


@pytest.fixture
def evil() -> str:
    """A name that would be much, were it not text."""
    return EVIL


@pytest.fixture(scope="session")
def evidence() -> Evidence:
    """Two sessions with a model in common, whose size the second does not know, and a model whose name is markup."""
    first, second = (
        compared("first", [*(f"model-{n}" for n in range(12)), "hubert-base"]),
        compared("second", ["model-3", EVIL], 1),
    )
    rows = tuple(m for m in second.measurements if (m.model, m.metric) != ("model-3", "parameters"))
    return Evidence((first, replace(second, measurements=rows)), (None, None))

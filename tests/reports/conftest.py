"""A record made by hand."""

from __future__ import annotations

import pytest

from benchmarks.quantity import Quantity, unavailable
from benchmarks.record import Measurement, Record

MODEL = "efficient-[bold]tiny"


@pytest.fixture
def record() -> Record:
    """Of a run on a CPU whose model's name looks like markup and whose folder's like a table."""
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
    )  # fmt: skip

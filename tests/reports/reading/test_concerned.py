"""A note names what it concerns once, not in triples."""

from __future__ import annotations

from itertools import product

import pytest

from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement
from ssl_reports.reading.concerned import concerned

ALL = ("essl", "hubert-base", "wavlm-base")


def rows(*keys: tuple[str, str, str], scope: str | None = None) -> list[Measurement]:
    return [Measurement(model, metric, Quantity(1.0, "1", "measured"), phase, scope) for metric, phase, model in keys]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ([("peak_memory", "training", "essl")], "peak memory (training, essl)"),
        (
            list(product(["peak_memory"], ["inference", "training"], ALL)),
            "peak memory (inference and training, all models)",
        ),
        (
            list(product(["latency_p50", "latency_p95"], ["inference"], ALL[:2])),
            "median latency and 95th percentile of latency (inference, essl and hubert-base)",
        ),
        (
            [("mfu", "inference", "essl"), ("mfu", "training", "essl"), ("mfu", "training", "hubert-base")],
            "MFU (inference and training, essl); MFU (training, hubert-base)",
        ),
        ([("loss", "training", "essl"), ("loss", "training", "essl")], "loss (training, essl)"),
    ],
    ids=["one", "product", "figures", "uneven", "twice"],
)
def test_by_hand(keys: list[tuple[str, str, str]], said: str) -> None:
    assert concerned(rows(*keys), ALL) == said


def test_a_scope_is_part_of_the_figure() -> None:
    assert concerned(rows(("energy", "training", "essl"), scope="gpu"), ALL) == "energy of the gpu (training, essl)"

"""The table of metrics against the records that there are, and what a new row is good for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ssl_benchmarks.comparing.comparability import differences
from ssl_benchmarks.comparing.rounds import combined
from ssl_benchmarks.record import metrics
from ssl_benchmarks.record.metrics import METRICS, RATES, Metric, label_of
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions, Measurement

EXAMPLES = Path(__file__).parents[3] / "docs" / "results"


def test_rows_of_the_committed_records_are_in_the_units_of_the_table() -> None:
    units = {
        (row["metric"], row["unit"])
        for path in EXAMPLES.glob("*/run.json")
        for row in json.loads(path.read_text())["measurements"]
    }
    assert units == {(name, METRICS[name].unit) for name, _ in units}


def test_conditions_of_the_table_are_columns_of_the_record() -> None:
    columns = set(Conditions.__dataclass_fields__)
    assert all(set(metric.agrees_on) <= columns for metric in METRICS.values())


def test_only_rates_of_error_get_better_downwards() -> None:
    assert {name: METRICS[name].better for name in RATES} == {
        "cer": "low", "wer": "low", "per": "low", "accuracy": "high", "eer": "low", "abx": "low",
    }  # fmt: skip
    assert all(METRICS[name].share for name in RATES)


def test_a_new_metric_is_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a name on axes, is averaged over rounds, and is compared under its own conditions."""
    new = Metric("joules_per_word", "J", "joules per word", over_rounds="mean", agrees_on=("dtype",))
    monkeypatch.setitem(metrics.METRICS, new.name, new)

    def row(value: float, dtype: str = "float32", device: str = "a") -> Measurement:
        held = Conditions(dtype=dtype, device=device)
        return Measurement("m", new.name, Quantity(value, "J", "measured"), "inference", "gpu", held)

    assert label_of("joules_per_word") == "joules per word"
    (mean,) = combined([[row(1.0)], [row(4.0)]])
    assert mean.quantity.value == pytest.approx(2.0)
    assert [d.condition for d in differences([row(1.0), row(1.0, "bfloat16", "b")])] == ["dtype"]

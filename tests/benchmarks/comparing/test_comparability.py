"""The guard names what differs, and nothing else; marks say the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.comparing.comparability import Marks, differences, refusal
from ssl_benchmarks.record.metrics import METRICS, WITH_CARBON
from ssl_benchmarks.record.quantity import Method, Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement

HELD = Conditions(
    device="one", driver="5", power_limit=700.0, dtype="float32", attention="sdpa", clip_seconds=15.0, batch_seconds=240.0,
    compile=False, threads=2, torch="2.13", pue=1.1, grid="FRA 2024: 56 g/kWh",
)  # fmt: skip
OTHER = {
    "device": "two", "driver": "6", "power_limit": 350.0, "dtype": "bfloat16", "clip_seconds": 5.0, "batch_seconds": 5.0,
    "compile": True, "threads": 1, "torch": "2.11", "pue": 1.5, "grid": "FRA 2022: 60 g/kWh",
}  # fmt: skip


def row(model: str, metric: str, held: Conditions = HELD, method: Method = "measured") -> Measurement:
    return Measurement(model, metric, Quantity(1.0, "1", method), "inference", None, held)


@given(st.sampled_from(sorted(OTHER)), st.sampled_from(["audio_seconds_per_second", "co2e", "flops", "parameters"]))
def test_a_condition_is_named_exactly_where_it_matters(name: str, metric: str) -> None:
    """Every condition of speed counts, of joules and carbon the grid too, of counts the clip's length alone."""
    found = differences([row("a", metric), row("b", metric, replace(HELD, **{name: OTHER[name]}))])  # type: ignore[arg-type]
    matters = {
        "audio_seconds_per_second": set(OTHER) - {"pue", "grid"}, "co2e": set(OTHER), "flops": {"clip_seconds"}, "parameters": set(),
    }[metric]  # fmt: skip
    assert [d.condition for d in found] == ([name] if name in matters else [])
    assert set(WITH_CARBON) == set(OTHER)


def test_attention_is_the_models_own() -> None:
    assert "attention" not in METRICS["audio_seconds_per_second"].agrees_on
    assert not differences([row("a", "peak_memory"), row("b", "peak_memory", replace(HELD, attention="eager"))])


def test_measured_beside_modelled_is_a_difference_and_beside_sampled_is_none() -> None:
    metric = "energy_per_audio_hour"
    assert not differences([row("a", metric), row("b", metric, method="sampled")])
    (found,) = differences([row("a", metric), row("b", metric, method="modelled")])
    assert found.models == {"measured": ("a",), "modelled": ("b",)}


def test_what_is_missing_or_published_refuses_nothing() -> None:
    far = Conditions(device="far away")
    rows = [row("a", "peak_memory"), row("b", "peak_memory", far, "published")]
    rows.append(Measurement("c", "peak_memory", unavailable("B", "killed"), "inference", None, far))
    assert differences(rows) == []


def test_the_refusal_is_one_line_with_all_that_differs() -> None:
    changed = replace(HELD, device="two", clip_seconds=5.0)
    line = refusal(differences([row("a", "peak_memory"), row("b", "peak_memory", changed)]))
    assert line == (
        "not comparable: device: one (a); two (b); and clip seconds: 15 (a); 5 (b); "
        "add --mark-differences to compare anyway and mark the affected cells"
    )


def test_marks_have_a_letter_for_each_difference_and_a_legend() -> None:
    marks, base = Marks(), row("a", "peak_memory")
    assert marks.of(row("b", "peak_memory", replace(HELD, device="two")), base) == "a"
    assert marks.of(row("c", "peak_memory", replace(HELD, device="two", dtype="bfloat16")), base) == "a,b"
    assert marks.of(base, base) == ""
    published = Measurement("d", "peak_memory", Quantity(1.0, "B", "published", note="arXiv 1"), "inference")
    assert marks.of(published, base) == "c"
    assert marks.legend == ["a: device two, not one", "b: dtype bfloat16, not float32", "c: published: arXiv 1"]


@pytest.mark.parametrize(("number", "letters"), [(0, "a"), (25, "z"), (26, "aa"), (27, "ab"), (52, "ba")])
def test_letters_go_on_after_z(number: int, letters: str) -> None:
    marks, base = Marks({str(k): "" for k in range(number)}), row("a", "parameters")
    assert marks.of(Measurement("b", "parameters", Quantity(1.0, "1", "published", note="x")), base) == letters

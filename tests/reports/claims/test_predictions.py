"""Claims that no GPU has decided: counts and predicted memory decide, marked as such, and never against a measurement."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from ssl_benchmarks.profile.profile import ProfileSetting, profile
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_reports.claims.claims import OURS, claims
from ssl_reports.claims.finding import Basis, Claim, Finding, Verdict
from ssl_reports.claims.predictions import BASELINE, ERROR, SIZES, Prediction, predicted, predictions
from ssl_reports.claims.sizes import by_size
from ssl_reports.paper.tables import claims_table, sizes_table
from ssl_reports.reading.evidence import Evidence
from ssl_reports.tables.plain import plain_text

CPU = Conditions(device="CPU x 2", dtype="float32", clip_seconds=5.0, batch_seconds=5.0)
GPU = Conditions(device="GPU X", driver="1", dtype="bfloat16", clip_seconds=15.36, batch_seconds=245.76)
HUBERT = "hubert-large"


def row(model: str, metric: str, value: float, at: Conditions, method: str = "measured") -> Measurement:
    unit = "B" if metric == "peak_memory" else "FLOP/s"
    note = "max allocated by torch's CUDA allocator" if at is GPU and metric == "peak_memory" else ""
    return Measurement(model, metric, Quantity(value, unit, method, None, 3, note), "training", None, at)  # type: ignore[arg-type]


def evidence(*rows: Measurement) -> Evidence:
    found = Record(
        "x",
        "2026-01-01",
        "finished",
        "sslbench compare",
        {"device": "cpu"},
        {"gpus": [{"name": "GPU X"}]},
        rows,
        kind="comparison",
    )
    return Evidence((found,))


def on_a_cpu(*more: Measurement) -> Evidence:
    return evidence(*(row(model, "peak_memory", 1e9, CPU) for model in (OURS, BASELINE, HUBERT)), *more)


def made(gib: float, gflops: float) -> Prediction:
    peak = gib * 2.0**30
    ends = (peak * (1 - ERROR), peak * (1 + ERROR))
    return Prediction(10**6, Quantity(gflops * 1e9, "FLOP/s", "analytic"), Quantity(peak, "B", "modelled", ends))


KNOWN = {OURS: made(1.2, 5.0), BASELINE: made(3.0, 10.0), HUBERT: made(24.0, 120.0)}


def by_id(found: list[Claim]) -> dict[str, Claim]:
    return {claim.id: claim for claim in found}


def test_counts_and_predictions_decide_where_no_gpu_was_measured() -> None:
    """3.0 / 1.2 GiB, 10 / 5 GFLOP, 24 / 1.2 GiB, and 24 times the FLOPs at 800,000 / 18,000 times the hours."""
    found = by_id(claims(on_a_cpu(), KNOWN))
    said = {name: claim.said for name, claim in found.items()}
    assert said["C1"] == said["C5"] == "holds (predicted)"
    assert said["C2"] == said["C6"] == "holds (counted)"
    assert (said["C3"], said["C4"]) == ("not measured here", "not measured here")
    ratios = {name: next(f.quantity for f in found[name].findings if f.quantity) for name in ("C1", "C2", "C5", "C6")}
    assert {name: ratio.value for name, ratio in ratios.items()} == pytest.approx(
        {"C1": 2.5, "C2": 2.0, "C5": 20.0, "C6": 24 * 800_000 / 18_000}
    )
    low, high = ratios["C1"].ci95 or (0.0, 0.0)
    apart = math.hypot(math.log1p(ERROR), math.log(1 / (1 - ERROR)))
    assert (low, high) == pytest.approx((2.5 * math.exp(-apart), 2.5 * math.exp(apart)), rel=1e-6)
    assert all("not decisive" not in f.why for name in ratios for f in found[name].findings)


def test_a_prediction_within_its_error_of_the_bound_decides_nothing() -> None:
    found = by_id(claims(on_a_cpu(), KNOWN | {BASELINE: made(1.25, 4.9)}))
    assert found["C1"].said == "not decided"
    assert found["C2"].said == "fails (counted)"
    assert by_id(claims(on_a_cpu(), KNOWN | {HUBERT: made(8.0, 120.0)}))["C5"].said == "fails (predicted)"


@pytest.mark.parametrize(("theirs", "said"), [(2.4e9, "holds"), (0.6e9, "fails")], ids=["agrees", "disagrees"])
def test_a_measurement_on_a_gpu_overrides_a_prediction(theirs: float, said: str) -> None:
    gpu = [row(OURS, "peak_memory", 1.2e9, GPU), row(BASELINE, "peak_memory", theirs, GPU)]
    found = by_id(claims(on_a_cpu(*gpu), KNOWN))
    assert found["C1"].said == said
    assert found["C5"].said == "holds (predicted)", "of which no GPU was measured"


def test_a_record_with_another_count_leaves_the_claim_undecided() -> None:
    """An edited record, or one of another version."""
    at = replace(GPU, device="CPU x 2", driver=None)
    agreed = on_a_cpu(row(BASELINE, "flops_per_audio_second", 10.02e9, at, "analytic"))
    assert by_id(claims(agreed, KNOWN))["C2"].said == "holds (counted)"
    doctored = on_a_cpu(row(BASELINE, "flops_per_audio_second", 30e9, at, "analytic"))
    claim = by_id(claims(doctored, KNOWN))["C2"]
    assert claim.said == "not decided"
    assert "record x has 3 times the FLOPs that are counted for essl" in claim.findings[0].why


def test_nothing_is_predicted_for_models_that_are_not_there() -> None:
    assert predictions(["hubert-base", "mine.py:net", BASELINE]) == {}
    alone = by_id(claims(evidence(row(OURS, "peak_memory", 1e9, CPU)), {OURS: made(1.2, 5.0)}))
    assert {claim.said for claim in alone.values()} == {"not measured here"}
    assert not sizes_table({}).rows


def test_a_prediction_is_that_of_profile() -> None:
    found, setting = predicted("efficient-tiny"), ProfileSetting((15.36,), 15.36, 245.76, opinion=False)
    counted = profile("efficient-tiny", setting)
    assert found.peak.value == counted.memory["training"].peak.value
    assert found.peak.method == "modelled", "no counter and no count"
    training = counted.at("training", 15.36)
    assert training is not None
    assert found.flops.value == pytest.approx(training.count.flops / 15.36)


def test_every_size_stands_beside_the_others() -> None:
    known = {**predictions(["efficient-tiny", BASELINE])}
    assert list(known) == [*SIZES, BASELINE]
    assert [size.model for size in by_size(known)] == list(SIZES)
    assert all(set(size.by_claim) == {"C1", "C2"} for size in by_size(known)), "no large model is among the runs"
    text = plain_text(sizes_table(known))
    assert all(size in text for size in SIZES)
    assert "not in these runs" in text
    assert "holds" in text


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ([("holds", "counted"), ("holds", "measured")], "holds"),
        ([("holds", "counted"), ("not measured here", "measured")], "holds (counted)"),
        ([("holds", "predicted"), ("holds", "measured")], "holds (predicted)"),
        ([("fails", "measured"), ("holds", "predicted")], "fails"),
        ([("holds", "counted"), ("not decided", "measured")], "not decided"),
    ],
    ids=["both", "counts", "mixed", "failed", "open"],
)
def test_the_weakest_basis_of_a_verdict_is_said(findings: list[tuple[Verdict, Basis]], said: str) -> None:
    made = tuple(Finding("", None, "", verdict, "", basis) for verdict, basis in findings)
    assert Claim("C2", "", made).said == said


def test_the_paper_s_table_marks_what_was_not_measured() -> None:
    text = plain_text(claims_table(claims(on_a_cpu(), KNOWN)))
    assert "holds (predicted)" in text
    assert "2.00 [" not in text, "a ratio of counts has no interval"


def test_the_page_on_claims_has_these_figures() -> None:
    page = (Path(__file__).parents[3] / "docs" / "method" / "claims.md").read_text(encoding="utf-8")
    known = predictions([OURS, BASELINE, HUBERT])
    for size in by_size(known):
        cells = next(line for line in page.splitlines() if line.startswith(f"| {size.model} |")).split(" | ")[1:]
        gib, gflops = (size.prediction.peak.value or 0) / 2**30, (size.prediction.flops.value or 0) / 1e9
        ratios = [size.by_claim[claim][0].value for claim in ("C1", "C2", "C5", "C6")]
        shown = [float(cell.replace(",", "").split()[0]) for cell in cells]
        assert shown == pytest.approx([size.prediction.parameters / 1e6, gflops, gib, *ratios], rel=6e-3)

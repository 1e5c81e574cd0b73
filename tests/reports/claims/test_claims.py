"""C1 to C6 by numbers worked by hand: only whole intervals decide, and only on the right hardware."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from ssl_benchmarks.comparing.rounds import combined
from ssl_benchmarks.record.quantity import Method, Quantity
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_reports.claims.claims import OURS, claims, judged, quotient
from ssl_reports.claims.finding import Claim, Finding, Verdict
from ssl_reports.claims.predictions import LARGE
from ssl_reports.reading.evidence import Evidence

GPU = Conditions(device="GPU X", driver="1", dtype="bfloat16", clip_seconds=15.0, batch_seconds=240.0)
CPU = replace(GPU, device="CPU x 2", driver=None)
ALLOCATED = "max allocated by torch's CUDA allocator"


def record(*rows: Measurement, name: str = "x", **details: Any) -> Record:
    gpus = [{"name": "GPU X"}]
    return Record(
        name, "2026-01-01", "finished", "sslbench compare", {"device": "cuda"}, {"gpus": gpus}, rows, details=details,
        kind="study" if "study" in details else "comparison",
    )  # fmt: skip


def row(model: str, metric: str, value: float, unit: str, at: Conditions = GPU, **rest: Any) -> Measurement:
    ci95, scope, method, note = (
        rest.get("ci95"),
        rest.get("scope"),
        rest.get("method", "measured"),
        rest.get("note", ""),
    )
    return Measurement(model, metric, Quantity(value, unit, method, ci95, 3, note), "training", scope, at)


def peak(model: str, gib: float, at: Conditions = GPU) -> Measurement:
    return row(model, "peak_memory", gib * 2**30, "B", at, note=ALLOCATED)


def flops(model: str, rate: float) -> Measurement:
    return row(model, "flops_per_audio_second", rate, "FLOP/s", method="analytic")


def speed(low: float, value: float, high: float, at: Conditions = GPU) -> Measurement:
    return row(OURS, "audio_seconds_per_second", value, "s/s", at, ci95=(low, high))


def verdicts(claim: str, *records: Record) -> list[str]:
    return [each.verdict for each in next(c for c in claims(Evidence(records)) if c.id == claim).findings]


def overall(claim: str, *records: Record) -> str:
    return next(c for c in claims(Evidence(records)) if c.id == claim).verdict


def test_without_records_nothing_is_decided() -> None:
    found = claims(Evidence(()))
    assert [claim.id for claim in found] == ["C1", "C2", "C3", "C4", "C5", "C6"]
    assert {claim.verdict for claim in found} == {"not measured here"}
    assert all(finding.why.startswith("missing: ") for claim in found for finding in claim.findings)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(10.0, 12.0, "holds"), (9.9, 12.0, "not decided"), (8.0, 10.0, "not decided"), (8.0, 9.9, "fails")],
)
def test_the_whole_interval_decides(low: float, high: float, verdict: str) -> None:
    assert judged(Quantity(0.5 * (low + high), "1", "measured", (low, high)), 10.0, strict=False) == verdict


@pytest.mark.parametrize(
    ("low", "high", "strict", "loose"),
    [
        (10.0, 10.0, "fails", "holds"),
        (10.0, 11.0, "not decided", "holds"),
        (9.0, 10.0, "fails", "not decided"),
        (10.1, 10.2, "holds", "holds"),
        (9.8, 9.9, "fails", "fails"),
        (9.0, 11.0, "not decided", "not decided"),
    ],
)
def test_an_end_on_the_bound_decides_by_whether_the_bound_itself_is_enough(
    low: float, high: float, strict: str, loose: str
) -> None:
    ratio = Quantity(0.5 * (low + high), "1", "measured", (low, high))
    assert judged(ratio, 10.0, strict=True) == strict
    assert judged(ratio, 10.0, strict=False) == loose


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (["holds"], "holds"),
        (["fails"], "fails"),
        (["not decided"], "not decided"),
        (["not measured here"], "not measured here"),
        ([], "not measured here"),
        (["holds", "not measured here"], "holds"),
        (["holds", "not decided"], "not decided"),
        (["holds", "fails"], "fails"),
        (["fails", "not decided"], "fails"),
        (["fails", "not measured here"], "fails"),
        (["not decided", "not measured here"], "not decided"),
        (["holds", "not decided", "not measured here"], "not decided"),
        (["holds", "fails", "not decided", "not measured here"], "fails"),
    ],
)
def test_a_claim_is_worth_its_weakest_finding_that_was_measured(found: list[Verdict], verdict: str) -> None:
    """In whatever order they come."""
    for order in permutations(found):
        findings = tuple(Finding("it", None, "above 1", each, "") for each in order)
        assert Claim("C1", "text", findings).verdict == verdict


def test_a_ratio_without_intervals_decides_nothing_unless_counted() -> None:
    measured = quotient(Quantity(30.0, "B", "measured"), Quantity(2.0, "B", "measured"))
    assert (measured.value, measured.ci95) == (15.0, None)
    assert judged(measured, 10.0, strict=False) == "not decided"
    counted = quotient(Quantity(30.0, "FLOP", "analytic"), Quantity(2.0, "FLOP", "analytic"))
    assert counted.ci95 == (15.0, 15.0)
    with pytest.raises(ValueError, match="no ratio"):
        quotient(Quantity(1.0, "B", "measured"), Quantity(1.0, "J", "measured"))


@pytest.mark.parametrize(("gib", "verdict"), [(9.0, "holds"), (5.0, "fails"), (4.9, "fails")])
def test_c1_compares_peaks(gib: float, verdict: str) -> None:
    assert verdicts("C1", record(peak(OURS, 5.0), peak("essl", gib))) == [verdict]


def test_c1_takes_no_pair_measured_otherwise_or_on_a_cpu() -> None:
    other = replace(GPU, batch_seconds=120.0)
    assert verdicts("C1", record(peak(OURS, 5.0), peak("essl", 9.0, other))) == ["not measured here"]
    assert verdicts("C1", record(peak(OURS, 5.0, CPU), peak("essl", 9.0, CPU))) == ["not decided"]
    assert verdicts("C1", record(peak("efficient-tiny", 1.0), peak("essl-tiny", 2.0))) == ["not measured here"]


def test_c1_shows_the_least_favourable_setting() -> None:
    long = replace(GPU, batch_seconds=480.0)
    rows = (peak(OURS, 5.0), peak("essl", 9.0), peak(OURS, 8.0, long), peak("essl", 8.0, long))
    assert verdicts("C1", record(*rows)) == ["fails"]


def test_each_claim_says_what_it_is_held_against() -> None:
    """Also where nothing was measured."""
    rows = [peak(OURS, 1.0), peak("essl", 2.0), peak("hubert-large", 20.0), flops(OURS, 1.0), flops("essl", 2.0)]
    for records in ((), (record(*rows),)):
        bounds = {claim.id: {f.bound for f in claim.findings} for claim in claims(Evidence(records))}
        assert bounds == {
            "C1": {"above 1"}, "C2": {"above 1"}, "C3": {"below 24 h"}, "C4": {f"intervals do not overlap, {OURS} is lower"},
            "C5": {"at least 10"}, "C6": {"at least 500"},
        }  # fmt: skip


def test_a_finding_says_where_it_is_from_and_of_how_many_settings() -> None:
    """And, behind that, what is lacking."""
    long, batch = replace(GPU, batch_seconds=480.0), "GPU X, bfloat16, 15 s clips, {} s of audio per step, record x"
    one, two = (peak(OURS, 5.0), peak("essl", 9.0)), (peak(OURS, 8.0, long), peak("essl", 10.0, long))
    assert [f.why for f in claims(Evidence((record(*one),)))[0].findings] == [batch.format(240)]
    both = claims(Evidence((record(*one, *two),)))[0].findings
    assert [f.why for f in both] == [f"{batch.format(480)}, the least favourable of 2 settings"]
    cpu = claims(Evidence((record(peak(OURS, 5.0, CPU), peak("essl", 9.0, CPU)),)))[0].findings[0]
    assert cpu.why.startswith("CPU x 2, bfloat16, 15 s clips, 240 s of audio per step, record x; not decisive: ")


def test_c2_joules_count_in_one_session_only() -> None:
    ours = row(OURS, "energy_per_audio_hour", 60.0, "J/h", scope="gpu", ci95=(59.0, 61.0))
    theirs = row("essl", "energy_per_audio_hour", 150.0, "J/h", scope="gpu", ci95=(149.0, 151.0))
    assert verdicts("C2", record(ours, theirs)) == ["not measured here", "holds"]
    assert verdicts("C2", record(ours, name="a"), record(theirs, name="b"))[1] == "not measured here"
    modelled = replace(theirs, quantity=replace(theirs.quantity, method="modelled"))
    assert verdicts("C2", record(ours, modelled))[1] == "not decided"
    assert verdicts("C2", record(flops(OURS, 4e9), flops("essl", 3e9)))[0] == "fails"


def in_rounds(*rounds: tuple[Measurement, ...], together: tuple[Measurement, ...]) -> Record:
    """A record of `compare`: the rows over all rounds, and those of each."""
    entries = [{"cells": [{"model": "m", "phase": "p", "rows": [m.row() for m in rows]}]} for rows in rounds]
    return record(*together, rounds=entries)


def per_hour(model: str, joules: float, **rest: Any) -> Measurement:
    return row(model, "energy_per_audio_hour", joules, "J/h", scope="gpu", **rest)


def test_joules_of_models_in_turn_are_paired_by_round() -> None:
    """The device drifts by half while one model takes 1.25 times the other's in every round: unpaired nothing would be decided."""
    drift = (60.0, 90.0, 75.0)
    rounds = [(per_hour(OURS, x), per_hour("essl", x * 1.25 * k)) for x, k in zip(drift, (1.0, 1.01, 0.99), strict=True)]  # fmt: skip
    together = (per_hour(OURS, 74.0, ci95=(44.0, 124.0)), per_hour("essl", 92.5, ci95=(55.0, 156.0)))
    assert verdicts("C2", record(*together))[1] == "not decided"
    assert verdicts("C2", in_rounds(*rounds, together=together))[1] == "holds"
    found = claims(Evidence((in_rounds(*rounds, together=together),)))[1].findings[1].quantity
    assert found is not None
    assert (found.n, found.note) == (3, "paired in 3 rounds")
    assert found.value == pytest.approx(1.25, rel=1e-4)


def test_a_peak_over_rounds_keeps_the_words_of_its_allocator_and_its_scatter_if_any() -> None:
    """`compare` takes the largest of the rounds: on a GPU it still decides, unless the rounds differ by more than the claim."""
    sides = [(peak(OURS, 5.0), peak("essl", gib)) for gib in (5.5, 5.5, 5.5)]
    together = tuple(combined([[row] for row in rows])[0] for rows in zip(*sides, strict=True))
    assert all("CUDA allocator" in each.quantity.note and "largest of 3" in each.quantity.note for each in together)
    assert verdicts("C1", in_rounds(*sides, together=together)) == ["holds"]
    wild = [(peak(OURS, 5.0), peak("essl", gib)) for gib in (4.0, 5.5, 5.2)]
    assert verdicts("C1", in_rounds(*wild, together=together)) == ["not decided"]


@pytest.mark.parametrize(
    ("rates", "verdict"),
    # 18,000 h in 24 h is 750 times real time.
    [
        ((751, 800, 850), "holds"),
        ((749, 800, 850), "not decided"),
        ((600, 700, 749), "fails"),
        ((600, 700, 751), "not decided"),
        ((750, 800, 850), "not decided"),
        ((600, 700, 750), "fails"),
        ((750.1, 800, 850), "holds"),
    ],
)
def test_c3_needs_the_upper_end_below_a_day(rates: tuple[float, float, float], verdict: str) -> None:
    assert verdicts("C3", record(speed(*rates))) == [verdict]


def test_c3_takes_the_fastest_setting_of_each_gpu_and_no_cpu() -> None:
    slow = replace(GPU, batch_seconds=15.0)
    assert verdicts("C3", record(speed(100, 110, 120, slow), speed(990, 1000, 1010))) == ["holds"]
    assert verdicts("C3", record(speed(990, 1000, 1010, CPU))) == ["not measured here"]
    hours = claims(Evidence((record(speed(900, 1000, 1200)),)))[2].findings[0].quantity
    assert hours is not None
    assert (hours.value, hours.ci95, hours.method) == (18.0, (15.0, 20.0), "projected")


def test_c5_is_of_each_large_model() -> None:
    rows = [peak(OURS, 1.0), peak("wav2vec2-large", 10.0), peak("hubert-large", 9.0)]
    assert verdicts("C5", record(*rows)) == ["holds", "fails", "not measured here"]
    assert overall("C5", record(*rows)) == "fails"
    assert overall("C5", record(*rows[:2])) == "holds"
    assert len(LARGE) == 3


@pytest.mark.parametrize(
    ("claim", "large", "theirs", "verdict"),
    [
        ("C1", "essl", 2.0, "fails"), ("C1", "essl", 2.001, "holds"), ("C1", "essl", 1.999, "fails"),
        ("C5", "hubert-large", 20.0, "holds"), ("C5", "hubert-large", 20.01, "holds"), ("C5", "hubert-large", 19.99, "fails"),
    ],
)  # fmt: skip
def test_the_bounds_of_the_claims_about_memory(claim: str, large: str, theirs: float, verdict: str) -> None:
    """Less than the baseline's 2 GiB is less; a tenth of a large model's is an order of magnitude, its bound included."""
    assert overall(claim, record(peak(OURS, 2.0), peak(large, theirs))) == verdict


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [((61.0, 62.0), "holds"), ((60.0, 62.0), "not decided"), ((58.0, 60.0), "fails"), ((59.0, 62.0), "not decided")],
)
def test_the_bound_of_c2_in_joules(ends: tuple[float, float], verdict: str) -> None:
    """Ours takes 60 J exactly: more than once as much is needed."""
    ours = per_hour(OURS, 60.0, ci95=(60.0, 60.0))
    theirs = per_hour("essl", 0.5 * sum(ends), ci95=ends)
    assert verdicts("C2", record(ours, theirs))[1] == verdict


@pytest.mark.parametrize(("times", "verdict"), [(500 / 90, "holds"), (499.999 / 90, "fails"), (500.001 / 90, "holds")])
def test_the_bound_of_c6_is_enough_itself(times: float, verdict: str) -> None:
    """90 times the hours at 500 / 90 times the FLOPs are 500 times as many, to the last digit."""
    assert verdicts("C6", record(flops(OURS, 1.0), flops("wav2vec2-large", times)))[0] == verdict


@pytest.mark.parametrize(("rate", "verdict"), [(5.56e9, "holds"), (5.55e9, "fails")])
def test_c6_by_flops_of_the_whole_recipes(rate: float, verdict: str) -> None:
    """wav2vec 2.0 large saw 1.62 M h, 90 times 18,000 h: 500 needs 5.56 times the FLOPs of an hour."""
    found = claims(Evidence((record(flops(OURS, 1e9), flops("wav2vec2-large", rate)),)))[5].findings
    assert found[0].verdict == verdict
    assert found[0].quantity is not None
    assert found[0].quantity.value == pytest.approx(90 * rate / 1e9)
    assert found[1].verdict == "not measured here"


def test_c6_counts_joules_of_one_session_only() -> None:
    """90 times the hours at 6 times the joules per hour: 540 [495, 585], so 500 is not decided; at 7 times it holds."""
    ours = per_hour(OURS, 60.0, ci95=(60.0, 60.0))

    def theirs(times: float) -> Measurement:
        return per_hour("wav2vec2-large", 60 * times, ci95=(60 * (times - 0.5), 60 * (times + 0.5)))

    assert verdicts("C6", record(ours, theirs(6.0)))[1] == "not decided"
    assert verdicts("C6", record(ours, theirs(7.0)))[1] == "holds"
    assert verdicts("C6", record(ours, theirs(5.0)))[1] == "fails"
    assert verdicts("C6", record(ours, name="a"), record(theirs(7.0), name="b"))[1] == "not measured here"
    modelled = per_hour("wav2vec2-large", 420.0, method="modelled", ci95=(419.0, 421.0))
    assert verdicts("C6", record(ours, modelled))[1] == "not decided"


def test_gpu_hours_of_others_decide_nothing() -> None:
    """Published hours of a V100 are in no record of ours, and even there nothing would divide by them."""
    published = row("hubert-large", "device_hours", 1e6, "h", method="published")
    assert overall("C6", record(published, row(OURS, "device_hours", 10.0, "h"))) == "not measured here"


def rated(model: str, low: float, value: float, high: float) -> Measurement:
    test = Conditions(task="asr-finetune", head="linear", labels="1h", tested_on="dev")
    return Measurement(model, "cer", Quantity(value, "1", "measured", (low, high), 12), "finetuning", None, test)


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [((0.1, 0.2, 0.3), (0.4, 0.5, 0.6), "holds"), ((0.1, 0.2, 0.45), (0.4, 0.5, 0.6), "not decided"), ((0.7, 0.8, 0.9), (0.4, 0.5, 0.6), "fails")],
)  # fmt: skip
def test_c4_by_a_study_under_one_budget(ours: tuple[float, ...], theirs: tuple[float, ...], verdict: str) -> None:
    ended = {"folder": "f", "status": "finished", "spent": {"of_budget": 0.99}}
    runs = [{"model": model, **ended} for model in (OURS, "essl") for _ in range(2)]
    study = {"equal": "joules", "budget": 1e4, "runs": runs}
    rows = (rated(OURS, *ours), rated("essl", *theirs))
    made = replace(
        record(*rows, study=study), config={"device": "cuda", "models": [OURS, "essl"], "seeds": 2, "training": {}}
    )
    assert verdicts("C4", made) == [verdict]
    (finding,) = claims(Evidence((made,)))[3].findings
    assert finding.quantity is not None
    assert finding.quantity.value == pytest.approx(theirs[1] / ours[1])
    unequal = replace(made, details={"study": {"equal": None, "budget": None}})
    assert verdicts("C4", unequal) == ["not decided"]


def test_c4_divides_by_no_rate_of_nothing() -> None:
    """A model without an error is the better one by no number of times."""
    study = {"equal": None, "budget": None, "runs": []}
    for ours, theirs in (((0.0, 0.0, 0.1), (0.4, 0.5, 0.6)), ((0.4, 0.5, 0.6), (0.0, 0.0, 0.1))):
        made = replace(record(rated(OURS, *ours), rated("essl", *theirs), study=study), config={"seeds": 2})
        assert [f.quantity for f in claims(Evidence((made,)))[3].findings] == [None]


@pytest.mark.parametrize(("above", "below", "ends"), [("analytic", "analytic", (2.0, 2.0)), ("analytic", "measured", None), ("measured", "analytic", None)])  # fmt: skip
def test_a_ratio_is_exact_only_where_both_sides_are(
    above: Method, below: Method, ends: tuple[float, float] | None
) -> None:
    """A measured figure without an interval leaves none to a quotient, whichever side it is on."""
    assert quotient(Quantity(4.0, "FLOP", above), Quantity(2.0, "FLOP", below)).ci95 == ends

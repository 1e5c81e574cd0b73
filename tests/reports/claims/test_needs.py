"""For each claim a sound record that holds, and records that lack one thing each, which decide nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ssl_benchmarks.record.flaws import DISTURBED, NOT_STEADY
from ssl_benchmarks.record.learned import NOT_SHOWN, UNCONVERGED
from ssl_benchmarks.record.quantity import Method, Quantity
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_models.catalog import CATALOG, HEADLINE
from ssl_reports.claims.claims import OURS, claims
from ssl_reports.claims.needs import CLAIM_NEEDS, NEEDS, lacking
from ssl_reports.claims.predictions import BASELINE, LARGE
from ssl_reports.reading.evidence import Evidence, Found, distinct

GPU = Conditions(device="GPU X", driver="1", dtype="bfloat16", clip_seconds=15.36, batch_seconds=245.76)
Change = Callable[[Record], Record]
BIG = "hubert-large"


def row(model: str, metric: str, value: float, unit: str, **rest: Any) -> Measurement:
    method, scope, note = rest.get("method", "measured"), rest.get("scope"), rest.get("note", "")
    ci95 = None if method == "analytic" or metric == "peak_memory" else (0.99 * value, 1.01 * value)
    return Measurement(model, metric, Quantity(value, unit, method, ci95, 3, note), "training", scope, GPU)


def compared(*models: tuple[str, float, float, float, float]) -> Record:
    """Rows of `compare` in three rounds: model, GiB, FLOP and J per second and hour of audio, and audio seconds per second."""
    rows = []
    for model, gib, flops, joules, speed in models:
        rows += [
            row(model, "peak_memory", gib * 2**30, "B", note="max allocated by torch's CUDA allocator"),
            row(model, "flops_per_audio_second", flops, "FLOP/s", method="analytic"),
            row(model, "energy_per_audio_hour", joules, "J/h", scope="gpu"),
            row(model, "audio_seconds_per_second", speed, "s/s"),
        ]
    entries = [{"cells": [{"model": "m", "phase": "p", "rows": [m.row() for m in rows]}]} for _ in range(3)]
    return Record(
        "x", "2026-01-01", "finished", "sslbench compare", {"device": "cuda"}, {"gpus": [{"name": "GPU X"}]}, tuple(rows),
        details={"rounds": entries}, kind="comparison",
    )  # fmt: skip


def rated(model: str, value: float, note: str = "") -> Measurement:
    test = Conditions(task="asr-finetune", head="linear", labels="1h", tested_on="dev")
    q = Quantity(value, "1", "measured", (value - 0.02, value + 0.02), 12, note)
    return Measurement(model, "cer", q, "finetuning", None, test)


def study(*rows: Measurement) -> Record:
    ended = {"folder": "f", "status": "finished", "spent": {"of_budget": 0.99}}
    runs = [{"model": model, "seed": s, **ended} for model in (OURS, BASELINE) for s in range(3)]
    config = {"device": "cuda", "models": [OURS, BASELINE], "seeds": 3, "training": {}}
    details = {"study": {"equal": "joules", "budget": 1e6, "runs": runs}}
    return Record("s", "t", "finished", "c", config, {"gpus": [{"name": "GPU X"}]}, rows, details=details, kind="study")


SOUND: dict[str, Record] = {
    "C1": compared((OURS, 2.0, 5e9, 60.0, 900.0), (BASELINE, 3.0, 1e10, 150.0, 500.0)),
    "C2": compared((OURS, 2.0, 5e9, 60.0, 900.0), (BASELINE, 3.0, 1e10, 150.0, 500.0)),
    "C3": compared((OURS, 2.0, 5e9, 60.0, 900.0)),
    "C4": study(rated(OURS, 0.2), rated(BASELINE, 0.4)),
    "C5": compared((OURS, 2.0, 5e9, 60.0, 900.0), (BIG, 24.5, 1.2e11, 900.0, 50.0)),
    "C6": compared((OURS, 2.0, 5e9, 60.0, 900.0), (BIG, 24.5, 1.2e11, 900.0, 50.0)),
}


def verdict(claim: str, *records: Record) -> str:
    return next(c for c in claims(Evidence(records)) if c.id == claim).verdict


def changed(record: Record, how: Callable[[Measurement], Measurement], *, only: str = "") -> Record:
    """The record with other rows, those of its rounds too; `only` of one model."""

    def told(m: Measurement) -> Measurement:
        return how(m) if only in {"", m.model} else m

    rows = tuple(map(told, record.measurements))
    rounds = [
        {
            "cells": [
                {**cell, "rows": [told(Measurement.from_row(r)).row() for r in cell["rows"]]} for cell in entry["cells"]
            ]
        }
        for entry in record.details.get("rounds", [])
    ]
    return replace(record, measurements=rows, details={**record.details, **({"rounds": rounds} if rounds else {})})


def quality(**change: Any) -> Callable[[Measurement], Measurement]:
    return lambda m: replace(m, quantity=replace(m.quantity, **change))


def at(**change: Any) -> Callable[[Measurement], Measurement]:
    return lambda m: replace(m, conditions=replace(m.conditions, **change))


def rounds(record: Record, number: int) -> Record:
    return replace(record, details={**record.details, "rounds": record.details["rounds"][:number]})


def with_study(record: Record, **change: Any) -> Record:
    return replace(record, details={"study": {**record.details["study"], **change}})


def budget_of(record: Record, model: str, share: float | None) -> Record:
    runs = [
        {**run, "spent": {"of_budget": share}} if run["model"] == model else run
        for run in record.details["study"]["runs"]
    ]
    return with_study(record, runs=runs)


def failed(record: Record, model: str, *seeds: int, share: float | None = None) -> Record:
    """The study with some runs of a model that did not end; what they spent is not known, or nearly all."""
    lost = {"status": "failed", "reason": "the loss became NaN", "spent": share and {"of_budget": share}}
    runs = record.details["study"]["runs"]
    return with_study(
        record, runs=[{**run, **lost} if run["model"] == model and run["seed"] in seeds else run for run in runs]
    )


ANY: dict[str, Change] = {
    "a neighbour beside ours": lambda r: changed(r, quality(flaw=DISTURBED), only=OURS),
    "a neighbour beside all": lambda r: changed(r, quality(flaw=DISTURBED)),
    "a warm-up that was not steady": lambda r: changed(r, quality(flaw=NOT_STEADY), only=OURS),
    "a session that was stopped": lambda r: replace(r, status="unfinished"),
    "two flaws": lambda r: changed(r, quality(flaw=f"{DISTURBED}; {NOT_STEADY}")),
}
MEASURED: dict[str, Change] = {
    **ANY,
    "short clips": lambda r: changed(r, at(clip_seconds=5.0)),
    "long clips": lambda r: changed(r, at(clip_seconds=30.0)),
    "clips of unknown length": lambda r: changed(r, at(clip_seconds=None)),
}
ON_HARDWARE: dict[str, Change] = {
    **MEASURED,
    "a CPU": lambda r: replace(changed(r, at(driver=None, device="CPU")), environment={"gpus": []}),
    "published figures": lambda r: changed(r, quality(method="published")),
    "modelled figures": lambda r: changed(r, quality(method="modelled")),
    "projected figures": lambda r: changed(r, quality(method="projected")),
    "sampled for one and counted for the other": lambda r: changed(r, quality(method="sampled"), only=OURS),
}
TIMED: dict[str, Change] = {
    **ON_HARDWARE,
    "one round": lambda r: rounds(r, 1),
    "one of three rounds without a flaw": lambda r: _flawed_rounds(r, 2),
    "no rounds, and one repeat": lambda r: changed(rounds(r, 0), quality(n=1)),
}
STUDIED: dict[str, Change] = {
    "one seed": lambda r: replace(r, config={**r.config, "seeds": 1}),
    "a seed of the baseline that failed": lambda r: failed(r, BASELINE, 1),
    "seeds of ours that failed": lambda r: failed(r, OURS, 0, 2),
    "a seed that failed at its end": lambda r: failed(r, OURS, 2, share=0.99),
    "a winner no better than its random weights": lambda r: changed(r, quality(note=NOT_SHOWN), only=OURS),
    "a baseline no better than its random weights": lambda r: changed(r, quality(note=NOT_SHOWN), only=BASELINE),
    "a head that did not converge": lambda r: changed(r, quality(note=UNCONVERGED), only=BASELINE),
    "a baseline with a tenth of the budget": lambda r: budget_of(r, BASELINE, 0.1),
    "a budget that nobody knows": lambda r: budget_of(r, OURS, None),
    "no equal budget": lambda r: with_study(r, equal=None),
    "a study on a CPU": lambda r: replace(r, environment={"gpus": []}, config={**r.config, "device": "cpu"}),
    "a study on the CPU of a machine with a GPU": lambda r: replace(r, config={**r.config, "device": "cpu"}),
    "a study on a machine without a GPU": lambda r: replace(r, environment={"gpus": []}),
    "other settings under the same names": lambda r: replace(
        r, config={**r.config, "training": {"encoder": {"blocks": 2}}}
    ),
    "a study that was stopped": lambda r: replace(r, status="unfinished"),
}


def _flawed_rounds(record: Record, number: int) -> Record:
    spoilt = changed(record, quality(flaw=DISTURBED)).details["rounds"]
    return replace(record, details={**record.details, "rounds": spoilt[:number] + record.details["rounds"][number:]})


UNSOUND = {
    "C1": {k: v for k, v in ON_HARDWARE.items() if not k.startswith("sampled")},
    "C2": MEASURED,
    "C3": {k: v for k, v in TIMED.items() if not k.startswith("sampled")},
    "C4": STUDIED,
    "C5": {k: v for k, v in ON_HARDWARE.items() if not k.startswith("sampled")},
    "C6": MEASURED,
}
CASES = [
    pytest.param(claim, change, id=f"{claim}, {name}")
    for claim, all_ in UNSOUND.items()
    for name, change in all_.items()
]


@pytest.mark.parametrize("claim", SOUND)
def test_sound_evidence_holds(claim: str) -> None:
    assert verdict(claim, SOUND[claim]) == "holds"
    assert len(UNSOUND[claim]) >= 6


@pytest.mark.parametrize(("claim", "change"), CASES)
def test_what_lacks_one_thing_decides_nothing(claim: str, change: Change) -> None:
    unsound = change(SOUND[claim])
    assert verdict(claim, unsound) in {"not decided", "not measured here"}
    findings = next(c for c in claims(Evidence((unsound,))) if c.id == claim).findings
    assert all("not decisive" in f.why or "missing" in f.why for f in findings)


@pytest.mark.parametrize("change", TIMED.values(), ids=TIMED.keys())
@pytest.mark.parametrize("claim", ["C2", "C6"])
def test_joules_that_lack_one_thing_decide_nothing(claim: str, change: Change) -> None:
    """Whatever the counted FLOPs beside them say."""
    findings = next(c for c in claims(Evidence((change(SOUND[claim]),))) if c.id == claim).findings
    joules = [f for f in findings if f.what.startswith("joules")]
    assert joules
    assert {f.verdict for f in joules} <= {"not decided", "not measured here"}


ENOUGH: list[tuple[str, Change]] = [
    ("C3", lambda r: changed(r, at(clip_seconds=1.09 * 15.36))),
    ("C3", lambda r: changed(r, at(clip_seconds=0.91 * 15.36))),
    ("C3", lambda r: rounds(r, 2)),
    ("C3", lambda r: _flawed_rounds(r, 1)),
    ("C3", lambda r: changed(rounds(r, 0), quality(n=2))),
    ("C4", lambda r: replace(r, config={**r.config, "seeds": 2})),
    ("C4", lambda r: budget_of(r, BASELINE, 0.9)),
    ("C4", lambda r: changed(r, quality(ci95=(0.221, 0.5)), only=BASELINE)),
]
TOO_LITTLE: list[tuple[str, Change]] = [
    ("C3", lambda r: changed(r, at(clip_seconds=1.11 * 15.36))),
    ("C3", lambda r: changed(r, at(clip_seconds=0.89 * 15.36))),
    ("C3", lambda r: changed(rounds(r, 0), quality(n=None))),
    ("C4", lambda r: replace(r, config={**r.config, "seeds": None})),
    ("C4", lambda r: budget_of(r, BASELINE, 0.899)),
    ("C4", lambda r: changed(r, quality(ci95=(0.22, 0.5)), only=BASELINE)),
]


@pytest.mark.parametrize(("claim", "change"), ENOUGH)
def test_evidence_that_just_suffices_holds(claim: str, change: Change) -> None:
    """Intervals that are just apart too: ours ends at 0.22."""
    assert verdict(claim, change(SOUND[claim])) == "holds"


@pytest.mark.parametrize(("claim", "change"), TOO_LITTLE)
def test_evidence_that_falls_just_short_decides_nothing(claim: str, change: Change) -> None:
    assert verdict(claim, change(SOUND[claim])) == "not decided"


@pytest.mark.parametrize("worse", [True, False])
def test_error_rates_whose_intervals_touch_decide_nothing_either_way(*, worse: bool) -> None:
    """Ours from 0.18 to 0.22, the baseline's from 0.22 on or up to 0.18."""
    ends, apart = ((0.1, 0.18), (0.1, 0.179)) if worse else ((0.22, 0.5), (0.221, 0.5))
    touching, separate = (changed(SOUND["C4"], quality(value=sum(e) / 2, ci95=e), only=BASELINE) for e in (ends, apart))
    touching, separate = (changed(r, quality(ci95=(0.18, 0.22)), only=OURS) for r in (touching, separate))
    assert verdict("C4", touching) == "not decided"
    assert verdict("C4", separate) == ("fails" if worse else "holds")


@pytest.mark.parametrize(("claim", "change"), CASES)
def test_sound_evidence_beside_unsound_decides_in_either_order(claim: str, change: Change) -> None:
    """As if the unsound were not there; so one record of a model never hides another."""
    sound, unsound = SOUND[claim], replace(change(SOUND[claim]), id="unsound")
    found = {verdict(claim, sound, unsound), verdict(claim, unsound, sound)}
    assert found == ({"not decided"} if claim == "C4" else {"holds"})


@pytest.mark.parametrize("claim", ["C1", "C5"])
def test_of_two_sound_records_the_worse_counts_in_either_order(claim: str) -> None:
    sound = SOUND[claim]
    worse = replace(
        changed(sound, lambda m: replace(m, quantity=m.quantity.scaled(9.0, m.quantity.unit)), only=OURS), id="y"
    )
    assert verdict(claim, sound, worse) == verdict(claim, worse, sound) == "fails"


def test_the_headline_model_is_named_in_one_place() -> None:
    assert OURS == HEADLINE
    assert HEADLINE in CATALOG
    assert BIG in LARGE


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        (("measured", "measured"), ""),
        (("sampled", "sampled"), ""),
        (("sampled", "measured"), "one measured and the other sampled"),
        (("modelled", "measured"), "modelled, not measured"),
        (("published", "modelled"), "modelled and published, not measured"),
    ],
)
def test_how_two_figures_were_obtained_is_said(methods: tuple[Method, Method], words: str) -> None:
    rows = [m for m in SOUND["C2"].measurements if m.metric == "energy_per_audio_hour"]
    pairs = zip(rows, methods, strict=True)
    found = [Found(quality(method=method)(m), SOUND["C2"], "x") for m, method in pairs]
    assert NEEDS["hardware"](found) == words


def test_every_need_is_asked_for_and_said() -> None:
    assert {need for needs in CLAIM_NEEDS.values() for need in needs} == set(NEEDS)
    sound = SOUND["C1"]
    found = [Found(m, sound, "x") for m in sound.measurements if m.metric == "peak_memory"]
    assert lacking("peak memory", found) == ""
    spoilt = [replace(f, row=quality(flaw=DISTURBED)(at(clip_seconds=5.0)(f.row))) for f in found]
    assert lacking("peak memory", spoilt).count(";") == 1, "all that is lacking is told"


@pytest.mark.parametrize(("share", "fits"), [(0.902, True), (1.098, True), (0.898, False), (1.102, False)])
def test_clips_may_differ_by_a_tenth(share: float, fits: bool) -> None:  # noqa: FBT001 - what is expected
    found = [Found(at(clip_seconds=15.36 * share)(m), SOUND["C1"], "x") for m in SOUND["C1"].measurements]
    peaks = [f for f in found if f.row.metric == "peak_memory"]
    assert (lacking("peak memory", peaks) == "") == fits


def test_a_budget_of_which_nothing_is_known_is_not_told_as_a_share() -> None:
    known, unknown = (budget_of(SOUND["C4"], BASELINE, share) for share in (0.1, None))
    told = [next(c for c in claims(Evidence((r,))) if c.id == "C4").findings[0].why for r in (known, unknown)]
    assert f"{BASELINE} used 10 % of the budget" in told[0]
    assert f"{BASELINE} used an unknown share of the budget" in told[1]
    runs = with_study(SOUND["C4"], runs=[])
    assert "an unknown share" in next(c for c in claims(Evidence((runs,))) if c.id == "C4").findings[0].why


@pytest.mark.parametrize(
    ("model", "seeds", "words"),
    [(BASELINE, (1,), "seed 1 of essl did not finish"), (OURS, (0, 2), f"seed 0 and 2 of {OURS} did not finish")],
)
def test_seeds_that_failed_are_named(model: str, seeds: tuple[int, ...], words: str) -> None:
    """And no share of a budget is said to be unknown for it."""
    (finding,) = next(c for c in claims(Evidence((failed(SOUND["C4"], model, *seeds),))) if c.id == "C4").findings
    assert finding.why.endswith(f"not decisive: {words}")


@pytest.mark.parametrize("only", ["", OURS, BASELINE])
@pytest.mark.parametrize("scope", ["machine", "cpu", "module"])
def test_joules_of_another_scope_than_the_gpu_are_no_evidence(scope: str, only: str) -> None:
    """Nor are those of a GPU against those of a machine."""
    record = changed(SOUND["C2"], lambda m: replace(m, scope=scope) if m.scope == "gpu" else m, only=only)
    assert [f.verdict for f in next(c for c in claims(Evidence((record,))) if c.id == "C2").findings] == [
        "holds",
        "not measured here",
    ]


def test_a_record_of_two_devices_pairs_each_with_itself() -> None:
    """Our step on one GPU against the baseline's on another is no pair; where both have both, the worse of the two counts."""
    sound = SOUND["C1"]
    elsewhere = changed(sound, at(device="GPU Y"))
    apart = changed(sound, at(device="GPU Y"), only=BASELINE)
    assert verdict("C1", apart) == "not measured here"
    worse = changed(elsewhere, lambda m: replace(m, quantity=m.quantity.scaled(9.0, m.quantity.unit)), only=OURS)
    for rows in (sound.measurements + worse.measurements, worse.measurements + sound.measurements):
        assert verdict("C1", replace(sound, measurements=rows)) == "fails"


@pytest.mark.parametrize("claim", SOUND)
def test_a_record_given_twice_counts_once(claim: str) -> None:
    once, twice = claims(Evidence((SOUND[claim],))), claims(distinct([SOUND[claim]] * 2, [None, None]))
    assert twice == once


def test_what_was_counted_is_not_said_to_be_of_a_device() -> None:
    flops, joules = next(c for c in claims(Evidence((SOUND["C2"],))) if c.id == "C2").findings
    assert flops.why.startswith("counted, 15.36 s clips, record")
    assert joules.why.startswith("GPU X, bfloat16, 15.36 s clips")

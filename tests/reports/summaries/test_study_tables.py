"""A study's table against figures by hand, and claim C4 decided by intervals alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_reports.claims.error_rates import c4_line, verdict
from ssl_reports.summaries.rates import bill_grid
from ssl_reports.summaries.study_tables import budget_line, run_rows, study_grid
from ssl_reports.summaries.studying import study_tables, write_study_report

TESTED = Conditions(task="pr", head="linear", labels="1h", tested_on="dev-clean")


def rate(low: float, middle: float, high: float) -> Quantity:
    return Quantity(middle, "1", "measured", (low, high))


def rows(model: str, per: Quantity, joules: float = 3_600.0) -> list[Measurement]:
    """2 M parameters, half an hour heard at 1 GFLOP a second, 40 s and twice `joules` in targets and training."""
    return [
        Measurement(model, "parameters", Quantity(2e6, "1", "analytic"), "inference"),
        Measurement(model, "audio_hours_seen", Quantity(0.5, "h", "measured"), "training"),
        Measurement(model, "flops_per_audio_second", Quantity(1e9, "FLOP/s", "analytic"), "training"),
        Measurement(model, "duration", Quantity(10.0, "s", "measured"), "targets"),
        Measurement(model, "duration", Quantity(30.0, "s", "measured"), "training"),
        Measurement(model, "energy", Quantity(joules, "J", "measured"), "targets", "machine"),
        Measurement(model, "energy", Quantity(joules, "J", "modelled"), "training", "machine"),
        Measurement(model, "energy_per_audio_hour", Quantity(2 * joules, "J/h", "modelled"), "training", "machine"),
        Measurement(model, "loss", Quantity(2.5, "nat", "measured"), "training"),
        Measurement(model, "per", per, "evaluation", None, TESTED),
    ]


@pytest.fixture
def study() -> Record:
    """An efficient model that beats essL, a model that failed, and a control."""
    failed = unavailable("nat", "out of | memory")
    control = Measurement("log-mel", "per", rate(0.7, 0.8, 0.9), "evaluation", None, TESTED)
    measurements = (
        *rows("efficient-tiny", rate(0.4, 0.42, 0.44)),
        *rows("essl-tiny", rate(0.5, 0.52, 0.54)),
        Measurement("hubert-tiny", "loss", failed, "training"),
        control,
    )
    spent = {"audio_hours": 0.5, "flops": 1.8e12, "minutes": 0.667, "joules": 7200.0, "joules_method": "modelled"}
    runs = [
        {
            "model": model,
            "folder": f"{model}-seed0",
            "status": "finished",
            "reason": None,
            "spent": {**spent, "of_budget": 1.02},
        }
        for model in ("efficient-tiny", "essl-tiny")
    ]
    runs.append(
        {
            "model": "hubert-tiny",
            "folder": "hubert-tiny-seed0",
            "status": "failed",
            "reason": "out of | memory",
            "spent": None,
        }
    )
    details = {
        "study": {"equal": "joules", "budget": 7000.0, "runs": runs, "joules": "energy is modelled", "plans": {}},
        "grid": None,
    }
    models = ["efficient-tiny", "essl-tiny", "hubert-tiny"]
    config = {"device": "cpu", "models": models, "seeds": 1, "training": {"data": "train-clean-5"}}
    return Record(
        "x", "t", "finished", "sslbench train-and-measure", config, {}, measurements, {}, details, kind="study"
    )


def test_the_table_by_hand(study: Record) -> None:
    """0.5 h x 3600 x 1 GFLOP = 1.8 TFLOP; 2 x 3600 J = 2 Wh, modelled as its weakest part."""
    grid = study_grid(study)
    assert grid.header[0] == "model"
    assert grid.header[-1] == "PER (pr, linear)"
    found = {row[0]: row[1:] for row in grid.rows}
    assert list(found) == ["efficient-tiny", "essl-tiny", "hubert-tiny", "log-mel"], "controls follow"
    assert found["efficient-tiny"] == (
        "2.00 M", "0.500 h", "1.80 TFLOP", "40 s", "2.00 Wh (modelled)", "7.20 kJ", "2.50 nat", "42.0 % [40.0, 44.0]",
    )  # fmt: skip
    assert found["hubert-tiny"][-2:] == ("not available", "")
    assert found["log-mel"] == (*[""] * 7, "80.0 % [70.0, 90.0]")


def test_the_bill_of_a_run_holds_the_flops_of_all_its_steps(study: Record) -> None:
    """0.5 h at 1 GFLOP a second are 1.8 TFLOP; a run's row `flops` is of one step, an evaluation's of all of it."""
    step = Measurement("efficient-tiny", "flops", Quantity(3e10, "FLOP", "analytic"), "training")
    rated = [
        Measurement("efficient-tiny", "duration", Quantity(5.0, "s", "measured"), "evaluation"),
        Measurement("efficient-tiny", "flops", Quantity(4e10, "FLOP", "analytic"), "evaluation"),
    ]
    bill = bill_grid(replace(study, measurements=(*study.measurements, step, *rated)))
    found = {row[:2]: row[-1] for row in bill.rows}
    assert found["efficient-tiny", "training"] == "1.80 TFLOP (counted)"
    assert found["efficient-tiny", "evaluation"] == "40.0 GFLOP (counted)"
    assert found["efficient-tiny", "fitting targets"] == ""


def test_each_run_tells_its_share_of_the_budget(study: Record) -> None:
    first, _, failed = run_rows(study)
    assert first == (
        "efficient-tiny-seed0",
        "finished",
        "0.500",
        "1.80 TFLOP",
        "0.667",
        "7.20 kJ (modelled)",
        "102.0 %",
    )
    assert failed[:2] == ("hubert-tiny-seed0", "failed: out of | memory")
    assert budget_line(study) == "budget of each run: 1.94 Wh of energy; energy is modelled"


@pytest.mark.parametrize(
    ("efficient", "baseline", "wanted"),
    [
        (rate(0.4, 0.42, 0.44), rate(0.5, 0.52, 0.54), "holds"),
        (rate(0.5, 0.52, 0.54), rate(0.4, 0.42, 0.44), "fails"),
        (rate(0.4, 0.45, 0.5), rate(0.5, 0.52, 0.54), "not decided"),
        (rate(0.4, 0.42, 0.44), Quantity(0.52, "1", "measured"), "not decided"),
        (Quantity(0.42, "1", "measured", (0.4, 0.44), note="did not converge"), rate(0.5, 0.52, 0.54), "not decided"),
        (unavailable("1", "no text"), rate(0.5, 0.52, 0.54), "not decided"),
    ],
)
def test_a_claim_is_decided_by_intervals_that_are_apart(efficient: Quantity, baseline: Quantity, wanted: str) -> None:
    assert verdict(efficient, baseline, lower_is_better=True) == wanted
    turned = {"holds": "fails", "fails": "holds"}.get(wanted, wanted)
    assert verdict(efficient, baseline, lower_is_better=False) == turned, "accuracy is better when it is higher"


def test_the_line_of_the_claim_names_budget_data_and_sizes(study: Record) -> None:
    line = c4_line(study)
    assert line is not None
    assert "\n" not in line
    compared, rates, reasons = line.split(". ")
    assert compared == (
        "C4 (lower downstream error than essL) at other sizes than the claim's: efficient-tiny (2.00 M parameters) against essl-tiny "
        "(2.00 M parameters); trained on train-clean-5, 1.94 Wh of energy each, 1 seed"
    )
    assert rates == (
        "PER (pr, linear) of efficient-tiny 42.0 % [40.0, 44.0], of essl-tiny 52.0 % [50.0, 54.0]: not decided (the intervals alone: holds)"
    )
    assert reasons.startswith("Not decided because: trained on a CPU; 1 seed, 2 needed")


@pytest.mark.parametrize("told", [{}, {"data": "sample"}])
@pytest.mark.parametrize(
    ("tested_on", "wanted"),
    [
        ("sample-v1", "trained on the synthetic sample, 1.94 Wh of energy each, 1 seed."),
        ("librispeech-sample", "trained on the sample of LibriSpeech train-clean-5, 1.94 Wh of energy each, 1 seed."),
        (
            "librispeech-sample (6 of 18 utterances)",
            "trained on the sample of LibriSpeech train-clean-5, 1.94 Wh of energy each, 1 seed.",
        ),
    ],
)
def test_the_line_says_which_sample_it_was(study: Record, tested_on: str, wanted: str, told: dict[str, str]) -> None:
    """That of earlier versions was synthetic."""
    rated = [
        replace(row, conditions=replace(row.conditions, tested_on=tested_on)) if row.metric == "per" else row
        for row in study.measurements
    ]
    config = {**study.config, "training": told}
    assert wanted in (c4_line(replace(study, measurements=tuple(rated), config=config)) or "")


def test_without_a_baseline_or_a_rate_the_claim_has_no_line(study: Record) -> None:
    alone = {**study.config, "models": ["efficient-tiny", "hubert-tiny"]}
    assert c4_line(replace(study, config=alone)) is None
    unrated = tuple(row for row in study.measurements if row.metric != "per")
    assert c4_line(replace(study, measurements=unrated)) is None


def test_the_report_and_the_terminal(study: Record, tmp_path: Path) -> None:
    write_study_report(study, tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "| hubert-tiny-seed0 | failed: out of \\| memory |" in text
    assert "--country" in text
    assert len(study_tables(study)) == 3
    unrated = tuple(row for row in study.measurements if row.metric != "per")
    assert len(study_tables(replace(study, measurements=unrated))) == 2, "no rates, no table of them"


def test_rates_of_other_tests_are_not_held_against_each_other(study: Record) -> None:
    """A rate of the baseline on another folder has no partner."""
    line = c4_line(study) or ""
    rated = next(row for row in study.measurements if row.model == "essl-tiny" and row.metric == "per")
    elsewhere = replace(rated, conditions=replace(rated.conditions, tested_on="another"))
    more = replace(study, measurements=(*study.measurements, elsewhere))
    assert line.count("of essl-tiny") == 1
    assert c4_line(more) == line

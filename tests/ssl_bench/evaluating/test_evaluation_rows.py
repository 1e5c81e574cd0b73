"""The rows of an evaluation: marks by intervals in each direction, final test sets, conditions, costs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from ssl_bench.evaluating.rows import documents, marked, rate_rows
from ssl_bench.evaluating.speech import EvaluationSpeech
from ssl_bench.evaluating.subject import Finding, System
from ssl_benchmarks.downstream.outcome import Outcome
from ssl_benchmarks.machine.environment import conditions
from ssl_benchmarks.record.learned import NOT_SHOWN, WORSE, doubts
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement
from ssl_reports.tables.grid import marks

SPEECH = EvaluationSpeech({}, "10min", "", "dev-clean", final=False)
TWIN = "m (untrained)"


@pytest.fixture(scope="module")
def held() -> Conditions:
    import torch

    return conditions(torch.device("cpu"), "float32", None)


def row(model: str, metric: str, low: float, high: float, held: Conditions, head: str = "linear") -> Measurement:
    quantity = Quantity((low + high) / 2, "1", "measured", (low, high), 9, "greedy")
    return Measurement(model, metric, quantity, "evaluation", None, replace(held, task="asr", head=head))


@pytest.mark.parametrize(
    ("metric", "own", "twin", "said"),
    [
        ("cer", (0.1, 0.2), (0.3, 0.4), []),
        ("cer", (0.1, 0.3), (0.3, 0.4), [NOT_SHOWN]),
        ("cer", (0.1, 0.35), (0.3, 0.4), [NOT_SHOWN]),
        ("cer", (0.5, 0.6), (0.3, 0.4), [WORSE]),
        ("eer", (0.1, 0.2), (0.3, 0.4), []),
        ("abx", (0.5, 0.6), (0.3, 0.4), [WORSE]),
        ("accuracy", (0.5, 0.6), (0.3, 0.4), []),
        ("accuracy", (0.35, 0.6), (0.3, 0.4), [NOT_SHOWN]),
        ("accuracy", (0.1, 0.2), (0.3, 0.4), [WORSE]),
    ],
)
def test_a_model_is_better_than_random_weights_or_not_shown_to_be_or_worse(
    metric: str, own: tuple[float, float], twin: tuple[float, float], held: Conditions, said: list[str]
) -> None:
    """Intervals apart, low for errors and high for accuracy; only the model is marked."""
    first, second = marked([row("m", metric, *own, held), row(TWIN, metric, *twin, held)], {"m": TWIN, TWIN: ""}, {})
    assert doubts(first.quantity) == said
    assert first.quantity.note.endswith("greedy")
    assert second.quantity.note == "greedy"


def test_each_is_held_against_its_own_task_and_head_and_twin(held: Conditions) -> None:
    rows = [
        row("m", "cer", 0.1, 0.2, held), row("m", "cer", 0.5, 0.6, held, "deep"), row("m #2", "cer", 0.5, 0.6, held),
        row(TWIN, "cer", 0.3, 0.4, held), row(TWIN, "cer", 0.3, 0.4, held, "deep"), row("mine.py:f", "cer", 0.9, 1.0, held),
    ]  # fmt: skip
    found = marked(rows, {"m": TWIN, "m #2": TWIN, TWIN: "", "mine.py:f": ""}, {})
    assert [doubts(r.quantity) for r in found] == [[], [WORSE], [WORSE], [], [], []]


def test_nothing_is_said_where_a_rate_is_missing(held: Conditions) -> None:
    none = replace(row("m", "cer", 0, 1, held), quantity=unavailable("1", "too few"))
    controls, twin = {"m": TWIN, TWIN: ""}, row(TWIN, "cer", 0.3, 0.4, held)
    assert marked([none, twin], controls, {}) == [none, twin]
    both = [replace(twin, model="m"), replace(none, model=TWIN)]
    assert marked(both, controls, {}) == both


def test_a_control_that_did_not_converge_shows_of_no_model_that_it_is_worse(held: Conditions) -> None:
    twin = row(TWIN, "cer", 0.3, 0.4, held)
    twin = replace(twin, quantity=replace(twin.quantity, note="did not converge; greedy"))
    first, _ = marked([row("m", "cer", 0.5, 0.6, held), twin], {"m": TWIN, TWIN: ""}, {})
    assert doubts(first.quantity) == [NOT_SHOWN]


def finding(
    task: str, value: float = 0.5, seed: int = 0, *, converged: bool | None = True, tested_on: str | None = None
) -> Finding:
    system = System("m", seed, cast("Any", None), cast("Any", None))
    quantity = Quantity(value, "1", "measured", (value - 0.1, value + 0.1), 9, "greedy")
    return Finding(system, task, "linear", Outcome({"cer": quantity}, converged, {"tried": 3}), tested_on)


def test_rows_name_task_head_labels_and_what_was_tested(held: Conditions) -> None:
    rows = rate_rows([finding("asr"), finding("asr-finetune"), finding("asv")], held, SPEECH)
    assert [
        (r.conditions.task, r.conditions.head, r.conditions.labels, r.conditions.tested_on, r.phase) for r in rows
    ] == [
        ("asr", "linear", "10min", "dev-clean", "evaluation"),
        ("asr-finetune", "linear", "10min", "dev-clean", "finetuning"),
        ("asv", "linear", None, "dev-clean", "evaluation"),
    ]


def test_a_final_test_set_is_marked_where_it_was_tested(held: Conditions) -> None:
    """Keywords are rated on clips of their own."""
    speech = replace(SPEECH, tested_on="test-clean", final=True)
    asr, ks = rate_rows([finding("asr"), finding("ks", tested_on="commands")], held, speech)
    assert (asr.quantity.note, asr.conditions.tested_on) == ("final; greedy", "test-clean")
    assert (ks.quantity.note, ks.conditions.tested_on) == ("greedy", "commands")


def test_seeds_make_one_row(held: Conditions) -> None:
    (one,) = rate_rows([finding("asr", 0.4, 0), finding("asr", 0.6, 1)], held, SPEECH)
    assert one.quantity.value == pytest.approx(0.5)
    assert "mean of 2 seeds" in one.quantity.note


def of_seeds(model: str, values: list[float], half: float = 0.01, metric: str = "per") -> list[Finding]:
    twin = "" if model == TWIN else TWIN
    return [
        Finding(
            System(model, seed, cast("Any", None), cast("Any", None), twin), "pr", "linear",
            Outcome({metric: Quantity(value, "1", "measured", (value - half, value + half), 9, "greedy")}, True),
        )
        for seed, value in enumerate(values)
    ]  # fmt: skip


def test_over_three_seeds_a_model_is_held_against_random_weights_of_the_same_seed(held: Conditions) -> None:
    """0.7, 0.6, 0.5 are each 0.1, 0.11, 0.12 below their twins, whose intervals they overlap: by hand 11 points, Student's
    4.303 x 1 / sqrt(3) = 2.48 points, with 1 of each side sqrt(2.48^2 + 1 + 1) = 2.86."""
    trained, random = [0.7, 0.6, 0.5], [0.8, 0.71, 0.62]
    first, _ = rate_rows([*of_seeds("m", trained), *of_seeds(TWIN, random)], held, SPEECH)
    assert (
        "better than its own random weights by 11.0 percentage points [8.1, 13.9], paired over 3 seeds"
        in first.quantity.note
    )
    assert doubts(first.quantity) == []


@pytest.mark.parametrize(
    ("trained", "random", "said"),
    [
        ([0.7, 0.6], [0.8, 0.71], NOT_SHOWN),
        ([0.7, 0.6, 0.5], [0.71, 0.8, 0.45], NOT_SHOWN),
        ([0.8, 0.71, 0.62], [0.7, 0.6, 0.5], WORSE),
    ],
    ids=["two seeds", "scattered", "worse"],
)
def test_pairing_by_seed_decides_no_more_than_it_shows(
    trained: list[float], random: list[float], said: str, held: Conditions
) -> None:
    first, _ = rate_rows([*of_seeds("m", trained), *of_seeds(TWIN, random)], held, SPEECH)
    assert doubts(first.quantity) == [said]


def test_pairing_by_seed_knows_which_way_is_better(held: Conditions) -> None:
    trained, random = [0.2, 0.3, 0.4], [0.1, 0.19, 0.28]
    first, _ = rate_rows(
        [*of_seeds("m", trained, metric="accuracy"), *of_seeds(TWIN, random, metric="accuracy")], held, SPEECH
    )
    assert "by 11.0 percentage points" in first.quantity.note


@pytest.mark.parametrize(
    ("findings", "signs"),
    [
        ([True], " #"),
        ([False], " + #"),
        ([False, False, False], " + #"),
        ([True, False], " #"),
    ],
)
def test_a_table_shows_the_marks_however_many_seeds(findings: list[bool], signs: str, held: Conditions) -> None:
    speech = replace(SPEECH, final=True)
    found = [finding("asr", 0.4 + seed / 100, seed, converged=ok) for seed, ok in enumerate(findings)]
    (one,) = rate_rows(found, held, speech)
    assert marks(one.quantity, {}) == signs


def test_each_finding_is_in_the_record_by_itself() -> None:
    (document,) = documents([finding("asr", 0.5, 3)])
    assert document == {
        "system": "m", "seed": 3, "task": "asr", "head": "linear", "converged": True, "rates": {"cer": [0.5, [0.4, 0.6]]},
        "tried": 3,
    }  # fmt: skip

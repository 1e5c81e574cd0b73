"""A run folder whose files are broken is reported in one line, or read as far as it is intact."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from ssl_bench.sessions.run_folder import RunFolder, load_optimiser
from ssl_bench.training.attempts import Attempt, attempts_of, recovered
from ssl_bench.training.job import taken_up
from ssl_benchmarks.energy.phase_cost import SCOPES, PhaseCost
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Record
from ssl_models.errors import BadInputError

JOULES = {scope: Quantity(9.5, "J", "modelled") for scope in SCOPES}
ATTEMPT = Attempt(1, "2026-11-20T08:00:00+00:00", {"training": PhaseCost(9.5, JOULES, JOULES)}, 5, 360.0)
RECORD = Record("x", "", "unfinished", "", {}, {}, details={"attempts": [ATTEMPT.document()]}, kind="training")


def document(**changes: Any) -> dict[str, Any]:
    return json.loads(json.dumps({**ATTEMPT.document(), **changes}))


def test_lines_of_the_curve_that_are_none_are_passed_over(tmp_path: Path) -> None:
    lines = [
        {"step": 5},
        {"step": "5"},
        [5],
        {"loss": 2.0},
        {"step": 6, "training_energy": {"gpu": 1.0}},
        {"step": 10, "loss": 2.5},
    ]
    (tmp_path / "metrics.jsonl").write_text("\n".join([*map(json.dumps, lines), '{"step": NaN}', '{"ste']))
    assert RunFolder(tmp_path).metrics() == [{"step": 5}, {"step": 10, "loss": 2.5}]


@pytest.mark.parametrize("text", ["[]", "{}x", '{"step": "5"}', '{"attempt": 1}', '{"group": [[null]]}'])
def test_a_state_that_is_none_is_a_broken_checkpoint(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "checkpoints" / "step-000000001"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(text)
    with pytest.raises(BadInputError, match="step-000000001: broken checkpoint"):
        RunFolder(tmp_path).saved_state()


@pytest.mark.parametrize("missing", ["0.step", "1.exp_avg", "0.exp_avg_sq"])
@pytest.mark.parametrize("change", ["missing", "another shape", "of no parameter", "without a number"])
def test_tensors_of_another_optimiser_are_refused(tmp_path: Path, missing: str, change: str) -> None:
    path, module = tmp_path / "optimizer.safetensors", torch.nn.Linear(2, 3)
    tensors = {
        f"{number}.{name}": torch.zeros(shape if name != "step" else ())
        for number, shape in enumerate([(3, 2), (3,)])
        for name in ("step", "exp_avg", "exp_avg_sq")
    }
    save_file(tensors, path)
    load_optimiser(torch.optim.AdamW(module.parameters()), path)
    spoilt = tensors.pop(missing)
    name = missing.partition(".")[2]
    tensors |= {
        "missing": {}, "another shape": {missing: torch.zeros(7)}, "of no parameter": {missing: spoilt, f"9.{name}": spoilt.clone()},
        "without a number": {missing: spoilt, name: spoilt.clone()},
    }[change]  # fmt: skip
    save_file(tensors, path)
    with pytest.raises(BadInputError, match="not the state of this optimiser"):
        load_optimiser(torch.optim.AdamW(module.parameters()), path)


@pytest.mark.parametrize("synthetic", [False, True])
def test_a_run_on_the_synthetic_sample_of_before_cannot_go_on(tmp_path: Path, *, synthetic: bool) -> None:
    """The sample has become other speech; the record itself is read as before."""
    run = RunFolder(tmp_path)
    run.write(replace(RECORD, details={**RECORD.details, "data": {"folder": "sample-v1", "synthetic": synthetic}}))
    if not synthetic:
        assert [attempt.number for attempt in taken_up(run, {})[2]] == [1]
        return
    with pytest.raises(BadInputError, match="began on the synthetic sample of an earlier version"):
        taken_up(run, {})


def test_attempts_come_back_and_broken_ones_are_named() -> None:
    assert attempts_of(RECORD) == [ATTEMPT]
    with pytest.raises(BadInputError, match="no attempt"):
        attempts_of(replace(RECORD, details={}))
    for change in ({"number": "1"}, {"phases": []}, {"phases": {"training": {"seconds": 1.0}}}, {"steps": None}):
        with pytest.raises(BadInputError, match=r"^x: broken attempts"):
            attempts_of(replace(RECORD, details={"attempts": [document(**change)]}))


def test_a_scope_that_a_record_lacks_is_unavailable() -> None:
    cost = document()["phases"]["training"]
    del cost["energy"]["gpu"]
    (found,) = attempts_of(replace(RECORD, details={"attempts": [document(phases={"training": cost})]}))
    assert found.phases["training"].energy["gpu"].method == "unavailable"
    assert found.phases["training"].energy["cpu"] == JOULES["cpu"]


def test_a_broken_bill_is_none() -> None:
    longer = {"training": PhaseCost(20.0, JOULES, JOULES)}
    assert recovered(ATTEMPT, [], replace(ATTEMPT, phases=longer).document()).phases["training"].seconds == 20.0
    assert recovered(ATTEMPT, [], document(phases={"training": {"seconds": "20"}})) == ATTEMPT

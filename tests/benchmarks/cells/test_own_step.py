"""A user's opaque step in a cell: counted by one real step, and run with its own optimiser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ssl_benchmarks.cells.cell import CellSetting
from ssl_benchmarks.cells.plan import plan_of
from ssl_benchmarks.cells.request import CellError, CellRequest
from ssl_benchmarks.cells.rows import memory_rows
from ssl_benchmarks.cells.steps import training
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.timing.protocol import Protocol
from ssl_models.catalog import pretraining
from ssl_models.errors import BadInputError
from ssl_models.loading.holdings import held_by

FRAMES = (16_000 - 400) // 160 + 1
FORWARD = FRAMES * (32 * 400 + 32 * 32)
BACKWARD = FRAMES * (32 * 400 + 2 * 32 * 32)  # none towards the waveform
PARAMETERS = 32 * 400 + 32 + 32 * 32 + 32


def request(name: str, *, precision: str = "float32", compiled: bool = False) -> CellRequest:
    setting = CellSetting("own", "training", 1.0, 2, precision, compiled)
    return CellRequest(name, setting, Protocol(0.1, 1), "cpu")


@pytest.mark.filterwarnings("ignore:Using `torch.compile:UserWarning", "ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize("kind", ["opaque", "Trainer", "in_globals", "compiled", "Loss", "Light"])
def test_forward_and_backward_are_counted_in_every_form(own_steps: Path, kind: str) -> None:
    """Multiply-adds by hand; elementwise optimisers add none. A step's own operators are listed."""
    plan = plan_of(request(f"{own_steps}:{kind}"))
    found = {name: q for name, _, q in plan.counts}
    assert found["macs"].value == FORWARD + BACKWARD
    assert plan.parameters.value == PARAMETERS
    if kind not in {"Loss", "Light"}:
        assert "not counted:" in found["flops"].note
        assert "_local_scalar_dense x" in found["flops"].note, "the loss that the step looks at"
        assert "measured, not predicted" in plan.peak.note


def test_what_a_step_does_out_of_sight_is_unavailable(own_steps: Path) -> None:
    plan = plan_of(request(f"{own_steps}:without_products"))
    assert {(q.value, "saw no matrix product" in q.note) for _, _, q in plan.counts} == {(None, True)}
    assert plan.parameters.value is None
    assert "closure" in plan.parameters.note
    seen = plan_of(request(f"{own_steps}:without_a_model"))
    assert {name: q.value for name, _, q in seen.counts}["macs"] == 16_000


def test_a_step_that_fails_is_not_counted_and_says_why(own_steps: Path) -> None:
    plan = plan_of(request(f"{own_steps}:unusual"))
    assert {q.value for _, _, q in plan.counts} == {None}
    assert all("no step today" in q.note for _, _, q in plan.counts)


def test_a_module_that_looks_at_its_loss_is_measured_and_not_counted(own_steps: Path) -> None:
    """Tensors without values have none to look at."""
    plan = plan_of(request(f"{own_steps}:Looks"))
    assert {q.value for _, _, q in plan.counts} == {None}
    assert plan.parameters.value == PARAMETERS


def test_a_module_without_a_loss_is_a_cell_without_a_result(own_steps: Path) -> None:
    with pytest.raises(CellError, match="must return a loss"):
        plan_of(request(f"{own_steps}:Frames"))


def test_a_step_is_not_compiled_from_outside(own_steps: Path) -> None:
    with pytest.raises(BadInputError, match="leave out --compile"):
        plan_of(request(f"{own_steps}:opaque", compiled=True))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_step_that_is_measured_is_the_user_s(own_steps: Path, precision: str) -> None:
    """The same as by hand on the same waveforms: weights after two steps, under autocast for bfloat16."""
    speech = (3000 * np.random.default_rng(1).standard_normal(32_000)).astype(np.int16)
    torch.manual_seed(5)
    model = pretraining(f"{own_steps}:Loss").module
    by_hand = torch.optim.SGD(model.parameters(), 1e-3, momentum=0.9)
    waveforms = torch.from_numpy(speech.reshape(2, -1)).float() / 32768
    for _ in range(2):
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = model(waveforms)
        loss.backward()
        by_hand.step()
        by_hand.zero_grad()
    torch.manual_seed(5)
    asked = request(f"{own_steps}:opaque", precision=precision)
    step = training(asked, speech, torch.device("cpu"))
    for _ in range(2):
        step.run()
    kept = held_by(step.run).parameters
    assert all(torch.equal(one, other) for one, other in zip(kept, model.parameters(), strict=True))
    sizes = {name: size.value for name, size in step.sizes().items()}
    assert sizes == dict.fromkeys(("weights", "gradients", "optimizer"), 4.0 * PARAMETERS)


def test_memory_of_what_was_not_found_is_unavailable(own_steps: Path) -> None:
    step = training(request(f"{own_steps}:without_a_model"), np.zeros(32_000, np.int16), torch.device("cpu"))
    step.run()
    rows = {name: q for name, _, q in memory_rows(Quantity(1e6, "B", "measured", note="peak"), step.sizes(), None)}
    assert rows["peak_memory"].value == 1e6
    assert {rows[f"memory_{part}"].value for part in ("weights", "gradients", "optimizer", "activations")} == {None}
    assert "nothing of the kind was found" in rows["memory_activations"].note

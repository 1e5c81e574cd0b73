"""Cells in processes of their own: what fits after halving, and what is left of one that is killed."""

from __future__ import annotations

import json
import signal
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ssl_benchmarks.cells.bench import ended_because, halved_until_it_fits
from ssl_benchmarks.cells.cell import CellSetting, MeasuredCell
from ssl_benchmarks.cells.plan import predicted_peak
from ssl_benchmarks.cells.request import CellError, CellMemoryError, CellRequest
from ssl_benchmarks.cells.steps import STEPS, clips_of
from ssl_benchmarks.cells.worker import in_short
from ssl_benchmarks.energy.carbon import given_intensity
from ssl_benchmarks.energy.idle import IdlePower
from ssl_benchmarks.processes.out_of_memory import is_out_of_memory
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.timing.protocol import Protocol
from ssl_models.training_step import make_fabric, make_optimiser

SETTING = CellSetting("x", "inference", 2.0, 12, "float32")
REQUEST = CellRequest("efficient-tiny", SETTING, Protocol(duration=0.2, repeats=2, cool_down=0.0, window=0.05), "cpu")
NOISE = np.random.default_rng(0).integers(-3000, 3000, 16_000).astype(np.int16)
EMPTY = MeasuredCell([], None, {})  # type: ignore[arg-type]


def test_a_request_survives_json() -> None:
    idle = IdlePower({"gpu": Quantity(70.0, "W", "measured", (69.0, 71.0))}, ("a neighbour",))
    request = replace(REQUEST, setting=replace(SETTING, grid=given_intensity(56.0)), idle=idle, seed=3)
    assert CellRequest.from_document(json.loads(json.dumps(asdict(request)))) == request
    assert CellRequest.from_document(json.loads(json.dumps(asdict(REQUEST)))) == REQUEST


def test_clips_halve_until_they_fit() -> None:
    """Twelve clips do not fit, nor six; three do. Every halving is said and kept."""
    import pandas as pd

    empty = MeasuredCell([], pd.DataFrame(), {})
    tried: list[int] = []
    said: list[str] = []

    def attempt(request: CellRequest) -> MeasuredCell:
        tried.append(request.setting.clips)
        if request.setting.clips > 3:
            raise CellMemoryError("too much")
        return empty

    fitting, cell, lines = halved_until_it_fits(REQUEST, attempt, said.append)
    assert tried == [12, 6, 3]
    assert fitting.setting.clips == 3
    assert cell is empty
    assert lines == said
    assert said == [
        "out of memory with 24 s per batch (too much): halved to 12 s",
        "out of memory with 12 s per batch (too much): halved to 6 s",
    ]


def test_one_clip_that_does_not_fit_is_an_error_with_its_reason() -> None:
    def attempt(request: CellRequest) -> MeasuredCell:
        raise CellMemoryError(f"{request.setting.clips} clips")

    with pytest.raises(CellError, match=r"out of memory with a single clip of 2 s: 1 clips") as caught:
        halved_until_it_fits(REQUEST, attempt, lambda line: None)
    assert not isinstance(caught.value, CellMemoryError)


def test_other_errors_halve_nothing() -> None:
    tried: list[int] = []

    def attempt(request: CellRequest) -> MeasuredCell:
        tried.append(request.setting.clips)
        raise CellError("broken")

    with pytest.raises(CellError, match="broken"):
        halved_until_it_fits(REQUEST, attempt, lambda line: None)
    assert tried == [12]


def test_what_torch_says_when_memory_is_out() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**14)
    assert is_out_of_memory(caught.value)
    assert in_short(caught.value) == "can't allocate memory: you tried to allocate 400000000000000 bytes"
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB. GPU 0 has a total"))
    assert is_out_of_memory(MemoryError())
    assert in_short(MemoryError()) == "MemoryError"
    assert not is_out_of_memory(RuntimeError("shapes do not fit"))


@pytest.mark.parametrize(
    ("code", "lines", "words"),
    [
        (-signal.SIGKILL, ["x"], "killed (SIGKILL), as happens when memory runs out"),
        (-signal.SIGSEGV, [], "ended by SIGSEGV"),
        (-signal.SIGABRT, ["free(): invalid pointer"], "ended by SIGABRT: free(): invalid pointer"),
        (1, ["Traceback", "ValueError: no"], "ValueError: no"),
        (3, [], "ended with exit code 3 without a result"),
        (0, ["bye"], "ended with exit code 0 without a result"),
    ],
)
def test_why_a_process_ended(code: int, lines: list[str], words: str) -> None:
    assert ended_because(code, lines) == words


def test_clips_are_cut_from_the_speech_and_repeated() -> None:
    """3 clips of 0.1 s from 4,000 samples: in order, from the start again, scaled to [-1, 1)."""
    speech = np.arange(-2000, 2000).astype(np.int16)
    expected = np.concatenate([speech, speech[:800]]).reshape(3, 1600) / 32768.0
    np.testing.assert_allclose(clips_of(speech, 3, 0.1, torch.device("cpu")).numpy(), expected, atol=1e-7)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("phase", ["inference", "training"])
def test_steps_say_what_they_are(phase: str, precision: str) -> None:
    """Bytes by hand: 4 for each parameter, twice that for AdamW's moments; training's weights stay where they are."""
    setting = CellSetting("x", phase, 1.0, 2, precision)
    step = STEPS[phase](replace(REQUEST, source="efficient-tiny", setting=setting), NOISE, torch.device("cpu"))
    with step.context:
        out = step.run()
    sizes = step.sizes()
    assert step.attention == "sdpa"
    if phase == "inference":
        assert set(sizes) == {"weights"}
        assert out.layers[-1].shape[:2] == (2, 25)  # type: ignore[attr-defined]
        assert out.layers[-1].is_inference()  # type: ignore[attr-defined]
        assert step.one_clip is not None
        with step.context:
            assert step.one_clip().layers[-1].shape[0] == 1  # type: ignore[attr-defined]
    else:
        assert step.one_clip is None
        learned = (sizes["gradients"].value or 0) / 4
        assert sizes["optimizer"].value == pytest.approx(8 * learned, rel=0.01)
        assert (sizes["weights"].value or 0) >= 4 * learned


def test_a_measured_training_step_is_that_of_the_loop() -> None:
    """The loop's own fabric and optimiser: a learning rate of 0 leaves the weights alone, and moments are there."""
    from ssl_models.catalog import pretraining
    from ssl_models.training_step import training_step

    model = pretraining("efficient-tiny")
    before = [p.detach().clone() for p in model.parameters()]
    optimiser = make_optimiser(model, model.optimisation)
    fabric = make_fabric("cpu", "float32")
    module, ready = fabric.setup(model, optimiser)
    waveforms = clips_of(NOISE, 2, 1.0, torch.device("cpu"))
    scalars = training_step(
        fabric, module, ready, clip=1.0, waveforms=waveforms, lengths=None, generator=torch.Generator(), progress=0.5
    )  # fmt: skip
    assert {"loss", "gradient_norm", "masked_accuracy"} <= set(scalars)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert optimiser.state
    assert all(p.grad is None for p in model.parameters())


def test_the_prediction_grows_with_the_batch_and_refuses_what_has_no_objective(tmp_path: Path) -> None:
    one, twelve = (predicted_peak(replace(REQUEST, setting=replace(SETTING, clips=n))).value for n in (1, 12))
    assert one is not None
    assert twelve is not None
    assert 8e6 < one < twelve
    training = replace(SETTING, phase="training")
    assert (predicted_peak(replace(REQUEST, setting=training)).value or 0) > twelve
    (tmp_path / "mine.py").write_text("import torch\ndef encoder():\n    return torch.nn.Identity()\n")
    with pytest.raises(CellError, match="no objective here"):
        predicted_peak(replace(REQUEST, source=f"{tmp_path}/mine.py:encoder", setting=training))

"""The pieces of the training step against plain torch and numbers by hand."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ssl_bench.data.clips import Batch
from ssl_bench.training.loop import on_device
from ssl_models.optimisation import OptimisationConfig
from ssl_models.training_step import clip_gradient, make_optimiser, step_if_finite


@pytest.mark.parametrize(
    ("progress", "rate"),
    [(0.0, 0.0), (0.025, 0.5e-3), (0.05, 1e-3), (0.1, 2e-3), (0.325, 1.5e-3), (0.55, 1e-3), (1.0, 0.0)],
)
def test_the_rate_warms_up_over_a_tenth_and_falls_to_zero(progress: float, rate: float) -> None:
    assert OptimisationConfig().learning_rate(progress, 491.52) == pytest.approx(rate, abs=1e-12)


def test_the_rate_grows_with_the_root_of_the_batch() -> None:
    """A quarter of the reference batch halves it: 2e-3 / 2 at the peak."""
    assert OptimisationConfig().learning_rate(0.1, 122.88) == pytest.approx(1e-3)
    assert OptimisationConfig().learning_rate(0.1, 4 * 491.52) == pytest.approx(4e-3)


def test_without_warm_up_it_starts_at_the_peak() -> None:
    flat = OptimisationConfig(warmup=0.0, peak_learning_rate=1.0)
    assert flat.learning_rate(0.0, 491.52) == 1.0
    assert flat.learning_rate(0.25, 491.52) == pytest.approx(0.75)


@given(st.floats(0, 1), st.floats(0.01, 0.9), st.floats(1, 5_000))
def test_the_rate_stays_between_zero_and_its_peak(progress: float, warmup: float, batch: float) -> None:
    settings = OptimisationConfig(warmup=warmup)
    peak = settings.learning_rate(warmup, batch)
    assert 0.0 <= settings.learning_rate(progress, batch) <= peak * (1 + 1e-9)


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 5), nn.LayerNorm(5), nn.Linear(5, 3))


def backward(module: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    module.zero_grad()
    module(torch.randn(8, 6, generator=generator)).square().sum().backward()


def state_of(optimiser: torch.optim.Optimizer) -> list[torch.Tensor]:
    return [value.clone() for state in optimiser.state.values() for value in state.values()]


def test_finite_steps_are_those_of_plain_adamw() -> None:
    """The plain loop form of torch, two groups by hand: matrices decay, the rest does not."""
    ours, plain = network(), network()
    settings = OptimisationConfig(weight_decay=0.1)
    optimiser = make_optimiser(ours, settings)
    matrices = [p for p in plain.parameters() if p.ndim == 2]
    rest = [p for p in plain.parameters() if p.ndim == 1]
    oracle = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}],
        betas=(0.9, 0.98), foreach=False, fused=False,
    )  # fmt: skip
    for step in range(6):
        for each in (optimiser, oracle):
            for group in each.param_groups:
                group["lr"] = 0.01 * (step + 1)
        backward(ours, step)
        backward(plain, step)
        step_if_finite(optimiser, clip_gradient(ours, math.inf))
        oracle.step()
    for got, wanted in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_bad_gradient_reaches_neither_weights_nor_moments(bad: float) -> None:
    module = network()
    optimiser = make_optimiser(module, OptimisationConfig())
    for group in optimiser.param_groups:
        group["lr"] = 0.1
    twin: tuple[list[torch.Tensor], list[torch.Tensor]] | None = None
    for step in (0, 1):
        backward(module, step)
        step_if_finite(optimiser, clip_gradient(module, 1.0))
    twin = ([p.detach().clone() for p in module.parameters()], state_of(optimiser))
    backward(module, 2)
    next(module.parameters()).grad[0, 0] = bad
    step_if_finite(optimiser, clip_gradient(module, 1.0))
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), twin[0], strict=True))
    assert all(torch.equal(a, b) for a, b in zip(state_of(optimiser), twin[1], strict=True))
    backward(module, 3)
    step_if_finite(optimiser, clip_gradient(module, 1.0))
    assert not torch.equal(next(module.parameters()), twin[0][0]), "and a good one moves them again"


def test_the_gradient_is_clipped_by_its_norm_over_all_weights() -> None:
    module = network()
    backward(module, 0)
    wanted = math.sqrt(sum(float(p.grad.double().square().sum()) for p in module.parameters()))
    assert wanted > 1.0
    before = [p.grad.clone() for p in module.parameters()]
    assert float(clip_gradient(module, 1.0)) == pytest.approx(wanted, rel=1e-5)
    for parameter, gradient in zip(module.parameters(), before, strict=True):
        torch.testing.assert_close(parameter.grad, gradient / wanted, rtol=1e-4, atol=1e-7)
    small = copy.deepcopy([p.grad for p in module.parameters()])
    clip_gradient(module, 5.0)
    assert all(torch.equal(a, p.grad) for a, p in zip(small, module.parameters(), strict=True)), "never scaled up"


def test_sixteen_bits_become_floats_below_one() -> None:
    samples = np.array([[-32768, 0, 16384, 32767]], np.int16)
    waveforms, lengths = on_device(Batch(samples, np.array([3])), torch.device("cpu"))
    assert waveforms.tolist() == [[-1.0, 0.0, 0.5, 32767 / 32768]]
    assert lengths is not None
    assert lengths.tolist() == [3]
    assert on_device(Batch(samples, None), torch.device("cpu"))[1] is None

"""data2vec's objective: targets against transformers' own blocks, the moving average, the loss by a slow loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from ssl_benchmarks.counting.flops import fake_tensors
from ssl_models.baselines.data2vec.config import Data2VecConfig, Data2VecEncoderConfig, Data2VecObjectiveConfig
from ssl_models.baselines.data2vec.regression import Data2VecPretraining
from ssl_models.interface import LossAndMetrics
from ssl_models.parts.masking import span_mask

SHAPE = Data2VecEncoderConfig(
    32, 3, 2, 64, conv_widths=(16,) * 7, position_groups=4, dropout=0.0, attention_dropout=0.0, layer_drop=0.0
)
CONFIG = Data2VecConfig(SHAPE, Data2VecObjectiveConfig(top_layers=2))
LENGTHS = torch.tensor([32_000, 20_000, 9_000])


def built(config: Data2VecConfig = CONFIG, seed: int = 0) -> Data2VecPretraining:
    torch.manual_seed(seed)
    return Data2VecPretraining(config)


def batch(garbage: float = 0.0) -> Tensor:
    waveforms = torch.randn(3, 32_000, generator=torch.Generator().manual_seed(0)) * 0.1
    return torch.where(torch.arange(32_000) < LENGTHS[:, None], waveforms, garbage)


def step(module: Data2VecPretraining, waveforms: Tensor, seed: int = 7) -> LossAndMetrics:
    return module(waveforms, LENGTHS, torch.Generator().manual_seed(seed))


def projected(module: Data2VecPretraining, waveforms: Tensor, lengths: Tensor | None) -> Tensor:
    return module.encoder.model.feature_projection(module.encoder.conv_features(waveforms, lengths))[0]


@torch.no_grad()
def test_targets_are_the_normed_feed_forward_outputs_of_the_top_blocks() -> None:
    """Hooks on transformers' own layers in a padded batch, torch's instance norm clip by clip, a plain mean.

    The teacher starts as a copy of the student, whose outputs are made large beside the norms' epsilons.
    """
    module = built()
    encoder, lengths = module.encoder.model.encoder, module.encoder.frame_lengths(LENGTHS)
    for parameter in encoder.layers.parameters():
        parameter.mul_(3.0)
    module.teacher.follow(encoder, 0.0)
    seen: list[Tensor] = []
    hooks = [layer.feed_forward.register_forward_hook(lambda _, __, out: seen.append(out)) for layer in encoder.layers]
    module.encoder.eval()(batch(), LENGTHS)
    for hook in hooks:
        hook.remove()
    found = module.targets(projected(module, batch(), LENGTHS), lengths)
    assert len(seen) == 3
    for clip, n in enumerate(lengths.tolist()):
        top = [F.instance_norm(out[clip : clip + 1, :n].transpose(1, 2))[0].T for out in seen[-2:]]
        torch.testing.assert_close(found[clip, :n], (top[0] + top[1]) / 2, atol=1e-3, rtol=0)


def test_loss_and_metrics_by_a_slow_loop() -> None:
    module = built()
    outcome = step(module, batch())
    lengths = module.encoder.frame_lengths(LENGTHS)
    mask = span_mask(lengths, 99, 10, 0.65, torch.Generator().manual_seed(7), overlap=True)
    inputs = projected(module, batch(), LENGTHS)
    targets = module.targets(inputs, lengths).double().numpy()
    model = module.encoder.model
    hidden = inputs.clone()
    hidden[mask] = model.masked_spec_embed
    inside = torch.arange(99) < lengths[:, None]
    output = model.encoder(hidden, attention_mask=inside)[0]
    losses, chance = [], []
    for clip in range(3):
        for frame in range(99):
            if mask[clip, frame]:
                error = module.predict(output[clip, frame]).detach().double().numpy() - targets[clip, frame]
                losses.append((error**2).mean())
                chance.append((targets[clip, frame] ** 2).mean())
    assert outcome.loss.item() == pytest.approx(np.mean(losses), rel=1e-5)
    assert outcome.metrics["target_variance"].item() == pytest.approx(np.mean(chance), rel=1e-5)
    valid = output[inside].detach().double().numpy()
    assert outcome.metrics["feature_variance"].item() == pytest.approx(valid.var(0, ddof=1).mean(), rel=1e-4)


@torch.no_grad()
def test_the_teacher_is_the_closed_form_of_the_moving_average() -> None:
    """After n steps: the product of all shares kept of the start, and of each student what later steps kept of it."""
    module = built(replace(CONFIG, objective=replace(CONFIG.objective, kept_start=0.5, kept_end=0.9)))
    student = module.encoder.model.encoder
    students: list[Tensor] = [student.layers[1].feed_forward.output_dense.weight.double().clone()]
    norms: list[Tensor] = [student.layer_norm.weight.double().clone()]
    kept: list[float] = []
    for n in range(1, 6):
        for parameter in student.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(n)))
        progress = n * 0.025
        kept.append(0.5 + 0.4 * min(progress / 0.075, 1))
        module.after_step(progress)
        students.append(student.layers[1].feed_forward.output_dense.weight.double().clone())
        norms.append(student.layer_norm.weight.double().clone())
    weights = [float(np.prod(kept))]
    weights += [(1 - kept[i]) * float(np.prod(kept[i + 1 :])) for i in range(5)]
    assert sum(weights) == pytest.approx(1.0)
    for found, seen in (
        (module.teacher.layers[1].feed_forward.output_dense.weight, students),
        (module.teacher.layer_norm.weight, norms),
    ):
        expected = sum(weight * value for weight, value in zip(weights, seen, strict=True))
        torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=1e-6)


def test_the_share_kept_rises_on_a_line_and_stays() -> None:
    """From 0.999 to 0.9999 over 30,000 of 400,000 updates."""
    objective = Data2VecObjectiveConfig()
    at = [objective.kept(updates / 400_000) for updates in (0, 10_000, 15_000, 30_000, 31_000, 400_000)]
    assert at == pytest.approx([0.999, 0.9993, 0.99945, 0.9999, 0.9999, 0.9999], abs=1e-12)


def test_the_teacher_is_frozen_and_in_evaluation_mode() -> None:
    module = built(replace(CONFIG, encoder=replace(SHAPE, dropout=0.5, attention_dropout=0.5))).train()
    assert module.encoder.model.encoder.layers[0].training
    assert not any(part.training for part in module.teacher.modules())
    before = {name: value.clone() for name, value in module.teacher.state_dict().items()}
    step(module, batch()).loss.backward()
    assert all(p.grad is None and not p.requires_grad for p in module.teacher.parameters())
    assert all(torch.equal(value, before[name]) for name, value in module.teacher.state_dict().items())
    inputs = torch.randn(1, 20, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(module.targets(inputs, None), module.targets(inputs, None))


def test_front_end_and_positions_are_shared_and_the_rest_is_saved() -> None:
    names = set(built().teacher.state_dict())
    assert not any("conv" in name for name in names)
    assert {name.split(".")[0] for name in names} == {"layers", "layer_norm"}
    saved, other = built(seed=1), built(seed=2)
    saved.after_step(0.5)
    other.load_state_dict(saved.state_dict())
    assert torch.equal(other.teacher.layer_norm.weight, saved.teacher.layer_norm.weight)
    assert step(other, batch()).loss.item() == step(saved, batch()).loss.item()


def test_gradients_reach_every_learned_parameter() -> None:
    module = built()
    outcome = step(module, batch())
    assert all(not metric.requires_grad and metric.ndim == 0 for metric in outcome.metrics.values())
    outcome.loss.backward()
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            # A shift of all keys changes no softmax.
            assert parameter.grad.abs().amax() > 0 or name.endswith("k_proj.bias"), name


@pytest.mark.parametrize("garbage", [0.5, float("nan")])
def test_what_stands_in_the_padding_changes_nothing(garbage: float) -> None:
    losses = [step(built(), batch(filling)).loss for filling in (0.0, garbage)]
    assert torch.equal(losses[0], losses[1])


def test_every_draw_comes_from_the_generator_given() -> None:
    module = built()
    state = torch.random.get_rng_state()
    losses = [step(module, batch(), seed).loss.item() for seed in (1, 1, 2)]
    assert torch.equal(state, torch.random.get_rng_state())
    assert losses[0] == losses[1] != losses[2]


def test_clips_too_short_to_hide_cost_nothing_and_break_nothing() -> None:
    module, generator = built(), torch.Generator().manual_seed(0)
    outcome = module(batch(), torch.tensor([32_000, 500, 0]), generator)
    outcome.loss.backward()
    assert outcome.loss.isfinite()
    assert all(p.grad is None or p.grad.isfinite().all() for p in module.parameters())
    assert module(batch(), torch.tensor([3_000, 500, 0]), generator).loss.item() == 0
    with pytest.raises(ValueError, match="400 samples, got 399"):
        module(torch.zeros(1, 399), None, generator)


def test_bfloat16_stays_near_float32() -> None:
    module = built()
    full = step(module, batch())
    with torch.autocast("cpu", torch.bfloat16):
        half = step(module, batch())
    half.loss.backward()
    assert half.loss.dtype == torch.float32
    assert half.loss.item() == pytest.approx(full.loss.item(), rel=0.02)


@pytest.mark.parametrize("lengths", [None, [32_000, 20_000]])
def test_a_step_reads_nothing_back_to_the_host(lengths: list[int] | None) -> None:
    """Under fake tensors, which have no values to read."""
    with fake_tensors():
        module = Data2VecPretraining(CONFIG)
        given = None if lengths is None else torch.tensor(lengths)
        module(torch.zeros(2, 32_000), given, torch.Generator()).loss.backward()
        module.after_step(0.5)


def test_nothing_is_fitted() -> None:
    assert built().targets_fitted
    assert built().fit_targets(iter(()), 0) == {}


@pytest.mark.slow
@pytest.mark.speech
def test_real_speech_is_learned_without_collapse(
    learn: Callable[..., Any], mean_of_last: Callable[[Any, str], float]
) -> None:
    """Below its start and below what the targets' mean would lose; targets and features go on to differ."""
    shape = replace(SHAPE, width=48, hidden=96, conv_widths=(24,) * 7)
    torch.manual_seed(0)
    curve = learn(Data2VecPretraining(replace(CONFIG, encoder=shape)), 220, 2e-3, clips=4, seconds=2.0)
    chance = mean_of_last(curve, "target_variance")
    assert mean_of_last(curve, "loss") < 0.6 * curve[0]["loss"]
    assert mean_of_last(curve, "loss") < 0.7 * chance
    assert chance > 0.1
    assert mean_of_last(curve, "feature_variance") > 0.05

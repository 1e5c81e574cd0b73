"""The objective: what the loss is, what reaches it, and that it can be learned."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from ssl_models.efficient.config import EfficientConfig, EncoderConfig, ObjectiveConfig
from ssl_models.efficient.masked_prediction import MaskedPrediction
from ssl_models.interface import LossAndMetrics
from ssl_models.parts.frontend import normalised, silence_padding, stacked_frames
from ssl_models.parts.masking import span_mask

CLUSTERS = 16
CONFIG = EfficientConfig(EncoderConfig(32, 2, 2, 64), ObjectiveConfig(clusters=CLUSTERS))


def speech(samples: int, seed: int) -> Tensor:
    """Bursts of eight tones, so that there is something to distinguish and something to predict."""
    draw = torch.Generator().manual_seed(seed)
    tones = torch.randint(0, 8, (samples // 3200 + 1,), generator=draw)
    pitch = (200.0 * 1.5 ** tones.float()).repeat_interleave(3200)[:samples]
    return 0.1 * torch.sin(2 * math.pi * pitch * torch.arange(samples) / 16_000) + 0.01 * torch.randn(
        samples, generator=draw
    )


LENGTHS = torch.tensor([32_000, 20_000, 9_000])


def batch(garbage: float = 0.0, extra: int = 0) -> Tensor:
    waveforms = torch.full((3, 32_000 + extra), garbage)
    for i, n in enumerate(LENGTHS.tolist()):
        waveforms[i, :n] = speech(n, i)
    return waveforms


def built(seed: int = 0) -> MaskedPrediction:
    torch.manual_seed(seed)
    module = MaskedPrediction(CONFIG)
    module.fit_targets((speech(32_000, seed).numpy() for seed in range(4)), seed)
    return module


@pytest.fixture(scope="module")
def fresh() -> MaskedPrediction:
    return built()


@pytest.fixture
def module(fresh: MaskedPrediction) -> MaskedPrediction:
    """The same fitted model for each test, in a copy of its own."""
    return copy.deepcopy(fresh)


def step(
    module: MaskedPrediction, waveforms: Tensor, lengths: Tensor | None = LENGTHS, seed: int = 7
) -> LossAndMetrics:
    return module(waveforms, lengths, torch.Generator().manual_seed(seed))


def gradients(module: MaskedPrediction) -> dict[str, Tensor]:
    found = {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}
    module.zero_grad(set_to_none=True)
    return found


class Oracle:
    """One step taken apart: the loops are slow, in float64, and know nothing of weights or batches."""

    def __init__(self, module: MaskedPrediction, waveforms: Tensor, lengths: Tensor, seed: int) -> None:
        logmel = module.encoder.logmel(silence_padding(waveforms, lengths))
        stacked = stacked_frames(logmel, lengths, 4)
        labels = module.quantiser(logmel, lengths // 160)
        valid = lengths // 640
        mask = span_mask(valid, stacked.shape[1], 6, 0.5, torch.Generator().manual_seed(seed))
        hidden = module.encoder.project(stacked)
        hidden[mask] = module.mask_vector
        logits = module.head(module.encoder.transform(hidden, valid)[-1]).detach().double().numpy()
        losses, hits = [], []
        self.seen: list[int] = []
        for clip, n in enumerate(valid.tolist()):
            for frame in range(n):
                pair = logits[clip, frame].reshape(2, CLUSTERS)
                for half in range(2):
                    label = int(labels[clip, 2 * frame + half])
                    self.seen.append(label)
                    if mask[clip, frame]:
                        losses.append(float(np.log(np.exp(pair[half]).sum()) - pair[half][label]))
                        hits.append(float(pair[half].argmax() == label))
        self.masked = len(losses)
        self.loss, self.accuracy = float(np.mean(losses)), float(np.mean(hits))
        share = np.bincount(self.seen) / len(self.seen)
        self.entropy = -sum(p * math.log(p) for p in share if p)


def test_loss_and_metrics_are_those_of_the_masked_frames(module: MaskedPrediction) -> None:
    torch.nn.init.normal_(module.head.weight, std=1.0)
    expected = Oracle(module, batch(), LENGTHS, 7)
    assert expected.masked == 2 * 6 * (4 + 3 + 1)
    outcome = step(module, batch())
    assert outcome.loss.item() == pytest.approx(expected.loss, rel=1e-5)
    assert outcome.metrics["masked_accuracy"].item() == pytest.approx(expected.accuracy)
    assert outcome.metrics["target_entropy"].item() == pytest.approx(expected.entropy, rel=1e-5)
    assert expected.entropy > 1


def test_no_lengths_means_all_valid(module: MaskedPrediction) -> None:
    waveforms = torch.stack([speech(20_000, 0), speech(20_000, 1)])
    whole, said = step(module, waveforms, None), step(module, waveforms, torch.tensor([20_000, 20_000]))
    assert whole.loss.item() == pytest.approx(said.loss.item(), abs=1e-5)


def test_it_starts_near_the_logarithm_of_the_clusters(module: MaskedPrediction) -> None:
    assert step(module, batch()).loss.item() == pytest.approx(math.log(CLUSTERS), abs=0.05)


def test_gradients_reach_every_learned_parameter(module: MaskedPrediction) -> None:
    outcome = step(module, batch())
    assert all(not metric.requires_grad and metric.ndim == 0 for metric in outcome.metrics.values())
    outcome.loss.backward()
    found = gradients(module)
    assert set(found) == {name for name, _ in module.named_parameters()}
    for name, gradient in found.items():
        assert gradient.isfinite().all(), name
        assert gradient.abs().amax() > 0, name


@pytest.mark.parametrize("garbage", [0.5, -1e4, float("nan")])
def test_padded_samples_change_neither_loss_nor_gradients(module: MaskedPrediction, garbage: float) -> None:
    """To the last bit: nothing that stands past a clip's end is ever read."""
    outcomes, found = [], []
    for filling in (0.0, garbage):
        outcomes.append(step(module, batch(filling)))
        outcomes[-1].loss.backward()
        found.append(gradients(module))
    assert torch.equal(outcomes[0].loss, outcomes[1].loss)
    for name, metric in outcomes[0].metrics.items():
        assert torch.equal(metric, outcomes[1].metrics[name]), name
    for name, gradient in found[0].items():
        assert torch.equal(gradient, found[1][name]), name


def test_the_amount_of_padding_changes_neither_loss_nor_gradients_nor_metrics(module: MaskedPrediction) -> None:
    """The same mask over the same clips, with 25 more frames of padding."""
    found, outcomes = [], []
    mask = span_mask(LENGTHS // 640, 50, 6, 0.5, torch.Generator().manual_seed(0))
    for extra in (0, 16_000):
        logmel = module.encoder.logmel(batch(extra=extra))
        stacked = stacked_frames(logmel, LENGTHS, 4)
        frames = stacked.shape[1]
        labels = module.quantiser(logmel, LENGTHS // 160).view(3, frames, 2)
        shown = torch.nn.functional.pad(mask, (0, frames - 50))
        outcomes.append(module.predict(stacked, labels, shown, LENGTHS // 640))
        outcomes[-1][0].backward()
        found.append(gradients(module))
    for one, other in zip(*outcomes, strict=True):
        assert one.item() == pytest.approx(other.item(), abs=1e-5)
    for name, gradient in found[0].items():
        torch.testing.assert_close(gradient, found[1][name], atol=1e-5, rtol=1e-4, msg=name)


def test_feature_variance_is_that_of_the_valid_frames(module: MaskedPrediction) -> None:
    """With nothing masked, numpy's variance over the frames that the encoder gives."""
    stacked = stacked_frames(module.encoder.logmel(batch()), LENGTHS, 4)
    nothing, labels = torch.zeros(3, 50, dtype=torch.bool), torch.zeros(3, 50, 2, dtype=torch.long)
    with torch.no_grad():
        layers = module.encoder(batch(), LENGTHS).layers[-1].double().numpy()
        loss, hits, variance = module.predict(stacked, labels, nothing, LENGTHS // 640)
    valid = np.concatenate([layers[i, :n] for i, n in enumerate((LENGTHS // 640).tolist())])
    assert variance.item() == pytest.approx(float(valid.var(0, ddof=1).mean()), rel=1e-4)
    assert (loss.item(), hits.item()) == (0, 0)


def test_what_is_masked_is_not_seen(module: MaskedPrediction) -> None:
    """Other content under the mask gives the same output."""
    stacked = torch.randn(1, 40, 320, generator=torch.Generator().manual_seed(0))
    other = torch.randn(1, 40, 320, generator=torch.Generator().manual_seed(1))
    labels = torch.zeros(1, 40, 2, dtype=torch.long)
    mask = span_mask(torch.tensor([40]), 40, 6, 0.5, torch.Generator().manual_seed(0))
    both = [module.predict(x, labels, mask, None) for x in (stacked, torch.where(mask[..., None], other, stacked))]
    assert torch.equal(both[0][0], both[1][0])
    changed = module.predict(torch.where(mask[..., None], stacked, other), labels, mask, None)
    assert not torch.equal(both[0][0], changed[0])


def test_the_seed_decides_everything() -> None:
    losses = []
    for seed in (3, 3, 4):
        module = built(seed)
        outcome = step(module, batch(), seed=seed)
        outcome.loss.backward()
        losses.append((outcome.loss.item(), gradients(module)["mask_vector"]))
    assert losses[0][0] == losses[1][0]
    assert torch.equal(losses[0][1], losses[1][1])
    assert losses[0][0] != losses[2][0]


def test_every_draw_comes_from_the_generator_given(module: MaskedPrediction) -> None:
    state = torch.random.get_rng_state()
    losses = [step(module, batch(), seed=seed).loss.item() for seed in (1, 1, 2)]
    assert torch.equal(state, torch.random.get_rng_state())
    assert losses[0] == losses[1] != losses[2]


def test_loss_falls_on_a_fixed_batch(module: MaskedPrediction) -> None:
    """Below its start, below the entropy of its labels, and the accuracy rises."""
    optimiser = torch.optim.AdamW(module.parameters(), 5e-3)
    outcomes = []
    for i in range(40):
        outcomes.append(step(module, batch(), seed=i % 4))
        optimiser.zero_grad()
        outcomes[-1].loss.backward()
        optimiser.step()
    first, last = outcomes[0], outcomes[-1]
    assert last.loss.item() < 0.6 * first.loss.item()
    assert last.loss.item() < last.metrics["target_entropy"].item()
    assert last.metrics["masked_accuracy"].item() > first.metrics["masked_accuracy"].item() + 0.2


def test_bfloat16_stays_near_float32(module: MaskedPrediction) -> None:
    full = step(module, batch())
    with torch.autocast("cpu", torch.bfloat16):
        half = step(module, batch())
    half.loss.backward()
    assert half.loss.dtype == torch.float32
    assert half.loss.item() == pytest.approx(full.loss.item(), rel=0.01)
    # The targets are computed in float32 whatever the precision.
    assert torch.equal(half.metrics["target_entropy"], full.metrics["target_entropy"])
    assert all(gradient.isfinite().all() for gradient in gradients(module).values())


def test_clips_too_short_to_mask_cost_nothing_and_break_nothing(module: MaskedPrediction) -> None:
    """Clips of 0, 1 and 5 frames among others have no whole span."""
    lengths = torch.tensor([32_000, 3_839, 500])
    outcome = step(module, batch(), lengths)
    outcome.loss.backward()
    assert outcome.loss.isfinite()
    assert all(gradient.isfinite().all() for gradient in gradients(module).values())
    assert step(module, batch(), torch.tensor([3_839, 640, 0])).loss.item() == 0


def test_too_short_a_batch_is_refused(module: MaskedPrediction) -> None:
    with pytest.raises(ValueError, match="640 samples, got 639"):
        step(module, torch.zeros(1, 639), None)


def test_after_step_changes_nothing(module: MaskedPrediction) -> None:
    before = {name: value.clone() for name, value in module.state_dict().items()}
    module.after_step(0.5)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


@pytest.mark.ci
@pytest.mark.slow
@pytest.mark.cc
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # torch's compiler on itself
def test_compiled_and_eager_agree(
    module: MaskedPrediction, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("inductor")))
    results = []
    for compiled in (False, True):
        if compiled:
            module.compile()
        outcome = step(module, batch())
        outcome.loss.backward()
        results.append((outcome, gradients(module)))
    (eager, slow), (fused, fast) = results
    assert fused.loss.item() == pytest.approx(eager.loss.item(), rel=1e-5)
    for name, metric in eager.metrics.items():
        assert fused.metrics[name].item() == pytest.approx(metric.item(), rel=1e-4), name
    for name, gradient in slow.items():
        torch.testing.assert_close(fast[name], gradient, atol=1e-5, rtol=1e-3, msg=name)


def test_mean_loss_does_not_depend_on_loudness(module: MaskedPrediction) -> None:
    """Input and targets are taken relative to the clip, so ten times the gain is the same problem."""
    quiet, loud = step(module, batch()), step(module, 8 * batch())
    assert loud.loss.item() == pytest.approx(quiet.loss.item(), abs=1e-3)


def test_stacked_input_has_unit_variance(module: MaskedPrediction) -> None:
    logmel = module.encoder.logmel(batch())
    valid = normalised(logmel, LENGTHS // 160)[0].double().numpy()
    np.testing.assert_allclose(valid.std(0), 1.0, atol=1e-3)


def test_the_loss_weighs_masked_against_visible_frames_and_leaves_padding_out(module: MaskedPrediction) -> None:
    """torch's cross-entropy of the frames that a loop picks."""
    stacked = stacked_frames(module.encoder.logmel(batch()), LENGTHS, 4)
    labels = module.quantiser(module.encoder.logmel(batch()), LENGTHS // 160).view(3, 50, 2)
    mask = span_mask(LENGTHS // 640, 50, 6, 0.5, torch.Generator().manual_seed(0))
    module.config = replace(module.config, objective=replace(module.config.objective, masked_weight=0.3))
    with torch.no_grad():
        loss = module.predict(stacked, labels, mask, LENGTHS // 640)[0]
        projected = torch.where(mask[..., None], module.mask_vector, module.encoder.project(stacked))
        logits = module.head(module.encoder.transform(projected, LENGTHS // 640)[-1]).view(3, 50, 2, -1)
    picked: dict[bool, list[torch.Tensor]] = {True: [], False: []}
    for clip, length in enumerate((LENGTHS // 640).tolist()):
        for frame in range(length):
            for half in range(2):
                cost = torch.nn.functional.cross_entropy(logits[clip, frame, half], labels[clip, frame, half])
                picked[bool(mask[clip, frame])].append(cost)
    masked, visible = (torch.stack(picked[where]).mean().item() for where in (True, False))
    assert loss.item() == pytest.approx(0.3 * masked + 0.7 * visible, rel=1e-5)
    assert masked != pytest.approx(visible, rel=1e-3)


@torch.no_grad()
def test_the_loss_in_the_middle_is_the_same_loss_of_the_middle_block(module: MaskedPrediction) -> None:
    """With weight 0.5, by hand from the normed output of block 1 of 2."""
    both = copy.deepcopy(module)
    both.config = replace(CONFIG, objective=replace(CONFIG.objective, middle_weight=0.5))
    stacked = torch.randn(2, 6, 320, generator=torch.Generator().manual_seed(0))
    labels = torch.randint(0, CLUSTERS, (2, 6, 2), generator=torch.Generator().manual_seed(1))
    mask = torch.tensor([[True, True, False, False, True, False], [False, True, True, True, False, False]])
    alone, hits, _ = module.predict(stacked, labels, mask, None)
    loss, same_hits, _ = both.predict(stacked, labels, mask, None)
    hidden = torch.where(mask[..., None], module.mask_vector, module.encoder.project(stacked))
    middle = module.encoder.final_norm(module.encoder.transform(hidden, None)[1])
    logits = module.head(middle).view(2, 6, 2, CLUSTERS)[mask]
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[mask].flatten())
    assert float(loss - alone) == pytest.approx(0.5 * float(expected), rel=1e-5)
    assert torch.equal(hits, same_hits)

"""essL's objective: the loss by its formula in slow loops, the teacher by its closed form, and what reaches whom."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ssl_models.baselines.essl import contrastive
from ssl_models.baselines.essl.config import EsslConfig, EsslEncoderConfig, EsslObjectiveConfig, StageConfig
from ssl_models.baselines.essl.contrastive import EsslPretraining, contrastive_loss, negative_counts
from ssl_models.baselines.essl.teacher import momentum
from ssl_models.interface import LossAndMetrics
from ssl_models.parts.frontend import silence_padding

LOWER = StageConfig((12, 16, 16), (5, 5, 1), (2, 2, 1), 1, 2, 24)
UPPER = StageConfig((24, 32), (5, 1), (2, 1), 2, 4, 48, layer_drop=0.3)
CONFIG = EsslConfig(
    EsslEncoderConfig(LOWER, UPPER, mels=20, position_kernel=8, position_groups=4),
    EsslObjectiveConfig(code_width=16, frequency_width=4),
)
LENGTHS = torch.tensor([32_000, 20_000, 9_000])
FRAMES = [22, 13, 4]


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def batch(garbage: float = 0.0) -> Tensor:
    """Bursts of noise of different colours."""
    waveforms = torch.full((3, 32_000), garbage)
    for i, n in enumerate(LENGTHS.tolist()):
        loud = noise(n // 800 + 1, seed=i).repeat_interleave(800)[:n]
        waveforms[i, :n] = 0.1 * loud * noise(n, seed=i + 10).cumsum(0).sin()
    return waveforms


def built(config: EsslConfig = CONFIG, seed: int = 0) -> EsslPretraining:
    torch.manual_seed(seed)
    return EsslPretraining(config)


def step(module: EsslPretraining, waveforms: Tensor, lengths: Tensor | None = LENGTHS, seed: int = 7) -> LossAndMetrics:
    torch.manual_seed(5)  # of dropout
    return module(waveforms, lengths, torch.Generator().manual_seed(seed))


def gradients(module: EsslPretraining) -> dict[str, Tensor]:
    found = {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}
    module.zero_grad(set_to_none=True)
    return found


def slow_loss(
    guesses: Tensor, targets: Tensor, counts: Tensor, frames: list[int], temperature: float
) -> tuple[float, float, int]:
    """-log(e^(cos(g, t) / tau) / sum over t and its negatives), frame by frame and negative by negative; hits and frames."""
    losses, hits = [], []
    for clip, n in enumerate(frames):
        for i in range(n if n > 1 else 0):
            guess = guesses[clip, i].detach().double().numpy()

            def logit(j: int, clip: int = clip, guess: np.ndarray = guess) -> float:
                target = targets[clip, j].detach().double().numpy()
                return float(guess @ target / np.linalg.norm(guess) / np.linalg.norm(target) / temperature)

            drawn = [j for j in range(n) for _ in range(int(counts[clip, i, j]))]
            negatives = [logit(j) for j in drawn]
            losses.append(-math.log(math.exp(logit(i)) / (math.exp(logit(i)) + sum(map(math.exp, negatives)))))
            hits.append(logit(i) > max(negatives))
    return float(np.mean(losses)), float(np.mean(hits)), len(losses)


@pytest.mark.parametrize("negatives", [1, 7, 100])
def test_the_loss_is_that_of_the_formula(negatives: int) -> None:
    """Also with a clip of one frame and one of none, which have nothing to distinguish."""
    frames = [9, 6, 1, 0, 2]
    targets = noise(5, 9, 4, seed=1)
    guesses = targets + noise(5, 9, 4, seed=2)
    counts = negative_counts(torch.tensor(frames), 9, negatives, torch.Generator().manual_seed(0))
    loss, hits = contrastive_loss(guesses, targets, counts, torch.tensor(frames), 0.3)
    expected, accuracy, many = slow_loss(guesses, targets, counts, frames, 0.3)
    assert many == 9 + 6 + 2
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert hits.item() == pytest.approx(accuracy)


def test_the_loss_by_hand() -> None:
    """Three frames: the first two point the same way. Cosines 1 and 0 over 0.5 are logits 2 and 0."""
    codes = torch.tensor([[[3.0, 0.0], [1.0, 0.0], [0.0, 2.0]]])
    counts = torch.tensor([[[0.0, 1, 1], [0, 0, 2], [2, 0, 0]]])
    loss, hits = contrastive_loss(5 * codes, codes, counts, torch.tensor([3]), 0.5)
    e = math.exp(2)
    by_frame = [math.log((e + e + 1) / e), math.log((e + 2) / e), math.log((e + 2) / e)]
    assert loss.item() == pytest.approx(sum(by_frame) / 3, rel=1e-6)
    # A tie is no hit, so that collapsed codes hit nothing.
    assert hits.item() == pytest.approx(2 / 3)


def test_codes_that_are_all_alike_cost_the_logarithm_of_the_choices() -> None:
    alike = torch.ones(1, 20, 4)
    counts = negative_counts(torch.tensor([20]), 20, 100, torch.Generator().manual_seed(0))
    loss, hits = contrastive_loss(alike, alike, counts, torch.tensor([20]), 0.3)
    assert loss.item() == pytest.approx(math.log(101), rel=1e-5)
    assert hits.item() == 0


def test_gradients_are_those_of_the_drawn_negatives() -> None:
    """Against autograd through gathered negatives, as other implementations lay them out."""
    targets, guesses = noise(2, 8, 5, seed=1), noise(2, 8, 5, seed=2).requires_grad_()
    counts = negative_counts(torch.tensor([8, 8]), 8, 12, torch.Generator().manual_seed(0))
    contrastive_loss(guesses, targets, counts, torch.tensor([8, 8]), 0.3)[0].backward()
    assert guesses.grad is not None
    ours, guesses.grad = guesses.grad, None
    index = [[[i, *(j for j in range(8) for _ in range(int(counts[b, i, j])))] for i in range(8)] for b in range(2)]
    candidates = torch.stack([targets[b][torch.tensor(index[b])] for b in range(2)])
    logits = torch.cosine_similarity(guesses[:, :, None], candidates, dim=-1) / 0.3
    nn.functional.cross_entropy(logits.flatten(0, 1), torch.zeros(16, dtype=torch.long)).backward()
    torch.testing.assert_close(ours, guesses.grad, atol=1e-6, rtol=1e-4)


def test_negatives_are_other_frames_of_the_clip_drawn_evenly() -> None:
    frames, negatives = [12, 5, 2], 4_000
    counts = negative_counts(torch.tensor(frames), 12, negatives, torch.Generator().manual_seed(0))
    for clip, n in enumerate(frames):
        seen = counts[clip, :n]
        assert (seen.sum(1) == negatives).all()
        assert not seen[:, n:].any()
        assert not seen[:, :n].diagonal().any()
        expected = negatives / (n - 1)
        others = seen[:, :n][~torch.eye(n, dtype=torch.bool)]
        # Five standard deviations of a binomial count.
        assert float((others - expected).abs().max()) <= 5 * math.sqrt(expected)


def test_the_step_is_made_of_these_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing perturbed: codes from encoder and head by the public interface, negatives as recorded, slow loops."""
    calm = replace(CONFIG.objective, noise_share=0.0, frequency_masks=0, time_mask_share=0.0)
    module = built(replace(CONFIG, objective=calm)).eval()
    with torch.no_grad():
        for parameter in module.teacher.parameters():
            parameter.mul_(1 + 0.3 * noise(*parameter.shape, seed=3))
    recorded: list[Tensor] = []
    draw = negative_counts

    def record(*arguments: object) -> Tensor:
        recorded.append(draw(*arguments))  # type: ignore[arg-type]
        return recorded[-1]

    monkeypatch.setattr(contrastive, "negative_counts", record)
    module.config = replace(module.config, objective=replace(calm, most_shift=0))
    outcome = step(module, batch())
    features = module.encoder(batch(), LENGTHS)
    assert features.lengths.tolist() == FRAMES
    guesses = module.predictor(module.head(features.layers[-1]), features.lengths)
    targets = module.teacher.head(module.teacher.encoder(batch(), LENGTHS).layers[-1])
    expected, accuracy, many = slow_loss(guesses, targets, recorded[0], FRAMES, 0.3)
    assert many == sum(FRAMES)
    assert outcome.loss.item() == pytest.approx(expected, rel=1e-4)
    assert outcome.metrics["contrastive_accuracy"].item() == pytest.approx(accuracy, abs=1e-6)
    last = features.layers[-1].detach().double().numpy()
    valid = np.concatenate([last[i, :n] for i, n in enumerate(FRAMES)])
    assert outcome.metrics["feature_variance"].item() == pytest.approx(float(valid.var(0, ddof=1).mean()), rel=1e-4)


class Echo(nn.Module):
    """A teacher whose code of a frame is what stands in its receptive field: the first of its log-mel frames."""

    def forward(self, spectrum: Tensor, lengths: Tensor | None) -> Tensor:
        self.seen, self.lengths = spectrum, lengths
        frames = (spectrum.shape[1] - 29) // 8 + 1
        return spectrum[:, : 8 * frames : 8]


def test_targets_belong_to_the_students_frames_wherever_the_clip_was_put() -> None:
    module, echo = built(), Echo()
    module.teacher = echo  # type: ignore[assignment]
    spectrum = module.encoder.spectrum(batch(), LENGTHS)
    places = set()
    for seed in range(60):
        targets = module.targets(spectrum, LENGTHS // 160, 22, torch.Generator().manual_seed(seed))
        assert torch.equal(targets, spectrum[:, : 8 * 22 : 8])
        assert echo.seen.shape[1] == 200 + 16 * 8
        assert echo.lengths is not None
        assert echo.lengths.tolist() == [200 + 128, 125 + 128, 56 + 128]
        places |= {int(row.abs().sum(-1).nonzero()[0]) for row in echo.seen}
    assert places == {8 * units for units in range(17)}


def test_the_teacher_is_the_closed_form_of_its_average() -> None:
    """After n steps: the start times all momenta, and each step's student times what is left of it."""
    module = built()
    start = {name: p.detach().double().clone() for name, p in module.encoder.named_parameters()}
    students, kept = [], []
    for i, progress in enumerate((0.0, 0.2, 0.5, 0.9, 1.0)):
        with torch.no_grad():
            for parameter in (*module.encoder.parameters(), *module.head.parameters()):
                parameter.add_(noise(*parameter.shape, seed=i) * 10)
        students.append({name: p.detach().double().clone() for name, p in module.encoder.named_parameters()})
        kept.append(1 - 0.005 * (1 + math.cos(math.pi * progress)) / 2)
        module.after_step(progress)
    for name, parameter in module.teacher.encoder.named_parameters():
        expected = math.prod(kept) * start[name]
        for i, student in enumerate(students):
            expected += (1 - kept[i]) * math.prod(kept[i + 1 :]) * student[name]
        torch.testing.assert_close(parameter.double(), expected, atol=1e-5, rtol=1e-5, msg=name)
        assert (parameter.double() - start[name]).abs().amax() > 1e-3, name


@pytest.mark.parametrize(("progress", "kept"), [(0.0, 0.995), (0.5, 0.9975), (1.0, 1.0), (1.2, 1.0), (-0.1, 0.995)])
def test_momentum_by_hand(progress: float, kept: float) -> None:
    assert momentum(0.995, progress) == pytest.approx(kept, abs=1e-12)


def test_the_teacher_starts_as_the_student_and_learns_from_no_gradient() -> None:
    module = built().train()
    for mine, theirs in zip(module.teacher.encoder.parameters(), module.encoder.parameters(), strict=True):
        assert torch.equal(mine, theirs)
        assert mine is not theirs
    assert torch.equal(module.teacher.head.weight, module.head.weight)
    assert not any(m.training for m in module.teacher.modules())
    module.encoder.layer_drop = 0.0
    step(module, batch()).loss.backward()
    found = gradients(module)
    assert set(found) == {name for name, _ in module.named_parameters() if not name.startswith("teacher.")}
    for name, gradient in found.items():
        assert gradient.isfinite().all(), name
        assert gradient.abs().amax() > 0, name


def test_the_teacher_travels_with_the_weights() -> None:
    module = built()
    step(module, batch()).loss.backward()
    with torch.no_grad():
        for parameter in module.encoder.parameters():
            parameter.add_(1.0)
    module.after_step(0.0)
    other = built(seed=1)
    other.load_state_dict(module.state_dict())
    assert step(other.eval(), batch()).loss.item() == step(module.eval(), batch()).loss.item()


@pytest.mark.parametrize("garbage", [0.5, -1e4, float("nan")])
def test_padded_samples_change_neither_loss_nor_gradients(garbage: float) -> None:
    """To the last bit: nothing that stands past a clip's end is ever read."""
    module, outcomes, found = built(), [], []
    for filling in (0.0, garbage):
        outcomes.append(step(module, batch(filling)))
        outcomes[-1].loss.backward()
        found.append(gradients(module))
    assert torch.equal(outcomes[0].loss, outcomes[1].loss)
    for name, metric in outcomes[0].metrics.items():
        assert torch.equal(metric, outcomes[1].metrics[name]), name
    for name, gradient in found[0].items():
        assert torch.equal(gradient, found[1][name]), name


def test_no_lengths_means_all_valid() -> None:
    module = built()
    whole, said = step(module, batch(), None), step(module, batch(), torch.tensor([32_000] * 3))
    assert whole.loss.item() == pytest.approx(said.loss.item(), rel=1e-5)


def test_the_objective_draws_from_the_generator_given() -> None:
    """In evaluation mode, that is without dropout, from nothing else."""
    module = built().eval()
    torch.manual_seed(0)
    state = torch.random.get_rng_state()
    losses = [module(batch(), LENGTHS, torch.Generator().manual_seed(seed)).loss.item() for seed in (1, 1, 2)]
    assert torch.equal(state, torch.random.get_rng_state())
    assert losses[0] == losses[1] != losses[2]


def test_it_starts_near_chance_and_its_metrics_are_scalars() -> None:
    outcome = step(built(), batch())
    assert outcome.loss.item() == pytest.approx(math.log(101), abs=0.5)
    assert set(outcome.metrics) == {"contrastive_accuracy", "feature_variance"}
    assert all(not metric.requires_grad and metric.ndim == 0 for metric in outcome.metrics.values())


def test_bfloat16_stays_near_float32() -> None:
    module = built().eval()
    full = step(module, batch())
    with torch.autocast("cpu", torch.bfloat16):
        half = step(module, batch())
    half.loss.backward()
    assert half.loss.dtype == torch.float32
    assert half.loss.item() == pytest.approx(full.loss.item(), rel=0.02)
    assert all(gradient.isfinite().all() for gradient in gradients(module).values())


def test_clips_too_short_to_contrast_cost_nothing_and_break_nothing() -> None:
    """Clips of 0 and 1 frames among others, and alone."""
    module = built()
    outcome = step(module, batch(), torch.tensor([32_000, 5_000, 500]))
    outcome.loss.backward()
    assert outcome.loss.isfinite()
    assert all(gradient.isfinite().all() for gradient in gradients(module).values())
    assert step(module, batch()[:, :5_000], torch.tensor([5_000, 4_640, 0])).loss.item() == 0


def test_too_short_a_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="4640 samples, got 4639"):
        step(built(), torch.zeros(1, 4_639), None)


@pytest.mark.slow
@pytest.mark.cc
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # torch's compiler on itself
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # the same, looking at a layer's input
def test_compiled_and_eager_agree(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without dropout, which compiled code draws in its own way."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path_factory.mktemp("inductor")))
    module, results = built().eval(), []
    for compiled in (False, True):
        if compiled:
            module.compile()
        outcome = step(module, batch())
        outcome.loss.backward()
        results.append((outcome.loss.item(), gradients(module)))
    (eager, slow), (fused, fast) = results
    assert fused == pytest.approx(eager, rel=1e-5)
    for name, gradient in slow.items():
        torch.testing.assert_close(fast[name], gradient, atol=1e-5, rtol=1e-3, msg=name)


def test_nothing_is_fitted() -> None:
    module = built()
    assert module.targets_fitted
    assert module.fit_targets([], 0) == {}
    assert module.optimisation is CONFIG.optimisation


def test_loss_falls_on_a_fixed_batch() -> None:
    module = copy.deepcopy(built())
    optimiser = torch.optim.AdamW([p for p in module.parameters() if p.requires_grad], 3e-3)
    waveforms, outcomes = silence_padding(batch(), LENGTHS), []
    for i in range(50):
        outcomes.append(step(module, waveforms, seed=i))
        optimiser.zero_grad()
        outcomes[-1].loss.backward()
        optimiser.step()
        module.after_step(i / 50)
    first, last = (sum(o.loss.item() for o in part) / 8 for part in (outcomes[:8], outcomes[-8:]))
    assert last < first - 0.5
    assert last < math.log(101) - 0.5
    assert outcomes[-1].metrics["feature_variance"].item() > 0.2

"""What holds for every model of the catalogue: one training step, one encoding, a checkpoint; and its count at full size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ssl_benchmarks.counting.flops import fake_tensors, inference_flops, training_flops
from ssl_benchmarks.memory.forecast import forecast_inference, forecast_training
from ssl_benchmarks.profile.closed_form import closed_form
from ssl_models.baselines.best_rq.config import BestRqConfig
from ssl_models.baselines.data2vec.config import Data2VecConfig
from ssl_models.baselines.essl.config import EsslConfig, EsslEncoderConfig, StageConfig
from ssl_models.baselines.melhubert.config import MelHubertConfig
from ssl_models.baselines.wav2vec2.config import HubertObjectiveConfig, Wav2Vec2FamilyConfig
from ssl_models.catalog import CATALOG, card, load_model, pretraining
from ssl_models.efficient.config import EfficientConfig, EncoderConfig
from ssl_models.families import family_of
from ssl_models.interface import Pretraining, SpeechFeatures
from ssl_models.loading.checkpoints import load_weights, read_config, save_pretraining


def reduced(config: Any) -> Any:
    """The same code path at a size that a test can pay for."""
    narrow = {"width": 32, "layers": 2, "heads": 2, "hidden": 48}
    match config:
        case EfficientConfig():
            return replace(config, encoder=EncoderConfig(32, 2, 2, 48), objective=replace(config.objective, clusters=8))
        case EsslConfig():
            lower, upper = (StageConfig((24, 32), (5, 5), (2, 2), 1, 2, 48), StageConfig((32,), (5,), (2,), 2, 2, 48))
            encoder = EsslEncoderConfig(lower, upper, mels=40, position_kernel=16, position_groups=4)
            return replace(config, encoder=encoder, objective=replace(config.objective, negatives=5, code_width=16))
        case Wav2Vec2FamilyConfig(objective=HubertObjectiveConfig()):
            objective: Any = replace(config.objective, clusters=8, code_width=16)
        case Wav2Vec2FamilyConfig():
            objective = replace(config.objective, entries=8, code_width=16, projected_width=16, negatives=5)
        case Data2VecConfig():
            objective = replace(config.objective, top_layers=2)
        case MelHubertConfig():
            objective = replace(config.objective, clusters=8)
        case BestRqConfig():
            objective = replace(config.objective, entries=8)
        case _:
            raise AssertionError(f"no reduced size for {config}")
    positions = {"position_groups": 4, **({"conv_widths": (16,) * 7} if hasattr(config.encoder, "conv_widths") else {})}
    return replace(config, encoder=replace(config.encoder, **narrow, **positions), objective=objective)


def built(name: str) -> Any:
    config = reduced(CATALOG[name])
    torch.manual_seed(0)
    return family_of(config).pretraining(config)


def noise(clips: int, samples: int) -> torch.Tensor:
    return torch.randn(clips, samples, generator=torch.Generator().manual_seed(1)) * 0.1


def fitted(module: Any) -> Any:
    if not module.targets_fitted:
        draw = np.random.default_rng(0)
        module.fit_targets(iter([draw.standard_normal(32_000).astype(np.float32) * 0.1 for _ in range(3)]), seed=0)
    assert module.targets_fitted
    return module


@pytest.mark.parametrize("name", CATALOG)
@pytest.mark.parametrize("padded", [False, True], ids=["whole", "padded"])
def test_a_training_step_changes_what_is_learned(name: str, *, padded: bool) -> None:
    """Finite loss and metrics, a gradient for all that is learned but what a draw left out, and new weights after the step."""
    module: Pretraining = fitted(built(name)).train()
    learned = {key: p for key, p in module.named_parameters() if p.requires_grad}  # type: ignore[attr-defined]
    before = {key: p.detach().clone() for key, p in learned.items()}
    optimiser = torch.optim.AdamW(learned.values(), lr=1e-2)
    lengths = torch.tensor([32_000, 20_000]) if padded else None
    outcome = module(noise(2, 32_000), lengths, torch.Generator().manual_seed(2))
    outcome.loss.backward()
    optimiser.step()
    module.after_step(0.5)
    assert outcome.loss.isfinite()
    assert all(value.isfinite() and not value.requires_grad for value in outcome.metrics.values())
    assert outcome.metrics["feature_variance"] > 0
    moved = [key for key, p in learned.items() if not torch.equal(p, before[key])]
    assert len(moved) > 0.6 * len(learned), set(learned) - set(moved)
    assert module.optimisation == CATALOG[name].optimisation


@pytest.mark.parametrize("name", CATALOG)
def test_an_encoding_is_layers_of_frames(name: str) -> None:
    config = reduced(CATALOG[name])
    encoder = family_of(config).encoder(config).eval()
    lengths = torch.tensor([32_000, 20_000])
    with torch.no_grad():
        found = encoder(noise(2, 32_000), lengths)
    assert isinstance(found, SpeechFeatures)
    assert len(found.layers) >= 3
    assert {layer.ndim for layer in found.layers} == {3}
    assert {layer.shape[:2] for layer in found.layers} == {(2, int(found.lengths[0]))}
    assert found.frame_rate == config.encoder.frame_rate == card(name).frame_rate
    assert all(abs(int(n) - s / 16_000 * found.frame_rate) < 4 for n, s in zip(found.lengths, lengths, strict=True))
    assert encoder.attention in {"sdpa", "eager"}


@pytest.mark.parametrize("name", CATALOG)
def test_a_checkpoint_brings_everything_back(name: str, tmp_path: Path) -> None:
    module = fitted(built(name)).eval()
    save_pretraining(module, name, module.config, tmp_path)
    trained, config = read_config(tmp_path)
    assert (trained, config) == (name, module.config)
    again = family_of(config).pretraining(config).eval()
    load_weights(again, tmp_path)
    outcomes = [m(noise(1, 16_000), None, torch.Generator().manual_seed(3)).loss for m in (module, again)]
    assert torch.equal(*outcomes)


ONE_OF_EACH = (
    "efficient-tiny", "essl-tiny", "wav2vec2-tiny", "hubert-base", "wavlm-base", "data2vec-audio-base", "melhubert-tiny",
    "best-rq-tiny",
)  # fmt: skip
FULL_SIZE = [pytest.param(name, marks=[pytest.mark.slow] * (name not in ONE_OF_EACH)) for name in CATALOG]


@pytest.mark.parametrize("name", FULL_SIZE)
def test_at_full_size_it_is_counted_without_weights(name: str) -> None:
    """FLOPs equal to the closed form."""
    form = closed_form(name)
    assert form is not None
    assert form.training is not None
    inference = inference_flops(lambda: load_model(name), 3.7)
    training = training_flops(lambda: pretraining(name), 3.7)
    assert inference.macs == pytest.approx(form.inference(59_200), rel=1e-3)
    assert training.flops / 2 == pytest.approx(form.training(59_200), rel=1e-3)
    assert not inference.suspects
    assert not training.suspects


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in {"essl", "hubert-base"})) for name in CATALOG]
)
def test_at_full_size_its_memory_holds_weights_gradients_and_optimiser_state(name: str) -> None:
    with fake_tensors():
        learned = sum(p.numel() for p in pretraining(name).parameters() if p.requires_grad)
    idle = forecast_inference(lambda: load_model(name), 3.7, device="cuda").peak.value or 0
    busy = forecast_training(lambda: pretraining(name), 3.7, device="cuda").peak.value or 0
    assert idle > 4 * card(name).parameters
    assert busy > 16 * learned


@pytest.mark.parametrize("name", CATALOG)
def test_it_trains_under_bfloat16(name: str) -> None:
    """Autocast changes the loss a little and keeps every gradient finite."""
    module = fitted(built(name)).eval()
    losses = []
    for precise in (True, False):
        with torch.autocast("cpu", torch.bfloat16, enabled=not precise):
            losses.append(module(noise(2, 32_000), None, torch.Generator().manual_seed(2)).loss)
    losses[1].backward()
    assert losses[1].dtype == torch.float32
    assert losses[1].item() == pytest.approx(losses[0].item(), rel=0.1)
    assert all(p.grad is None or p.grad.isfinite().all() for p in module.parameters())


@pytest.mark.parametrize("name", CATALOG)
def test_padding_leaks_only_where_the_card_says_so(name: str) -> None:
    """The same clip alone and in a padded batch gives the same frames, unless the architecture's norm spans the clip."""
    config = reduced(CATALOG[name])
    torch.manual_seed(0)
    encoder = family_of(config).encoder(config).eval()
    lengths = torch.tensor([32_000, 20_000])
    with torch.no_grad():
        alone, together = encoder(noise(2, 32_000)[1:, :20_000]), encoder(noise(2, 32_000), lengths)
    frames = int(together.lengths[1])
    assert frames == int(alone.lengths[0])
    gap = max(
        float((a[0, :frames] - b[1, :frames]).abs().max()) for a, b in zip(alone.layers, together.layers, strict=True)
    )
    if "padding leaks" in card(name).about:
        assert gap > 1e-5
    else:
        assert gap < 1e-4

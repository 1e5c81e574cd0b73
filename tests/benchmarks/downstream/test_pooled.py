"""Utterances as one vector, and the head that classifies them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.downstream import pooled as module
from ssl_benchmarks.downstream.features import Frames, LayerMix
from ssl_benchmarks.downstream.pooled import Chosen, Classifier, Examples, PooledHead, learn, mean_loss, pooled

CPU = torch.device("cpu")


def test_utterances_are_the_means_of_their_frames() -> None:
    """Against numpy; one without frames and one with an infinity have none."""
    draw = np.random.default_rng(0)
    arrays = [draw.standard_normal((n, 2, 3)).astype(np.float16) for n in (4, 0, 9, 1)]
    arrays[2][3, 1, 0] = np.inf
    means, places = pooled(Frames(tuple(map(torch.from_numpy, arrays)), 25.0))
    assert places == [0, 3]
    np.testing.assert_allclose(means, [arrays[i].astype(float).mean(0) for i in places], rtol=1e-6)


def test_nothing_is_pooled_from_nothing() -> None:
    means, places = pooled(Frames((torch.zeros(0, 2, 3),), 25.0))
    assert (len(means), places) == (0, [])


@given(st.lists(st.integers(0, 4), max_size=6))
def test_chosen_utterances_are_read_at_access(places: list[int]) -> None:
    utterances = [torch.full((i + 1, 1, 1), i) for i in range(5)]
    assert [int(u[0]) for u in Chosen(utterances, places)] == places
    assert len(Chosen(utterances, places)) == len(places)


def test_the_head_gives_what_mixing_frame_by_frame_gives() -> None:
    """Pooling first is no other model: mix the frames, average them, then the linear map."""
    torch.manual_seed(0)
    frames = Frames(tuple(torch.randn(n, 3, 4) * 3 + 1 for n in (5, 8)), 25.0)
    head = PooledHead(LayerMix.fitted(frames), 2)
    with torch.no_grad():
        head.mix.weights.copy_(torch.tensor([0.5, -1.0, 1.0]))
        expected = torch.stack([head.output(head.mix(u).mean(0)) for u in frames.utterances])
        torch.testing.assert_close(head(pooled(frames)[0]), expected, atol=1e-5, rtol=1e-5)


def flat(width: int, layers: int = 1) -> LayerMix:
    """Statistics that change nothing."""
    return LayerMix(torch.zeros(layers, width), torch.ones(layers, width))


def clouds(count: int, seed: int, spread: float = 1.0, classes: int = 4) -> Examples:
    """Classes around corners, in the second of two layers; the first holds noise."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, classes, count)
    corners = np.random.default_rng(99).standard_normal((classes, 6)) * 2
    features = np.stack(
        [draw.standard_normal((count, 6)), corners[labels] + spread * draw.standard_normal((count, 6))], 1
    )
    return Examples(torch.from_numpy(features).float(), torch.from_numpy(labels))


@pytest.mark.parametrize("batch", [512, 64])
def test_it_learns_what_logistic_regression_learns(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accuracy and loss on new data within a little of scikit-learn's, which sees the layer that matters."""
    from sklearn.linear_model import LogisticRegression

    monkeypatch.setattr(module, "BATCH", batch)
    monkeypatch.setattr(module, "UPDATES", 150)
    train, dev, test = clouds(300, 0, 2.0), clouds(300, 1, 2.0), clouds(1_000, 2, 2.0)
    found = learn(flat(6, 2), train, dev, CPU, 0)
    oracle = LogisticRegression().fit(train.features[:, 1].numpy(), train.labels.numpy())
    expected = oracle.score(test.features[:, 1].numpy(), test.labels.numpy())
    assert 0.5 < expected < 0.95
    assert float((found.classes(test.features) == test.labels).double().mean()) == pytest.approx(expected, abs=0.03)
    expected_loss = -np.log(oracle.predict_proba(test.features[:, 1].numpy())[np.arange(1_000), test.labels]).mean()
    assert mean_loss(found.head, test) == pytest.approx(expected_loss, rel=0.1)
    assert found.head.mix.weights.softmax(0)[1] > 0.8
    assert found.converged
    assert found.seen == (len(found.dev_losses) + 1) * 150 * min(batch, 300)


def test_the_rate_is_the_one_that_is_best_on_dev(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UPDATES", 60)
    found = learn(flat(6, 2), clouds(100, 0, 2.0), clouds(100, 1, 2.0), CPU, 0)
    assert found.dev_losses[found.rate] == min(found.dev_losses.values())
    assert found.dev_losses[found.rate] == pytest.approx(mean_loss(found.head, clouds(100, 1, 2.0)))
    assert found.loss == pytest.approx(mean_loss(found.head, clouds(100, 0, 2.0)))


def test_features_that_tell_nothing_do_not_converge(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same noise for every class: no better than the control on shuffled classes, after all updates."""
    monkeypatch.setattr(module, "UPDATES", 100)
    draw = torch.Generator().manual_seed(0)
    train, dev = (Examples(torch.randn(400, 1, 3, generator=draw), torch.arange(400) % 4) for _ in range(2))
    found = learn(flat(3), train, dev, CPU, 0)
    assert not found.converged
    assert found.control_loss == pytest.approx(math.log(4), rel=0.05)


@pytest.mark.parametrize(("loss", "converged"), [(0.94, True), (0.96, False), (float("nan"), False)])
def test_a_head_is_held_against_its_control(loss: float, *, converged: bool) -> None:
    assert Classifier(torch.nn.Identity(), 1.0, {}, loss, 1.0, 1).converged is converged


def test_a_loss_that_is_not_finite_is_none_in_the_record() -> None:
    """Records are strict JSON."""
    details = Classifier(torch.nn.Identity(), 0.1, {0.1: 2.0, 1.0: math.inf}, math.nan, math.inf, 8).details
    assert details == {
        "learning_rate": 0.1, "dev_losses": {"0.1": 2.0, "1": None}, "train_loss": None, "random_label_loss": None,
        "utterances_learned_from": 8,
    }  # fmt: skip


def test_the_seed_decides_and_nothing_else_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UPDATES", 60)
    mix, state = flat(6, 2), torch.random.get_rng_state()
    one, same, other = (learn(mix, clouds(60, 0), clouds(60, 1), CPU, seed) for seed in (3, 3, 4))
    assert (one.rate, one.dev_losses, one.loss, one.control_loss) == (
        same.rate, same.dev_losses, same.loss, same.control_loss,
    )  # fmt: skip
    assert one.control_loss != other.control_loss
    assert mix.weights.tolist() == [0.0, 0.0]
    assert torch.equal(torch.random.get_rng_state(), state)


@given(st.integers(1, 40), st.integers(1, 40))
def test_every_update_has_as_many_utterances_and_no_pass_repeats_one(count: int, batch: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BATCH", batch)
        batches = module._batches(count, 0)
        size = min(count, batch)
        one_pass = [next(batches).tolist() for _ in range(count // size)]
    assert {len(part) for part in one_pass} == {size}
    assert len({i for part in one_pass for i in part}) == count // size * size

"""Learning with CTC: the loss by brute force, the batches, the control, and that the seed decides."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import jiwer
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from ssl_benchmarks.downstream.features import Frames, LayerMix
from ssl_benchmarks.downstream.recognition import ctc_learning
from ssl_benchmarks.downstream.recognition.ctc_learning import (
    Labelled,
    Learned,
    Schedule,
    learn,
    log_probabilities,
    mean_loss,
    outputs_needed,
)
from ssl_benchmarks.downstream.recognition.recognisers import FrozenRecogniser, LinearHead, WholeRecogniser
from ssl_benchmarks.downstream.recognition.symbols import ALPHABET, BLANK, CHARACTERS
from ssl_models.efficient.config import EncoderConfig
from ssl_models.efficient.encoder import EfficientEncoder
from ssl_models.optimisation import OptimisationConfig

OPTIMISATION = OptimisationConfig(betas=(0.9, 0.999), weight_decay=0.0, clip=1e9, warmup=0.0, schedule="cosine")
SHORT = Schedule(4.0, 8.0, 3e-2, OPTIMISATION)


def sentences(count: int, seed: int) -> list[str]:
    draw = np.random.default_rng(seed)
    letters = list(ALPHABET.strip())
    return [" ".join("".join(draw.choice(letters, draw.integers(2, 6))) for _ in range(4)) for _ in range(count)]


def toy(texts: list[str], seed: int, *, tells: bool = True) -> Labelled:
    """Characters one-hot, each held for two frames and then silence; the second layer is noise, as is everything without a signal."""
    draw = torch.Generator().manual_seed(seed)
    utterances = []
    for text in texts:
        hot = F.one_hot(CHARACTERS.encode(text), len(ALPHABET) + 1).float()
        silence = F.one_hot(torch.zeros(len(hot), dtype=torch.long), len(ALPHABET) + 1).float()
        frames = torch.stack([hot, hot, silence], dim=1).flatten(0, 1)
        noise = [torch.randn(frames.shape, generator=draw) for _ in range(2)]
        utterances.append(torch.stack([frames if tells else noise[0], noise[1]], dim=1).half())
    return Labelled(utterances, [len(u) / 25 for u in utterances], [CHARACTERS.encode(t) for t in texts])


def builder(train: Labelled, seed: int = 0) -> Callable[[], nn.Module]:
    mix = LayerMix.fitted(Frames(train.utterances, 25.0))

    def build() -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return FrozenRecogniser(copy.deepcopy(mix), LinearHead(len(ALPHABET) + 1, len(ALPHABET), 25.0))

    return build


def read(recogniser: nn.Module, data: Labelled) -> list[str]:
    found = log_probabilities(recogniser, data.utterances, "float32")
    return ["".join(CHARACTERS.merged(one.argmax(-1).tolist())) for one in found]


def test_a_toy_task_is_learned() -> None:
    """Sentences never seen are spelled right, the noise layer is weighed down, the shuffled control is far behind."""
    train, dev, texts = toy(sentences(40, 0), 0), toy(sentences(10, 1), 1), sentences(10, 2)
    learned = learn(builder(train), train, dev, Schedule(8.0, 12.0, 0.1, OPTIMISATION), 0)
    assert jiwer.cer(texts, read(learned.recogniser, toy(texts, 2))) < 0.05
    weights = learned.recogniser.mix.weights.softmax(0)
    assert weights[0] > 1.5 * weights[1]
    assert learned.converged
    assert learned.loss < 0.5 * learned.control_loss
    assert learned.dev_losses[learned.rate] == min(learned.dev_losses.values())
    audio = sum(train.seconds)
    assert learned.seconds_heard == pytest.approx((8 * len(learned.dev_losses) + 8) * audio, rel=0.05)
    assert mean_loss(learned.recogniser, dev, SHORT) == pytest.approx(learned.dev_losses[learned.rate]), (
        "the best is kept"
    )


def test_the_search_for_a_rate_ends_with_the_time() -> None:
    """Two rates are tried whatever the time; that the search was cut short is said."""
    train = toy(sentences(4, 0), 1)
    late = learn(builder(train), train, train, replace(SHORT, left=lambda: 0.0), 0)
    assert len(late.dev_losses) == 2
    assert late.cut_short
    assert not learn(builder(train), train, train, SHORT, 0).cut_short


def test_nothing_is_learned_from_noise() -> None:
    """Features without the characters teach no more than the control learns, and no text is read from them."""
    train, dev, texts = (toy(sentences(50, i), i, tells=False) for i in (0, 1)), sentences(10, 2), sentences(10, 2)
    one, other = train
    learned = learn(builder(one), one, other, Schedule(4.0, 8.0, 3e-2, OPTIMISATION), 0)
    assert learned.loss == pytest.approx(learned.control_loss, rel=0.06)
    assert not learned.converged
    assert jiwer.cer(dev, read(learned.recogniser, toy(texts, 2, tells=False))) > 0.7


def test_the_seed_decides_and_torchs_generator_is_left_alone() -> None:
    train, state = toy(sentences(6, 0), 0), torch.random.get_rng_state()
    one, same, other = (learn(builder(train, s), train, train, SHORT, s) for s in (3, 3, 4))
    for a, b in zip(one.recogniser.parameters(), same.recogniser.parameters(), strict=True):
        assert torch.equal(a, b)
    assert (one.rate, one.dev_losses, one.loss, one.control_loss) == (
        same.rate,
        same.dev_losses,
        same.loss,
        same.control_loss,
    )
    assert not torch.equal(one.recogniser.head.output.weight, other.recogniser.head.output.weight)
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("rate", [1e-3, math.inf])
def test_a_recogniser_in_use_is_in_evaluation_mode(rate: float) -> None:
    """Also one whose steps were all refused, since its gradients were no numbers."""
    train = toy(sentences(4, 0), 0)
    found, loss, seconds = ctc_learning._trained(builder(train)(), train, SHORT, min(rate, 1e-3), 0, too_long=set())
    assert not found.training
    assert math.isfinite(loss)
    assert seconds == pytest.approx(4 * sum(train.seconds))


class Still(nn.Module):
    """Gives each utterance as its own log-probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, utterances: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        padded = nn.utils.rnn.pad_sequence(list(utterances), batch_first=True, padding_value=7.0)
        return (padded * self.weight).log_softmax(-1), torch.tensor([len(u) for u in utterances])


def spelled(chances: np.ndarray, target: list[int]) -> float:
    """Chance of a text: the sum over all paths that spell it."""
    total = 0.0
    for path in itertools.product(range(chances.shape[1]), repeat=len(chances)):
        if [s for s, _ in itertools.groupby(path) if s != BLANK] == target:
            total += float(np.prod([chances[t, s] for t, s in enumerate(path)]))
    return total


@given(
    st.lists(st.tuples(st.integers(2, 4), st.lists(st.integers(1, 2), min_size=1, max_size=2)), min_size=1, max_size=3)
)
def test_ctc_loss_by_brute_force(drawn: list[tuple[int, list[int]]]) -> None:
    """Utterances of different lengths in one padded batch, per symbol; a text that no path spells counts nothing."""
    utterances = [torch.randn(n, 3, generator=torch.Generator().manual_seed(n)) for n, _ in drawn]
    targets = [target for _, target in drawn]
    chances = [spelled(u.double().softmax(-1).numpy(), t) for u, t in zip(utterances, targets, strict=True)]
    fitting = [i for i, chance in enumerate(chances) if chance > 0]
    symbols = sum(len(targets[i]) for i in fitting)
    expected = -sum(math.log(chances[i]) for i in fitting)
    data = Labelled(utterances, [1.0] * len(drawn), [torch.tensor(t) for t in targets])
    too_long: set[int] = set()
    summed, counted = ctc_learning._loss(Still(), data, range(len(drawn)), "float32", too_long)
    assert float(summed.detach()) == pytest.approx(expected, rel=1e-4)
    assert counted == symbols
    assert too_long == set(range(len(drawn))) - set(fitting)
    mean = expected / symbols if symbols else math.inf
    assert mean_loss(Still(), data, Schedule(1.0, 2.0, 1.0, OPTIMISATION)) == pytest.approx(mean, rel=1e-4)


def test_a_text_longer_than_its_outputs_teaches_nothing() -> None:
    recogniser = Still()
    data = Labelled([torch.randn(2, 29)], [1.0], [CHARACTERS.encode("ABCD")])
    loss, symbols = ctc_learning._loss(recogniser, data, [0], "float32", set())
    loss.backward()
    assert loss.item() == symbols == 0
    assert recogniser.weight.grad is not None
    assert not recogniser.weight.grad.any()


@pytest.mark.parametrize(("text", "outputs"), [("", 0), ("A", 1), ("AB", 2), ("AA", 3), ("AAA", 5), ("ABBA", 5)])
def test_equal_neighbours_need_a_blank_between(text: str, outputs: int) -> None:
    assert outputs_needed(CHARACTERS.encode(text)) == outputs


def cut(data: Labelled, which: slice) -> Labelled:
    """The same, of which some have no more than two frames."""
    chosen = set(range(len(data.targets))[which])
    return replace(data, utterances=[u[:2] if i in chosen else u for i, u in enumerate(data.utterances)])


@pytest.mark.parametrize("which", [slice(0, 3), slice(None, None, 2), slice(5, 6)])
def test_what_cannot_be_spelled_makes_no_loss_look_better(which: slice) -> None:
    """Losses on train and dev are those of the texts that can be; the others are counted."""
    train, dev = toy(sentences(12, 0), 0), toy(sentences(12, 1), 1)
    learned = learn(builder(train), cut(train, which), cut(dev, which), SHORT, 0)
    count = len(range(12)[which])
    assert learned.too_long == {"train": count, "dev": count}
    left = [i for i in range(12) if i not in range(12)[which]]
    alone = Labelled(*([getattr(dev, name)[i] for i in left] for name in ("utterances", "seconds", "targets")))
    assert learned.dev_losses[learned.rate] == pytest.approx(mean_loss(learned.recogniser, alone, SHORT), rel=1e-3)


def test_where_nothing_can_be_spelled_there_is_no_loss() -> None:
    """None in the record, and not 0; nothing counts as learned."""
    train = cut(toy(sentences(4, 0), 0), slice(None))
    learned = learn(builder(train), train, train, SHORT, 0)
    assert learned.too_long == {"train": 4, "dev": 4}
    assert learned.losses["train_loss"] is None
    assert set(learned.losses["dev_losses"].values()) == {None}
    assert not learned.converged


@given(st.lists(st.floats(0.05, 60), min_size=1, max_size=40), st.floats(1, 100))
def test_batches_hold_every_utterance_once_and_like_lengths_together(seconds: list[float], most: float) -> None:
    nothing = [torch.zeros(0)] * len(seconds)
    batches = Labelled(nothing, seconds, nothing).batches(most)
    assert sorted(i for batch in batches for i in batch) == list(range(len(seconds)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(seconds[i] for i in batch) <= most
    ordered = [seconds[i] for batch in batches for i in batch]
    assert ordered == sorted(ordered)


def test_the_control_has_the_same_texts_for_others() -> None:
    data = toy(sentences(30, 0), 0)
    control = data.shuffled(1)
    assert control.utterances is data.utterances
    assert sorted(t.tolist() for t in control.targets) == sorted(t.tolist() for t in data.targets)
    assert sum(torch.equal(a, b) for a, b in zip(control.targets, data.targets, strict=True)) < 5
    assert [t.tolist() for t in data.shuffled(1).targets] == [t.tolist() for t in control.targets]


@pytest.mark.parametrize(
    ("loss", "control", "converged"),
    [(0.94, 1.0, True), (0.96, 1.0, False), (math.nan, 1.0, False), (math.inf, math.inf, False)],
)
def test_a_recogniser_is_held_against_its_control(loss: float, control: float, *, converged: bool) -> None:
    assert Learned(nn.Identity(), 1.0, {}, loss, control, 1.0).converged is converged


def test_a_whole_encoder_learns_and_the_one_handed_in_does_not() -> None:
    """Its copies move in every part; sixteen clips are learned better than their control learns."""
    torch.manual_seed(0)
    encoder = EfficientEncoder(EncoderConfig(32, 1, 2, 64)).eval()
    before = {name: p.clone() for name, p in encoder.state_dict().items()}
    draw = np.random.default_rng(0)
    waves = [torch.from_numpy(draw.standard_normal(24_000) * 0.1).float() for _ in range(6)]
    data = Labelled(waves, [1.5] * 6, [CHARACTERS.encode(t) for t in sentences(6, 0)])

    def build() -> nn.Module:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return WholeRecogniser(copy.deepcopy(encoder), LinearHead(32, len(ALPHABET), 25.0), 32)

    learned = learn(build, data, data, Schedule(6.0, 3.0, 1e-3, OPTIMISATION), 0)
    assert all(torch.equal(before[name], p) for name, p in encoder.state_dict().items())
    moved = dict(learned.recogniser.encoder.named_parameters())
    assert all(not torch.equal(before[name], p) for name, p in moved.items())


def test_bfloat16_learns_the_same_within_its_precision() -> None:
    train = toy(sentences(16, 0), 0)
    full, half = (
        ctc_learning._trained(
            builder(train)(), train, Schedule(4.0, 8.0, 1e-2, OPTIMISATION, p), 1e-2, 0, too_long=set()
        )
        for p in ("float32", "bfloat16")
    )
    assert half[1] == pytest.approx(full[1], rel=0.02)
    (one,) = log_probabilities(half[0], train.utterances[:1], "bfloat16")
    assert one.dtype == torch.float32

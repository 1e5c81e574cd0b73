"""Characters from frozen features: the text, the decoding, and that a toy task is learned."""

from __future__ import annotations

import itertools

import jiwer
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from benchmarks.downstream import ctc
from benchmarks.downstream.ctc import CharacterProbe, encode, train_probe
from benchmarks.downstream.features import Frames
from benchmarks.downstream.heads import LayerMix
from benchmarks.downstream.symbols import ALPHABET, BLANK, normalise

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Hello,  World!", "HELLO WORLD"),
        ("don't stop", "DON'T STOP"),
        ("\tA\nB ", "A B"),
        ("42 is 6x7", "IS X"),
        ("mother-in-law", "MOTHER IN LAW"),
        ("", ""),
        ("...", ""),
    ],
)
def test_text_by_hand(text: str, kept: str) -> None:
    assert normalise(text) == kept


@given(st.text())
def test_normal_text_is_of_the_alphabet_and_stays_as_it_is(text: str) -> None:
    normal = normalise(text)
    assert set(normal) <= set(ALPHABET)
    assert "  " not in normal
    assert normal == normal.strip() == normalise(normal)
    assert encode(normal).tolist() == [" 'ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(c) + 1 for c in normal]


def path_of(text: str) -> list[int]:
    """A path written with "-" for the blank."""
    return [BLANK if c == "-" else ALPHABET.index(c) + 1 for c in text]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("", ""),
        ("---", ""),
        ("AAB", "AB"),
        ("A-A", "AA"),
        ("-AA--B  C-", "AB C"),
        ("HHEE-L-LLOO", "HELLO"),
        (" A ", "A"),
    ],
)
def test_greedy_decoding_by_hand(path: str, text: str) -> None:
    assert ctc._merged(path_of(path)) == text


@given(st.lists(st.integers(0, len(ALPHABET)), max_size=30))
def test_greedy_decoding_merges_then_drops(path: list[int]) -> None:
    """The rule of Graves et al. as itertools writes it."""
    kept = [symbol for symbol, _ in itertools.groupby(path) if symbol != BLANK]
    assert ctc._merged(path) == "".join(ALPHABET[symbol - 1] for symbol in kept).strip()


def toy(sentences: list[str], seed: int, repeat: int = 2, rate: float = 25.0) -> Frames:
    """One-hot characters, each held for `repeat` frames and followed by silence; the second layer is noise."""
    draw = torch.Generator().manual_seed(seed)
    utterances = []
    for sentence in sentences:
        hot = F.one_hot(encode(sentence), len(ALPHABET) + 1).float()
        silence = F.one_hot(torch.zeros(len(hot), dtype=torch.long), len(ALPHABET) + 1).float()
        frames = torch.stack([*[hot] * repeat, silence], dim=1).flatten(0, 1)
        utterances.append(torch.stack([frames, torch.randn(frames.shape, generator=draw)], dim=1).half())
    return Frames(tuple(utterances), rate)


def sentences(count: int, seed: int) -> list[str]:
    draw = np.random.default_rng(seed)
    letters = list(ALPHABET.strip())
    return [" ".join("".join(draw.choice(letters, draw.integers(2, 6))) for _ in range(4)) for _ in range(count)]


def test_a_toy_task_is_learned() -> None:
    """From one-hot characters, sentences never seen are spelled right, and the noise layer is weighed down."""
    train, test = sentences(200, 0), sentences(20, 1)
    probe = train_probe(toy(train, 0), train, CPU, 0)
    heard = probe.transcribe(toy(test, 1))
    assert jiwer.cer(test, heard) < 0.05  # twelve epochs of so few sentences end here; what is left is doubled letters
    weights = probe.mix.weights.softmax(0)
    assert weights[0] > 2 * weights[1]


def test_nothing_is_learned_from_noise() -> None:
    """The control: without the characters in the features, the error stays near one."""
    train, test = sentences(60, 0), sentences(10, 1)
    frames = [Frames(tuple(u[:, 1:] for u in toy(part, i).utterances), 25.0) for i, part in enumerate((train, test))]
    assert jiwer.cer(test, train_probe(frames[0], train, CPU, 0).transcribe(frames[1])) > 0.7


def test_the_seed_decides_the_probe() -> None:
    train = sentences(20, 0)
    state = torch.random.get_rng_state()
    one, two, other = (train_probe(toy(train, 0), train, CPU, seed).output.weight for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize(("rate", "slots"), [(50.0, 1), (25.0, 1), (12.5, 2), (10.0, 3)])
def test_slow_encoders_speak_for_several_slots(rate: float, slots: int) -> None:
    """At least 25 outputs a second, whatever the frame rate."""
    train = sentences(3, 0)
    probe = train_probe(toy(train, 0, rate=rate), train, CPU, 0)
    assert probe.slots == slots
    assert probe(torch.zeros(2, 7, 2, 29)).shape == (2, 7 * slots, 29)


def probe_of(slots: int = 1) -> CharacterProbe:
    torch.manual_seed(0)
    return CharacterProbe(LayerMix(torch.zeros(2, 5), torch.ones(2, 5)), 25.0 / slots)


def test_outputs_are_probabilities() -> None:
    probabilities = probe_of(2)(torch.randn(3, 4, 2, 5)).exp().sum(-1)
    torch.testing.assert_close(probabilities, torch.ones(3, 8))


def test_ctc_loss_by_brute_force() -> None:
    """The sum over all paths that spell the text, of utterances of different lengths in one padded batch, per character."""
    probe = probe_of()
    features = [torch.randn(n, 2, 5, generator=torch.Generator().manual_seed(n)) for n in (3, 4)]
    targets = [encode("AB"), encode("A")]
    expected = 0.0
    for utterance, target in zip(features, targets, strict=True):
        chances = probe(utterance[None])[0].detach().double().exp().numpy()
        spelled = 0.0
        for path in itertools.product((BLANK, *target.tolist()), repeat=len(utterance)):
            if [s for s, _ in itertools.groupby(path) if s != BLANK] == target.tolist():
                spelled += float(np.prod([chances[t, s] for t, s in enumerate(path)]))
        expected -= float(np.log(spelled))
    assert ctc._loss(probe, features, targets, CPU).item() == pytest.approx(expected / 3, rel=1e-5)


def test_a_text_longer_than_its_slots_counts_nothing() -> None:
    probe = probe_of()
    loss = ctc._loss(probe, [torch.randn(2, 2, 5)], [encode("ABCD")], CPU)
    loss.backward()
    assert loss.item() == 0
    assert probe.output.weight.grad is not None
    assert not probe.output.weight.grad.any()


@given(st.lists(st.integers(1, 1500), min_size=1, max_size=40))
def test_batches_hold_every_utterance_once_and_like_lengths_together(lengths: list[int]) -> None:
    frames = Frames(tuple(torch.zeros(n, 1, 1) for n in lengths), 25.0)
    batches = ctc._batches(frames)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= ctc.BATCH_FRAMES
    ordered = [lengths[i] for batch in batches for i in batch]
    assert ordered == sorted(ordered)

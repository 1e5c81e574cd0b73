"""The product quantiser: what is chosen, what the gradient is, how much of the codebooks is used."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from ssl_models.baselines.wav2vec2.quantiser import GumbelQuantiser, expected_use, gumbel_noise, hard_use, perplexities

CODEBOOKS, ENTRIES, WIDTH = 2, 5, 6


def built(seed: int = 0) -> GumbelQuantiser:
    torch.manual_seed(seed)
    return GumbelQuantiser(4, CODEBOOKS, ENTRIES, WIDTH)


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_without_noise_each_frame_gets_the_entries_of_its_largest_logits() -> None:
    """A loop over frames and codebooks."""
    quantiser, features = built(), draw(2, 7, 4)
    found = quantiser(features, None, torch.tensor(1.0))
    weight, bias = quantiser.to_logits.weight.detach().numpy(), quantiser.to_logits.bias.detach().numpy()
    for clip in range(2):
        for frame in range(7):
            logits = (weight @ features[clip, frame].numpy() + bias).reshape(CODEBOOKS, ENTRIES)
            codes = logits.argmax(1)
            assert found.codes[clip, frame].tolist() == codes.tolist()
            np.testing.assert_allclose(found.logits[clip, frame].detach(), logits, atol=1e-5)
            parts = [quantiser.entries[book, code].tolist() for book, code in enumerate(codes)]
            assert found.vectors[clip, frame].tolist() == parts[0] + parts[1]


def test_with_noise_it_is_torchs_gumbel_softmax(monkeypatch: pytest.MonkeyPatch) -> None:
    """Choice and gradients, with torch's draw replaced by ours."""
    quantiser, features = built(), draw(3, 4).requires_grad_()
    noise = gumbel_noise((3, CODEBOOKS, ENTRIES), torch.Generator().manual_seed(1), torch.device("cpu"))
    monkeypatch.setattr(Tensor, "exponential_", lambda _: torch.exp(-noise))
    found = quantiser(features, noise, torch.tensor(0.7))
    choice = F.gumbel_softmax(found.logits, tau=0.7, hard=True)
    expected = torch.einsum("ngv,gvd->ngd", choice, quantiser.entries).flatten(1)
    torch.testing.assert_close(found.vectors, expected)
    assert torch.equal(found.codes, choice.argmax(-1))
    assert not torch.equal(found.codes, found.logits.argmax(-1))
    seen = [
        torch.autograd.grad(out.square().sum(), features, retain_graph=True)[0] for out in (found.vectors, expected)
    ]
    torch.testing.assert_close(*seen)
    assert seen[0].abs().amax() > 0


def test_without_noise_no_gradient_reaches_the_features() -> None:
    quantiser, features = built(), draw(3, 4).requires_grad_()
    quantiser(features, None, torch.tensor(1.0)).vectors.sum().backward()
    assert features.grad is None
    assert quantiser.entries.grad is not None
    assert quantiser.entries.grad.sum() == 3 * WIDTH


def test_codes_are_drawn_as_often_as_the_softmax_says() -> None:
    """The Gumbel-max rule, whatever the temperature; five standard errors."""
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0, -30.0])
    noise = gumbel_noise((200_000, 5), torch.Generator().manual_seed(0), torch.device("cpu"))
    share = torch.bincount((logits + noise).argmax(-1), minlength=5) / 200_000
    expected = torch.softmax(logits, 0)
    assert float((share - expected).abs().max()) < 5 * math.sqrt(0.25 / 200_000)


def test_noise_has_the_moments_of_gumbels_distribution() -> None:
    """Mean Euler's constant, variance pi^2 / 6; and it is finite for every uniform number."""
    noise = gumbel_noise((1_000_000,), torch.Generator().manual_seed(0), torch.device("cpu")).double()
    assert float(noise.mean()) == pytest.approx(0.57722, abs=0.007)
    assert float(noise.var()) == pytest.approx(math.pi**2 / 6, rel=0.02)
    assert bool(noise.isfinite().all())


def test_the_generator_decides_the_noise() -> None:
    one, two, other = (
        gumbel_noise((4, 3), torch.Generator().manual_seed(seed), torch.device("cpu")) for seed in (1, 1, 2)
    )
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_perplexity_by_hand() -> None:
    """Even use of n entries is n, one entry alone is 1; halves and quarters are 2^1.5."""
    shares = torch.tensor([[0.25] * 4, [1.0, 0.0, 0.0, 0.0], [0.5, 0.25, 0.25, 0.0]])
    assert perplexities(shares).tolist() == pytest.approx([4.0, 1.0, 2**1.5])


def test_use_counts_weighted_frames() -> None:
    """Three frames of which the last does not count: by loops."""
    logits, weight = draw(1, 3, CODEBOOKS, ENTRIES), torch.tensor([[0.5, 0.5, 0.0]])
    soft, hard = expected_use(logits, weight), hard_use(logits, weight)
    for book in range(CODEBOOKS):
        mean = sum(torch.softmax(logits[0, frame, book], 0) for frame in range(2)) / 2
        torch.testing.assert_close(soft[book], mean)
        counted = [0.0] * ENTRIES
        for frame in range(2):
            counted[int(logits[0, frame, book].argmax())] += 0.5
        assert hard[book].tolist() == counted

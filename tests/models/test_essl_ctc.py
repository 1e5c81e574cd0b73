"""essL's fine-tuning head: outputs, padding, and CTC against all alignments written out."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from models.essl.config import CtcHeadConfig
from models.essl.ctc import CtcHead

SMALL = CtcHeadConfig(width=12)


def head_of(config: CtcHeadConfig = SMALL, characters: int = 5) -> CtcHead:
    torch.manual_seed(0)
    return CtcHead(8, characters, config)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_frame_has_four_outputs_of_log_probabilities() -> None:
    out = head_of()(noise(2, 7, 8))
    assert out.shape == (2, 28, 5)
    torch.testing.assert_close(out.exp().sum(-1), torch.ones(2, 28))


def test_upsampling_by_hand() -> None:
    """Each output of a frame has a matrix of its own; without convolutions nothing else is around it."""
    head = head_of(CtcHeadConfig(width=12, convolutions=0)).eval()
    x = noise(1, 3, 8)
    weight, bias = head.upsampling.weight, head.upsampling.bias
    assert bias is not None
    for frame in range(3):
        for part in range(4):
            inner = torch.relu(head.norm(x[0, frame] @ weight[:, :, part] + bias))
            expected = (head.output.weight @ inner + head.output.bias).log_softmax(0)
            torch.testing.assert_close(head(x)[0, 4 * frame + part], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("garbage", [0.0, 3.0, float("nan")])
def test_padding_does_not_reach_a_clip(garbage: float) -> None:
    head, lengths = head_of().eval(), [9, 5, 1]
    padded = torch.full((3, 11, 8), garbage)
    for i, n in enumerate(lengths):
        padded[i, :n] = noise(n, 8, seed=i)
    together = head(padded, torch.tensor(lengths))
    for i, n in enumerate(lengths):
        alone = head(noise(n, 8, seed=i)[None])
        torch.testing.assert_close(together[i, : 4 * n], alone[0], atol=1e-5, rtol=0)


def collapsed(path: tuple[int, ...]) -> list[int]:
    return [c for c, _ in itertools.groupby(path) if c]


def test_the_loss_is_that_of_all_alignments() -> None:
    """4 and 8 outputs of 3 symbols: every path is tried; a text too long is left out; nats per character."""
    head = head_of(characters=3).eval()
    features, frames = noise(3, 2, 8), [2, 1, 1]
    texts = [[1, 2, 2], [2], [1, 1, 1]]
    log_probabilities = head(features, torch.tensor(frames)).detach().double()
    expected, spelled = 0.0, 0
    for row, n, text in zip(log_probabilities, frames, texts, strict=True):
        paths = [path for path in itertools.product(range(3), repeat=4 * n) if collapsed(path) == text]
        if paths:
            expected -= math.log(sum(math.exp(sum(float(row[t, c]) for t, c in enumerate(path))) for path in paths))
            spelled += len(text)
    characters = torch.tensor([[1, 2, 2], [2, 0, 0], [1, 1, 1]])
    loss = head.loss(features, torch.tensor(frames), characters, torch.tensor([3, 1, 3]))
    assert loss.item() == pytest.approx(expected / spelled, rel=1e-5)
    assert spelled == 4


def test_gradients_reach_every_learned_parameter() -> None:
    head = head_of()
    head.loss(noise(2, 6, 8), torch.tensor([6, 4]), torch.tensor([[1, 2], [3, 4]]), torch.tensor([2, 2])).backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().amax() > 0, name


def test_it_learns_a_text() -> None:
    torch.manual_seed(1)
    head, x = CtcHead(8, 5, CtcHeadConfig(width=24), dropout=0.0), noise(2, 6, 8)
    optimiser = torch.optim.AdamW(head.parameters(), 5e-3)
    losses = []
    for _ in range(120):
        losses.append(head.loss(x, torch.tensor([6, 6]), torch.tensor([[1, 2, 3], [4, 4, 1]]), torch.tensor([3, 3])))
        optimiser.zero_grad()
        losses[-1].backward()
        optimiser.step()
    assert losses[-1].item() < 0.2 * losses[0].item()
    best = head.eval()(x).argmax(-1)
    assert [collapsed(tuple(row.tolist())) for row in best] == [[1, 2, 3], [4, 4, 1]]


def test_where_no_text_fits_there_is_no_loss() -> None:
    """Three equal letters need five outputs, and a frame has four."""
    found = (
        head_of(characters=3).eval().loss(noise(1, 1, 8), torch.tensor([1]), torch.ones(1, 3).long(), torch.tensor([3]))
    )
    assert math.isnan(found.item())

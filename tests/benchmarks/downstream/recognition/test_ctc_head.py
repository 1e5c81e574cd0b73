"""essL's fine-tuning head: outputs and padding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ssl_benchmarks.downstream.recognition.ctc_head import CtcHead, CtcHeadConfig

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


def test_gradients_reach_every_learned_parameter() -> None:
    head = head_of()
    head(noise(2, 6, 8), torch.tensor([6, 4]))[..., 1].sum().backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().amax() > 0, name


def test_its_size_is_the_published_one() -> None:
    with torch.device("meta"):
        assert round(sum(p.numel() for p in CtcHead(768, 29).parameters()) / 1e6, 1) == 4.2


@pytest.mark.parametrize("wrong", [{"kernel": 4}, {"kernel": 0}, {"upsampling": 0}, {"width": 0}, {"convolutions": -1}])
def test_settings_that_cannot_be_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        CtcHeadConfig(**wrong)

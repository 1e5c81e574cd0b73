"""Our quick fake tensors against torch's own: the same counts, the same bytes, the same refusals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensor, FakeTensorMode
from torch.nn import functional as F

from ssl_benchmarks.counting.fake_tensors import FakeTensors
from ssl_benchmarks.counting.flops import count_inference, count_training
from ssl_benchmarks.memory.forecast import inference_peak, training_peak
from ssl_models.catalog import CATALOG
from ssl_models.families import ModelConfig, family_of

SHALLOW = {
    "efficient-tiny of two blocks": replace(
        CATALOG["efficient-tiny"], encoder=replace(CATALOG["efficient-tiny"].encoder, blocks=2)
    ),
    "hubert-tiny of two layers": replace(
        CATALOG["hubert-tiny"], encoder=replace(CATALOG["hubert-tiny"].encoder, layers=2)
    ),
}
"""A second block asks for what the first has asked for."""
MODELS = [pytest.param(config, id=name) for name, config in SHALLOW.items()]
MODELS += [pytest.param(config, id=name, marks=pytest.mark.slow) for name, config in CATALOG.items()]


def costs(encoder: Any, trained: Any) -> list[object]:
    """Counts at two lengths, and peaks as a GPU and as a CPU would have them."""
    found: list[object] = [count_inference(encoder, seconds) for seconds in (1.0, 2.7)]
    found.append(inference_peak(encoder, 5.0, 3, precision="bfloat16", device="cuda"))
    if trained is None:
        return found
    found.append(count_training(trained, 1.0))
    found.append(training_peak(trained, 5.0, 3, precision="bfloat16", device="cuda", optimiser="AdamW"))
    found.append(training_peak(trained, 2.0, 1, precision="float32", device="cpu", optimiser="SGD"))
    return found


def costs_of(config: ModelConfig, mode: FakeTensorMode, times: int) -> list[list[object]]:
    """The same costs so many times over, of one model."""
    family = family_of(config)
    with mode:
        encoder = family.encoder(config).eval()
        trained = None if config.objective is None else family.pretraining(config).train()
        return [costs(encoder, trained) for _ in range(times)]


@pytest.mark.parametrize("config", MODELS)
def test_a_model_costs_the_same(config: ModelConfig) -> None:
    """The first time and when all is remembered."""
    (expected,) = costs_of(config, FakeTensorMode(allow_non_fake_inputs=True), 1)
    assert costs_of(config, FakeTensors(), 2) == [expected, expected]


def told(tensor: torch.Tensor) -> tuple[object, ...]:
    return tensor.shape, tensor.stride(), tensor.dtype, tensor.device, tensor.storage_offset(), tensor.requires_grad


def chain() -> list[torch.Tensor]:
    """Operators that write in place, give several tensors, views, views of views, other types, and take numbers of all kinds."""
    x = torch.zeros(2, 6, 8)
    y = x.transpose(1, 2).contiguous().transpose(1, 2)
    made = [
        x * 1,
        x * 1.0,
        x.long() * 1,
        x.long() * 1.0,
        x * True,
        x.add_(1),
        y + x,
        x[:, 1:4, ::2],
        *x.split([1, 5], 1),
    ]
    made += [
        *torch.max(x, 1),
        *torch.topk(x, 2),
        F.layer_norm(y, (8,)),
        F.one_hot(x[0, 0].long(), 3),
        x.to(torch.bfloat16) @ y.mT.bfloat16(),
    ]
    made += [
        torch.cat([x, y]),
        torch.arange(3),
        torch.zeros_like(y),
        x.sum(),
        torch.stft(torch.zeros(400), 100, window=torch.ones(100), return_complex=True),
    ]
    made += [
        nn.LSTM(8, 4)(x)[0],
        F.conv1d(x, torch.zeros(3, 6, 2)),
        F.scaled_dot_product_attention(x, x, x),
        torch.tensor([1.0, 2.0]) * 3,
    ]
    with torch.inference_mode():
        made.append(x.clone() + 1)
    return made


def test_an_operator_gives_the_same_every_time() -> None:
    """The first time it is worked out, the second time remembered."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        theirs = [told(tensor) for tensor in chain()]
    with FakeTensors():
        first, second = ([told(tensor) for tensor in chain()] for _ in range(2))
    assert first == theirs
    assert second == theirs


def pointwise() -> list[torch.Tensor]:
    """Operators that go element by element, on tensors of many shapes, layouts and types."""
    made = []
    for shape in ((2, 3, 4), (1, 5, 1), (7,), (), (0, 3)):
        x, y = torch.zeros(shape), torch.zeros(shape, dtype=torch.bfloat16)
        made += [
            x * x,
            y * y,
            x.long() * x.long(),
            x + y,
            x > 0,
            x / 2,
            x.long() / 2,
            x.long() * 2.0,
            F.gelu(x),
            x.clamp(min=0),
            torch.where(x > 0, x, 1.0),
        ]
        made += [
            x.mT * x.mT if x.dim() > 1 else x,
            x * x.unsqueeze(0),
            x * torch.zeros(()),
            x.long() == 1,
            x.exp().to(y.dtype),
        ]
    return made


def test_pointwise_operators_are_laid_out_as_their_operands_are() -> None:
    """Asked at one shape, they know what comes at another."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        theirs = [told(tensor) for tensor in pointwise()]
    with FakeTensors():
        assert [told(tensor) for tensor in pointwise()] == theirs


def test_the_gradient_mode_decides_nothing() -> None:
    """What was asked with gradients answers without them, and the other way round."""

    def asked(*, learn: bool) -> list[object]:
        with torch.set_grad_enabled(learn):
            weight = nn.Parameter(torch.zeros(5, 3))
            given = [torch.zeros(2, 3) @ weight.T, F.layer_norm(weight, (3,)), weight.relu(), weight * weight]
            return [(told(tensor), tensor.grad_fn is None) for tensor in given]

    with FakeTensorMode(allow_non_fake_inputs=True):
        theirs = [asked(learn=learn) for learn in (True, False, True)]
    with FakeTensors():
        assert [asked(learn=learn) for learn in (True, False, True)] == theirs


def test_values_are_known_or_refused_as_ever() -> None:
    with FakeTensors():
        assert torch.tensor(3.0).item() == 3.0
        assert (torch.tensor(3) * 2 + 1).item() == 7
        for _ in range(2):
            with pytest.raises(DataDependentOutputException):
                (torch.zeros(2) + 1).sum().item()
        weight = torch.tensor([1.0])
        weight.add_(torch.zeros(1) * 2)
        with pytest.raises(DataDependentOutputException):
            weight.item()


def test_no_two_fresh_tensors_share_a_storage_and_a_view_does() -> None:
    with FakeTensors():
        x = torch.zeros(4, 4)
        kept = [x + 1 for _ in range(3)]
        assert len({t.untyped_storage()._cdata for t in (x, *kept)}) == 4
        assert x[1:].untyped_storage()._cdata == x.untyped_storage()._cdata
        assert all(isinstance(t, FakeTensor) for t in kept)


def test_real_tensors_may_be_mixed_in() -> None:
    weight = torch.ones(4, 3)
    with FakeTensors():
        for _ in range(2):
            assert (torch.zeros(2, 4) @ weight).shape == (2, 3)
    assert type(weight) is torch.Tensor

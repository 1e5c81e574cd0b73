"""Weights that a module keeps packed or sparse are found and counted."""

from __future__ import annotations

import copy
import warnings

import pytest
import torch
from torch import nn

from ssl_benchmarks.counting.weights import packed_count, parameter_count, state_tensors
from ssl_benchmarks.downstream.weights_hash import weights_hash
from ssl_benchmarks.memory.forecast import forecast_inference
from ssl_benchmarks.memory.peak import bytes_of

LAYERS = {
    "linear": (lambda: nn.Linear(8, 6), 8 * 6 + 6, 8 * 6),
    "lstm": (lambda: nn.LSTM(6, 5), 4 * 5 * (6 + 5) + 2 * 20, 4 * 5 * (6 + 5)),
    "cell": (lambda: nn.GRUCell(6, 5), 3 * 5 * (6 + 5) + 2 * 15, 3 * 5 * (6 + 5)),
}
"""A layer, its weights, and those of them that are quantised."""


def quantised(layer: nn.Module) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(nn.Sequential(layer))


@pytest.mark.parametrize("name", LAYERS)
def test_a_quantised_layer_has_as_many_weights_as_before(name: str) -> None:
    """A byte for each that was quantised, four for each that was not."""
    build, weights, in_bytes = LAYERS[name]
    plain, packed = nn.Sequential(build()), quantised(build())
    assert parameter_count(plain) == parameter_count(packed) == weights
    assert (packed_count(plain), packed_count(packed)) == (0, weights)
    size = bytes_of(tensor for tensor in state_tensors(packed) if tensor.numel() > 1).value or 0
    assert size == pytest.approx(in_bytes + 4 * (weights - in_bytes), rel=0.5), "with its scales, which are few"


@pytest.mark.parametrize("layout", ["coo", "csr", "csc"])
def test_a_sparse_buffer_is_its_indices_and_values(layout: str) -> None:
    """An identity of 8: eight values of 4 bytes, and indices of 8 bytes."""
    module = nn.Linear(3, 2, bias=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sparse = torch.eye(8).to_sparse() if layout == "coo" else getattr(torch.eye(8), f"to_sparse_{layout}")()
    module.register_buffer("mask", sparse)
    indices = 2 * 8 if layout == "coo" else 9 + 8
    assert sum(tensor.nbytes for tensor in state_tensors(module)) == 4 * 6 + 4 * 8 + 8 * indices
    assert (bytes_of(state_tensors(module)).value or 0) >= 4 * 6 + 4 * 8 + 8 * indices
    assert parameter_count(module) == 6
    assert len(weights_hash(module)) == 64


def test_a_shared_weight_counts_once_and_containers_are_looked_into() -> None:
    class Packed(nn.Module):
        def get_extra_state(self) -> object:
            return {"parts": [torch.zeros(3), (torch.zeros(4),)], "width": 3}

        def set_extra_state(self, state: object) -> None:
            del state

    assert packed_count(Packed()) == 7
    layer = nn.Linear(2, 2)
    assert parameter_count(nn.Sequential(layer, layer)) == 6


@pytest.mark.parametrize("name", LAYERS)
def test_what_is_packed_is_in_the_hash(name: str) -> None:
    torch.manual_seed(0)
    plain = LAYERS[name][0]()
    packed, again, other = (
        quantised(copy.deepcopy(plain)),
        quantised(copy.deepcopy(plain)),
        quantised(LAYERS[name][0]()),
    )
    assert weights_hash(packed) == weights_hash(again)
    assert weights_hash(packed) != weights_hash(other)


@pytest.mark.parametrize("name", ["linear", "lstm"])
def test_packed_weights_are_in_the_forecast(name: str) -> None:
    """A byte for each that was quantised, beside biases in four, and blocks of 512 bytes."""
    width = 160

    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layer = nn.Linear(width, 300) if name == "linear" else nn.LSTM(width, 100, batch_first=True)
            self.layer = quantised(layer)

        def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
            return self.layer(waveforms.unfold(1, width, width))

    with torch.utils._python_dispatch._disable_current_modes():
        encoder = Encoder()
    found = forecast_inference(lambda: encoder, 1.0).weights.value or 0  # type: ignore[arg-type, return-value]
    in_bytes, biases = (width * 300, 300) if name == "linear" else (400 * (width + 100), 800)
    assert in_bytes + 4 * biases <= found <= in_bytes + 4 * biases + 8 * 512

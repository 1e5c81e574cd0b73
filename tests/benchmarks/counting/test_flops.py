"""FLOPs counted from the graph against closed forms, fvcore and hand-worked layers."""

from __future__ import annotations

import gc
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.nn import functional as F

from ssl_benchmarks.counting.flops import (
    FlopCount,
    count_flops,
    count_inference,
    count_training,
    fake_tensors,
    inference_flops,
    training_flops,
    without_layer_drop,
)
from ssl_benchmarks.counting.operators import Work
from ssl_benchmarks.profile.card_rows import card_rows
from ssl_benchmarks.profile.second_opinion import second_opinion
from ssl_models.catalog import card
from ssl_models.efficient.closed_form import encoder_macs, training_macs
from ssl_models.efficient.config import EFFICIENT, EfficientConfig, EncoderConfig, ObjectiveConfig
from ssl_models.efficient.encoder import EfficientEncoder
from ssl_models.efficient.masked_prediction import MaskedPrediction
from ssl_models.errors import BadInputError

SECONDS = [3.7, 60.0, *(pytest.param(other, marks=pytest.mark.slow) for other in (1.0, 10.0, 30.0))]
FVCORE_ON_TORCH = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
"""fvcore traces with what torch has left behind."""

SMALL = EfficientConfig(EncoderConfig(24, 2, 3, 40, mels=20), ObjectiveConfig(clusters=7))


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("name", EFFICIENT)
def test_inference_agrees_with_the_closed_form(name: str, seconds: float) -> None:
    """With two of the blocks, which cost the same; the whole is counted by its card's test."""
    config = replace(EFFICIENT[name].encoder, blocks=2)
    counted = inference_flops(lambda: EfficientEncoder(config), seconds)
    assert counted.flops == pytest.approx(2 * encoder_macs(config, round(seconds * 16_000)), rel=1e-3)
    assert counted.macs == counted.flops // 2
    assert sum(counted.by_operator.values()) == counted.flops


def training_agrees(config: EfficientConfig, seconds: float) -> None:
    counted = training_flops(lambda: MaskedPrediction(config), seconds)
    assert counted.flops == pytest.approx(2 * training_macs(config, round(seconds * 16_000)), rel=1e-3)


@pytest.mark.parametrize("seconds", SECONDS)
def test_training_agrees_with_the_closed_form(seconds: float) -> None:
    training_agrees(SMALL, seconds)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "efficient-tiny" else pytest.mark.slow) for name in EFFICIENT]
)
def test_training_of_every_model_agrees_with_the_closed_form(name: str) -> None:
    training_agrees(EFFICIENT[name], 3.7)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("name", EFFICIENT)
def test_training_agrees_at_every_length(name: str, seconds: float) -> None:
    training_agrees(EFFICIENT[name], seconds)


def test_the_closed_form_by_hand() -> None:
    """One second of a model of width 4: 100 mel frames of 257 x 20, 25 frames of 80 x 4, then two blocks."""
    config = EncoderConfig(4, 2, 2, 6, mels=20)
    front = 100 * 257 * 20 + 25 * 80 * 4
    block = 25 * (4 * 4 * 4 + 2 * 25 * 4 + 3 * 4 * 6)
    assert encoder_macs(config, 16_000) == front + 2 * block
    objective = ObjectiveConfig(clusters=7)
    head, targets = 25 * 4 * 2 * 7, 100 * 20 * 13 + 50 * 39 * 7
    expected = 100 * 257 * 20 + targets + 2 * (25 * 80 * 4) + 3 * (2 * block + head)
    assert training_macs(EfficientConfig(config, objective), 16_000) == expected


@pytest.mark.parametrize("clips", [2, 4])
def test_flops_grow_with_the_batch(clips: int) -> None:
    def build() -> EfficientEncoder:
        return EfficientEncoder(SMALL.encoder)

    assert inference_flops(build, 3.7, clips).flops == clips * inference_flops(build, 3.7).flops
    with fake_tensors():
        assert count_inference(build(), 3.7).flops == count_inference(build(), 3.7, 1).flops
    one, many = (training_flops(lambda: MaskedPrediction(SMALL), 3.7, n).flops for n in (1, clips))
    assert many == clips * one


def test_a_linear_layer_by_hand() -> None:
    """7 rows of 3 by 5: 105 MACs forward; backward as much again for the weights and for the input."""
    with fake_tensors():
        layer, x = nn.Linear(3, 5), torch.zeros(7, 3, requires_grad=True)
        forward = count_flops(lambda: layer(x))
        step = count_flops(lambda: layer(x).sum().backward())
    assert (forward.flops, forward.macs) == (210, 105)
    assert step.flops == 3 * 210


def test_fused_attention_is_not_lost() -> None:
    """Scores and mixing of 2 clips, 3 heads, 11 frames, head width 4: 2 x 2 x 3 x 11 x 11 x 4 MACs, masked or not."""
    with fake_tensors():
        q, k, v = (torch.zeros(2, 3, 11, 4) for _ in range(3))
        mask = torch.ones(2, 1, 1, 11, dtype=torch.bool)
        plain = count_flops(lambda: F.scaled_dot_product_attention(q, k, v))
        masked = count_flops(lambda: F.scaled_dot_product_attention(q, k, v, attn_mask=mask))
    assert plain.macs == masked.macs == 2 * 2 * 3 * 11 * 11 * 4


def test_a_convolution_by_hand() -> None:
    """Kernel 3 from 4 to 6 channels, 20 samples to 9 at stride 2: 9 x 6 x 4 x 3 MACs."""
    with fake_tensors():
        layer, x = nn.Conv1d(4, 6, 3, stride=2), torch.zeros(1, 4, 20)
        assert count_flops(lambda: layer(x)).macs == 9 * 6 * 4 * 3


WORK = FlopCount(
    {
        Work("", "aten.mm", "forward"): 10.0, Work("a.b", "aten.mm", "forward"): 100.0,
        Work("a.b.c", "aten.bmm", "backward"): 1000.0, Work("a.b", "aten.mm", "recomputed"): 7.0, Work("d", "aten.mv", "forward"): 1.0,
    },
    {"aten.exp": 3, "aten.einsum": 2, "mine.exp": 1},
    {"aten.mm on sparse_csr operands": 4},
)  # fmt: skip


def test_a_count_by_hand() -> None:
    """What checkpointing computes again is the hardware's work, not the model's."""
    assert (WORK.flops, WORK.hardware_flops, WORK.macs) == (1111, 1118, 555)
    assert list(WORK.by_operator.items()) == [("aten.bmm", 1000), ("aten.mm", 110), ("aten.mv", 1)]
    assert WORK.by_module(0) == {"": 1111}
    assert WORK.by_module(1) == {"": 1111, "a": 1100, "d": 1}
    assert WORK.by_module() == {"": 1111, "a": 1100, "a.b": 1100, "d": 1}
    assert WORK.by_module(3) == {"": 1111, "a": 1100, "a.b": 1100, "a.b.c": 1000, "d": 1}
    assert WORK.suspects == {"aten.einsum": 2, "mine.exp": 1, "aten.mm on sparse_csr operands": 4}
    assert WORK.missed.startswith("aten.einsum x 2, mine.exp x 1, aten.mm on sparse_csr operands x 4 may hide")
    assert replace(WORK, uncounted={"aten.exp": 3}, unfit={}).missed == ""


class Dropping(nn.Module):
    """A stand-in for a model with one layer that training may drop and one that it may not; its own encoder."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.kept, self.lot = nn.Linear(4, 4, bias=False), nn.Sequential(nn.Linear(4, 4, bias=False))
        self.layer_drop, self.droppable = share, (self.lot,)

    @property
    def encoder(self) -> Dropping:
        return self

    def forward(self, waveforms: torch.Tensor, *_: object) -> SimpleNamespace:
        assert self.layer_drop == 0, "every layer runs"
        return SimpleNamespace(loss=self.lot(self.kept(waveforms.view(-1, 4))).sum())


@torch.library.custom_op("labkernels_flops::mixed", mutates_args=())
def mixed(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return x @ w


@mixed.register_fake
def _(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return x.new_empty(*x.shape[:-1], w.shape[1])


@torch.library.custom_op("labkernels_flops::mixed_backward", mutates_args=())
def mixed_backward(grad: torch.Tensor, x: torch.Tensor, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return grad @ w.T, x.T @ grad


@mixed_backward.register_fake
def _(grad: torch.Tensor, x: torch.Tensor, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.empty_like(x), torch.empty_like(w)


mixed.register_autograd(
    lambda ctx, grad: mixed_backward(grad, *ctx.saved_tensors),
    setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs),
)


class Plain(torch.autograd.Function):
    """Dense forward, and a backward in an operator of the user's own, as fused kernels have it."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(x, w)
        return x @ w

    @staticmethod
    def backward(context: Any, grad: torch.Tensor) -> Any:
        return mixed_backward(grad, *context.saved_tensors)


class Mixing(nn.Module):
    """4,000 rows of 4 through a dense layer of 4 x 4, then through a `mixing` of their own."""

    def __init__(self, mixing: Any) -> None:
        super().__init__()
        self.dense, self.weight, self.mixing = nn.Linear(4, 4, bias=False), nn.Parameter(torch.zeros(4, 4)), mixing
        self.encoder = SimpleNamespace()

    def forward(self, waveforms: torch.Tensor, *_: object) -> SimpleNamespace:
        return SimpleNamespace(loss=self.mixing(self.dense(waveforms.view(-1, 4)), self.weight).sum())


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning", "ignore:.*sparse:UserWarning")
@pytest.mark.parametrize(
    ("mixing", "flops", "named"),
    [
        (lambda x, w: x @ w, 5 * 128_000, ""),
        (mixed, 2 * 128_000, "labkernels_flops.mixed x 1, labkernels_flops.mixed_backward x 1"),
        (Plain.apply, 3 * 128_000, "labkernels_flops.mixed_backward x 1"),
        (lambda x, w: torch.sparse.mm(torch.eye(4).to_sparse(), (x @ w).T), 5 * 128_000, "sparse"),
        (
            lambda x, w: x @ w + torch._int_mm(x.detach().to(torch.int8), w.detach().to(torch.int8)),
            5 * 128_000,
            "aten._int_mm x 1",
        ),
    ],
    ids=["dense", "own", "own backward", "sparse", "int8"],
)
def test_a_training_step_with_products_that_nobody_counts_is_a_lower_bound(mixing: Any, flops: int, named: str) -> None:
    """A product of 4,000 x 4 x 4 is 128 kFLOP; the dense layer has one forward and one for its weights, and all that is seen counts."""
    with fake_tensors():
        counted = count_training(cast("Any", Mixing(mixing)), 1.0)
    assert counted.flops == flops
    assert named in counted.missed
    assert bool(counted.missed) == bool(named)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.75])
def test_layers_that_training_drops_count_by_the_share_kept(share: float) -> None:
    """4000 rows of 4 times 4 x 4 are 128 kFLOP: two such products for the first layer, and a third one back through the second."""
    with fake_tensors():
        model = Dropping(share)
        counted = count_training(cast("Any", model), 1.0)
    assert counted.by_module(1) == {
        "": 256_000 + round((1 - share) * 384_000),
        "kept": 256_000,
        "lot": round((1 - share) * 384_000),
    }
    assert model.layer_drop == share
    assert all(parameter.grad is None for parameter in model.parameters())


def test_every_layer_draws_the_highest_lot_while_all_are_kept() -> None:
    """A lot below the share would drop a layer: a single one is 1, above all that are drawn; other numbers are drawn as ever."""
    encoder = SimpleNamespace(layer_drop=0.9, droppable=("a", "b"))
    with without_layer_drop(encoder) as found:
        lot, many, shaped = cast("float", torch.rand([])), torch.rand(1000), torch.rand([3], generator=None)
    assert found == (0.9, ("a", "b"))
    assert lot == 1.0
    assert 0 < float(many.min()) < float(many.max()) < 1
    assert shaped.shape == (3,)
    assert torch.rand([]).shape == ()
    assert encoder.layer_drop == 0.9


def test_an_encoder_that_drops_no_layers_is_left_alone() -> None:
    with without_layer_drop(SimpleNamespace()) as found:
        assert found == (0.0, ())
        assert torch.rand([]).shape == ()


def test_what_is_not_counted_is_named() -> None:
    """Elementwise work and FFTs have no formula; views cost nothing; and nothing but operators is listed."""
    with fake_tensors():
        x = torch.zeros(8, 8)
        counted = count_flops(lambda: (torch.fft.rfft((x @ x).view(64).relu()), x.exp(), x.exp()))
    assert counted.flops == 2 * 8**3
    assert counted.uncounted == {"aten._fft_r2c": 1, "aten.relu": 1, "aten.exp": 2}


def test_no_fake_tensor_outlives_the_count() -> None:
    inference_flops(lambda: EfficientEncoder(SMALL.encoder), 1.0)
    training_flops(lambda: MaskedPrediction(SMALL), 1.0)
    gc.collect()
    # By type: reading __class__ of every object would wake lazy ones.
    assert not [thing for thing in gc.get_objects() if type(thing) is FakeTensor]
    assert type(torch.zeros(1)) is torch.Tensor
    assert EfficientEncoder(SMALL.encoder)(torch.zeros(1, 1280)).layers[-1].isfinite().all()


def test_a_count_that_fails_leaves_no_fake_mode_behind() -> None:
    with pytest.raises(ValueError, match="640 samples"):
        inference_flops(lambda: EfficientEncoder(SMALL.encoder), 0.01)
    assert type(torch.zeros(1)) is torch.Tensor
    with pytest.raises(BadInputError):
        card("no such model")


@FVCORE_ON_TORCH
@pytest.mark.parametrize("seconds", [1.0, 10.0])
def test_fvcore_counts_the_same(seconds: float) -> None:
    """fvcore counts the same matrix products; rotary positions, norms and gates are elementwise and in neither."""
    import pandas as pd

    config = EFFICIENT["efficient-tiny"].encoder
    encoder = EfficientEncoder(config)
    table = pd.DataFrame(second_opinion(encoder, seconds).modules).set_index("module")
    assert table.loc["total", "macs"] == pytest.approx(encoder_macs(config, round(seconds * 16_000)), rel=5e-3)
    assert table.loc["total", "parameters"] == sum(p.numel() for p in encoder.parameters())


@FVCORE_ON_TORCH
def test_the_module_table_splits_the_total() -> None:
    """By hand: the projection, the mel filters, and the same for each block."""
    import pandas as pd

    encoder = EfficientEncoder(SMALL.encoder)
    table = pd.DataFrame(second_opinion(encoder, 2.0).modules).set_index("module")
    assert table.loc["project", "macs"] == 50 * 80 * 24
    assert table.loc["logmel", "macs"] == pytest.approx(200 * 257 * 20, rel=0.01)
    blocks = table.loc[["blocks.0", "blocks.1"], "macs"]
    assert blocks.tolist() == pytest.approx([50 * (4 * 24**2 + 2 * 50 * 24 + 3 * 24 * 40)] * 2, rel=0.02)
    top = table[~table.index.str.contains(r"\.") & (table.index != "total")]
    assert top["macs"].sum() == table.loc["total", "macs"]
    assert table.loc["blocks", "parameters"] == sum(p.numel() for p in encoder.blocks.parameters())


@FVCORE_ON_TORCH
def test_the_module_table_leaves_the_encoder_as_it_was() -> None:
    encoder = EfficientEncoder(SMALL.encoder)
    x = torch.randn(1, 3200, generator=torch.Generator().manual_seed(0))
    before = encoder(x).layers[-1]
    second_opinion(encoder, 1.0)
    assert torch.equal(encoder(x).layers[-1], before)


@pytest.mark.parametrize("name", EFFICIENT)
def test_a_card_states_what_is_counted(name: str) -> None:
    """At clips of 15 s, as rows of the long table."""
    rows = {row.metric: row for row in card_rows(card(name))}
    counted = inference_flops(lambda: EfficientEncoder(EFFICIENT[name].encoder), 15.0)
    macs = rows["macs_per_audio_second"]
    assert macs.quantity.value == pytest.approx(counted.macs / 15, rel=1e-3)
    assert (macs.quantity.unit, macs.quantity.method, macs.phase) == ("MAC/s", "analytic", "inference")
    assert macs.conditions.clip_seconds == 15
    with fake_tensors():
        parameters = sum(p.numel() for p in EfficientEncoder(EFFICIENT[name].encoder).parameters())
    assert rows["parameters"].quantity.value == parameters

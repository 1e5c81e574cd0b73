"""Operators booked by module and phase, against networks small enough to count by hand."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import cast

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import register_flop_formula

from ssl_benchmarks.counting.flops import FlopCount, count_flops, count_training, fake_tensors
from ssl_models.interface import LossAndMetrics


@pytest.fixture(autouse=True)
def on_fake_tensors() -> Iterator[None]:
    with fake_tensors():
        yield


def x(*shape: int, learned: bool = True) -> Tensor:
    return torch.zeros(*shape, requires_grad=learned)


def step(net: Callable[..., Tensor], *inputs: Tensor, root: nn.Module | None = None) -> FlopCount:
    """Forward and backward of the sum of a network's output."""
    return count_flops(lambda: net(*inputs).sum().backward(), root)


def phases(count: FlopCount) -> dict[tuple[str, str], int]:
    """MACs by module and phase."""
    found: dict[tuple[str, str], int] = {}
    for work, flops in count.work.items():
        key = (work.module, work.phase)
        found[key] = found.get(key, 0) + round(flops / 2)
    return found


@pytest.mark.parametrize(
    ("build", "macs"),
    [
        (lambda: nn.Conv1d(4, 6, 3), 18 * 6 * 4 * 3),
        (lambda: nn.Conv1d(4, 6, 3, groups=2), 18 * 6 * 2 * 3),
        (lambda: nn.Conv1d(4, 4, 3, groups=4, stride=2, padding=1, dilation=2), 9 * 4 * 1 * 3),
        (lambda: nn.ConvTranspose1d(4, 6, 3, stride=2), 20 * 4 * 6 * 3),
        (lambda: nn.ConvTranspose1d(4, 6, 3, stride=2, groups=2, output_padding=1), 20 * 4 * 3 * 3),
    ],
    ids=["plain", "grouped", "depthwise", "transposed", "grouped transposed"],
)
@pytest.mark.parametrize("learned", [True, False])
def test_a_convolution_and_its_backward(build: Callable[[], nn.Module], macs: int, *, learned: bool) -> None:
    """20 samples: the gradients of weights and input cost a forward each, whatever the groups."""
    counted = step(build(), x(1, 4, 20, learned=learned))
    assert counted.macs == (3 if learned else 2) * macs
    assert counted.macs == counted.hardware_flops // 2


def test_a_weight_normed_grouped_convolution_costs_three_forwards() -> None:
    """As HuBERT's positions: 128 wide kernels in 16 groups."""
    layer = nn.utils.parametrizations.weight_norm(nn.Conv1d(32, 32, 128, padding=64, groups=16), dim=2)
    assert step(layer, x(2, 32, 50)).macs == 3 * 2 * 51 * 32 * 2 * 128


def test_a_frozen_layer_costs_its_forward_and_what_passes_through() -> None:
    """Rows of 7: a frozen layer at the bottom costs its forward alone, one above learned layers the input's gradient too."""
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 5), nn.Linear(5, 6))
    net[0].requires_grad_(False)
    net[2].requires_grad_(False)
    found = phases(step(net, x(7, 3, learned=False), root=net))
    assert found == {
        ("0", "forward"): 7 * 12,
        ("1", "forward"): 7 * 20, ("1", "backward"): 7 * 20,
        ("2", "forward"): 7 * 30, ("2", "backward"): 7 * 30,
    }  # fmt: skip


def test_a_teacher_without_gradients_costs_its_forward() -> None:
    class Distillation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.student, self.teacher = nn.Linear(3, 5), nn.Linear(3, 5)

        def forward(self, inputs: Tensor) -> Tensor:
            with torch.no_grad():
                target = self.teacher(inputs)
            return (self.student(inputs) - target).square()

    net = Distillation()
    found = phases(step(net, x(7, 3, learned=False), root=net))
    assert found == {("student", "forward"): 105, ("student", "backward"): 105, ("teacher", "forward"): 105}


class Branches(nn.Module):
    """Two branches over one stem, one of them used twice, their product taken by the net itself."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(3, 4)
        self.left, self.right = nn.Linear(4, 5), nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 5))
        self.again = self.left

    def forward(self, inputs: Tensor) -> Tensor:
        stem = self.stem(inputs)
        right = self.right(stem)
        both = self.left(stem) + self.again(stem.relu())
        return both @ right.T


def test_the_backward_is_booked_where_the_forward_was() -> None:
    """7 rows. Autograd walks the branches in its own order; a shared module has one name."""
    net = Branches()
    counted = step(net, x(7, 3, learned=False), root=net)
    assert phases(counted) == {
        ("stem", "forward"): 84, ("stem", "backward"): 84,
        ("left", "forward"): 2 * 140, ("left", "backward"): 4 * 140,
        ("right.0", "forward"): 112, ("right.0", "backward"): 2 * 112,
        ("right.2", "forward"): 140, ("right.2", "backward"): 2 * 140,
        ("", "forward"): 7 * 5 * 7, ("", "backward"): 2 * 7 * 5 * 7,
    }  # fmt: skip
    modules = counted.by_module(depth=1)
    assert modules[""] == counted.flops
    assert modules["right"] == 2 * 3 * (112 + 140)
    assert sum(flops for name, flops in modules.items() if name) == counted.flops - 2 * 3 * 245
    assert counted.by_module(depth=2)["right.0"] == 2 * 3 * 112
    assert sum(counted.by_operator.values()) == counted.flops


def test_two_backwards_of_one_count_keep_their_places() -> None:
    """The second step's nodes carry later numbers than the first one's."""
    first, second = nn.Linear(3, 4), nn.Linear(4, 5)
    net = nn.Sequential(first, second)
    inputs = x(7, 3)

    def steps() -> None:
        net(inputs).sum().backward()
        second(first(inputs)).sum().backward()

    assert phases(count_flops(steps, net)) == {
        ("0", "forward"): 2 * 84, ("0", "backward"): 4 * 84, ("1", "forward"): 2 * 140, ("1", "backward"): 4 * 140,
    }  # fmt: skip


@pytest.mark.parametrize("reentrant", [True, False])
def test_gradient_checkpointing_computes_a_forward_more(*, reentrant: bool) -> None:
    """Only the checkpointed block's, and no more FLOPs of the model."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.before, self.block = nn.Linear(3, 4), nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))

        def forward(self, inputs: Tensor) -> Tensor:
            return checkpoint(self.block, self.before(inputs), use_reentrant=reentrant)

    net = Net()
    counted = step(net, x(7, 3), root=net)
    assert counted.macs == 3 * 7 * (12 + 32 + 32)
    # Without reentrance the second run stops as soon as the last tensor is there that the backward needs.
    again = {("block.0", "recomputed"): 224} | ({("block.2", "recomputed"): 224} if reentrant else {})
    found = phases(counted)
    assert {key: macs for key, macs in found.items() if key[1] == "recomputed"} == again
    assert found["block.2", "backward"] == 2 * 224
    assert counted.hardware_flops == counted.flops + 2 * sum(again.values())
    assert counted.by_module(1)["block"] == 2 * 3 * 448


class Dropping(nn.Module):
    """An encoder of three layers, of which training may drop the last two; and the objective around it."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
        self.encoder.layer_drop = 0.25
        self.encoder.droppable = list(self.encoder.layers)[1:]
        self.head = nn.Linear(4, 6)

    def forward(self, waveforms: Tensor, lengths: None, generator: torch.Generator) -> LossAndMetrics:
        assert self.encoder.layer_drop == 0, "counted with all layers"
        hidden = waveforms.unflatten(1, (-1, 4))
        for layer in self.encoder.layers:
            hidden = layer(hidden)
        return LossAndMetrics(self.head(hidden).sum(), {})


def test_dropped_layers_count_in_expectation() -> None:
    """400 frames of 4: the first layer has no gradient of its input; of the other two three quarters count."""
    model = Dropping()
    counted = count_training(model, 0.1)
    assert counted.macs == 400 * (2 * 16 + 0.75 * 2 * 3 * 16 + 3 * 24)
    assert counted.by_module(3)["encoder.layers.1"] == 2 * 0.75 * 400 * 3 * 16
    assert counted.by_module(3)["encoder.layers.0"] == 2 * 400 * 2 * 16
    assert model.encoder.layer_drop == 0.25
    assert all(parameter.grad is None for parameter in model.parameters())


@settings(max_examples=12)
@given(st.integers(1, 5), st.lists(st.integers(1, 9), min_size=2, max_size=3), st.integers(1, 7))
def test_twice_the_batch_is_twice_the_work(clips: int, widths: list[int], frames: int) -> None:
    """Convolutions, recurrence, attention and linear layers, forward and backward."""
    with fake_tensors():
        layers = [nn.Conv1d(a, b, 3, padding=1) for a, b in pairwise(widths)]
        last = widths[-1]
        lstm, attention = nn.LSTM(last, 4, batch_first=True), nn.MultiheadAttention(4, 2, batch_first=True)

        def net(inputs: Tensor) -> Tensor:
            hidden = lstm(nn.Sequential(*layers)(inputs).transpose(1, 2))[0]
            return attention(hidden, hidden, hidden, need_weights=False)[0]

        one, two = (step(net, torch.zeros(n, widths[0], frames)) for n in (clips, 2 * clips))
    assert two.flops == 2 * one.flops > 0


def test_recurrent_layers() -> None:
    """2 clips of 7 frames; an LSTM has 4 gates, a GRU 3; the second of two layers sees both directions of the first."""
    inputs = x(2, 7, 3)

    def forward(layer: nn.Module) -> int:
        return count_flops(lambda: layer(inputs)).macs

    def trained(layer: nn.Module) -> int:
        return count_flops(lambda: layer(inputs)[0].sum().backward()).macs

    assert forward(nn.LSTM(3, 5, batch_first=True)) == 14 * 4 * 5 * (3 + 5) == 2_240
    both = nn.LSTM(3, 5, num_layers=2, bidirectional=True, batch_first=True)
    assert forward(both) == 14 * 2 * 4 * 5 * ((3 + 5) + (10 + 5))
    assert forward(nn.GRU(3, 5, batch_first=True)) == 14 * 3 * 5 * (3 + 5) == 1_680
    assert forward(nn.RNN(3, 5, batch_first=True)) == 14 * 5 * (3 + 5)
    assert trained(nn.LSTM(3, 5, batch_first=True)) == 3 * 2_240
    # A GRU is taken apart, and the gradient of its first state, which is not learned, is not computed.
    assert trained(nn.GRU(3, 5, batch_first=True)) == 3 * 1_680 - 2 * 15 * 5


@pytest.mark.parametrize(
    ("product", "macs"),
    [
        (lambda: torch.einsum("bhqd,bhkd->bhqk", x(2, 3, 5, 4), x(2, 3, 7, 4)), 2 * 3 * 5 * 7 * 4),
        (lambda: x(2, 1, 3, 4) @ x(5, 4, 6), 2 * 5 * 3 * 4 * 6),
        (lambda: x(3, 4) @ x(2, 4, 6), 2 * 3 * 4 * 6),
        (lambda: torch.baddbmm(x(2, 3, 5), x(2, 3, 4), x(2, 4, 5)), 2 * 3 * 4 * 5),
        (lambda: x(3, 5) @ x(5), 15),
        (lambda: x(2, 3, 5) @ x(5), 30),
        (lambda: x(5) @ x(5), 5),
        (lambda: F.bilinear(x(7, 3), x(7, 4), x(5, 3, 4)), None),
        (lambda: torch.cdist(x(1, 40, 8), x(1, 50, 8)), None),
        (lambda: torch._int_mm(torch.zeros(32, 32, dtype=torch.int8), torch.zeros(32, 32, dtype=torch.int8)), None),
        (lambda: torch.addbmm(x(3, 5), x(2, 3, 4), x(2, 4, 5)), None),
    ],
)
def test_a_product_is_counted_or_suspected(product: Callable[[], object], macs: int | None) -> None:
    """No matrix product goes by in silence."""
    counted = count_flops(product)
    assert counted.macs == (macs or 0)
    assert bool(counted.suspects) == (macs is None), counted.uncounted


@pytest.mark.parametrize(
    "work",
    [
        lambda: F.interpolate(x(1, 3, 8), scale_factor=2, mode="linear"),
        lambda: F.interpolate(x(1, 3, 8, 8), scale_factor=2, mode="bilinear"),
        lambda: torch.cummax(x(4), 0),
        lambda: torch.lgamma(x(4)),
        lambda: F.gelu(F.layer_norm(x(4, 4), (4,))).softmax(-1).mean(),
        lambda: torch.linalg.vector_norm(F.relu_(x(4, learned=False))),
    ],
)
def test_elementwise_work_is_no_suspect(work: Callable[[], object]) -> None:
    counted = count_flops(work)
    assert (counted.flops, counted.suspects) == (0, {})
    assert counted.uncounted


def test_quantised_products_are_suspects() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", category=UserWarning)
        with torch.utils._python_dispatch._disable_current_modes():
            net = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(8, 6)), {nn.Linear})
    counted = count_flops(lambda: net(torch.zeros(2, 8)))
    assert (counted.flops, counted.suspects) == (0, {"quantized.linear_dynamic": 1})


def apart(x: Tensor, w: Tensor) -> Tensor:
    """Products that no operator of torch's own shows to the count."""
    return torch.stack([row @ w for row in x.unbind(0)])


def shape_of(x: Tensor, w: Tensor) -> Tensor:
    return x.new_empty(*x.shape[:-1], w.shape[1])


scan = torch.library.custom_op("sslbenchtest::gated_scan", apart, mutates_args=())
scan.register_fake(shape_of)
KERNELS = torch.library.Library("sslbenchtest_kernels", "DEF")
for kernel in ("mix", "relu_like_name", "counted"):
    KERNELS.define(f"{kernel}(Tensor x, Tensor w) -> Tensor")
    KERNELS.impl(kernel, shape_of, "Meta")


@register_flop_formula(torch.ops.sslbenchtest_kernels.counted)
def counted_flops(x: tuple[int, ...], w: tuple[int, ...], *, out_shape: tuple[int, ...]) -> int:
    return 2 * x[0] * x[1] * w[0] * w[1]


@pytest.mark.parametrize(
    "name", ["sslbenchtest.gated_scan", "sslbenchtest_kernels.mix", "sslbenchtest_kernels.relu_like_name"]
)
def test_an_operator_from_outside_torch_may_hide_anything(name: str) -> None:
    """Whatever its name says: a fused scan, a kernel of a package, one with a harmless name."""
    namespace, _, operator = name.partition(".")
    counted = count_flops(lambda: getattr(getattr(torch.ops, namespace), operator)(x(2, 3, 4), x(4, 5)))
    assert (counted.macs, counted.suspects) == (0, {name: 1})
    assert counted.missed == f"{name} x 1 may hide uncounted matrix products"


def test_an_operator_of_ones_own_with_a_formula_counts() -> None:
    counted = count_flops(lambda: torch.ops.sslbenchtest_kernels.counted(x(2, 3, 4), x(4, 5)))
    assert (counted.macs, counted.suspects, counted.missed) == (2 * 3 * 4 * 5, {}, "")


@pytest.mark.parametrize("layout", ["coo", "csr", "csc"])
@pytest.mark.parametrize("product", ["mm", "matmul", "addmm", "linear"])
def test_a_formula_by_shapes_is_not_used_on_sparse_operands(product: str, layout: str) -> None:
    """It would count the zeros; the products that there are go uncounted, and are named."""
    with torch.utils._python_dispatch._disable_current_modes(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # sparse layouts are in beta
        sparse = getattr(torch.eye(8), f"to_sparse_{layout}")() if layout != "coo" else torch.eye(8).to_sparse()
    calls: dict[str, Callable[[], object]] = {
        "mm": lambda: torch.mm(sparse, x(8, 4, learned=False)),
        "matmul": lambda: sparse @ x(8, 4, learned=False),
        "addmm": lambda: torch.addmm(x(8, 4, learned=False), sparse, x(8, 4, learned=False)),
        "linear": lambda: F.linear(x(3, 8, learned=False), sparse),
    }
    counted = count_flops(calls[product])
    assert counted.flops == 0
    (named,) = counted.suspects
    assert "sparse" in named


@pytest.mark.parametrize(
    ("product", "macs"),
    [
        (lambda a, b: a(3, 4) @ b(4, 5), 3 * 4 * 5),
        (lambda a, b: torch.einsum("bij,bjk->bik", a(2, 3, 4), b(2, 4, 5)), 2 * 3 * 4 * 5),
        (lambda a, b: a(7, 4) @ b(4), 7 * 4),
    ],
    ids=["matrix", "batch", "vector"],
)
def test_a_complex_product_is_four_real_ones(product: Callable[..., Tensor], macs: int) -> None:
    def complex_zeros(*shape: int) -> Tensor:
        return torch.zeros(*shape, dtype=torch.complex64)

    assert count_flops(lambda: product(complex_zeros, complex_zeros)).macs == 4 * macs
    assert count_flops(lambda: product(torch.zeros, torch.zeros)).macs == macs


@pytest.mark.parametrize(
    "work",
    [
        lambda: torch.linalg.inv(x(4, 4)), lambda: torch.linalg.solve(x(4, 4), x(4, 2)), lambda: torch.linalg.qr(x(4, 4)),
        lambda: torch.linalg.matrix_exp(x(4, 4)), lambda: torch.linalg.cholesky(x(4, 4)),
    ],
    ids=["inv", "solve", "qr", "matrix_exp", "cholesky"],
)  # fmt: skip
def test_linear_algebra_is_suspect(work: Callable[[], object]) -> None:
    assert count_flops(work).suspects


TRANSFORMER = 2 * (5 * (4 * 8 * 8 + 2 * 8 * 16) + 2 * 5 * 5 * 8)
"""2 clips of 5 frames of 8: projections, feed-forward layer of 16, scores and mixing."""


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_a_transformer_layer_is_never_one_fused_operator(mode: Callable[[], torch.no_grad]) -> None:
    """In evaluation torch runs it as one kernel that no formula knows."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()

    def call() -> None:
        with mode():
            layer(torch.zeros(2, 5, 8))

    counted = count_flops(call)
    assert counted.macs == TRANSFORMER
    assert counted.suspects == {}
    assert torch.backends.mha.get_fastpath_enabled()


def test_inference_mode_hides_nothing() -> None:
    """Inside it torch takes composite operators apart late; a weight-normed convolution is one."""
    conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 4, 3, groups=2))
    linear = nn.Linear(4, 6)

    @torch.inference_mode()
    def call() -> Tensor:
        return linear(conv(torch.zeros(1, 4, 10)).transpose(1, 2)) @ torch.zeros(6, 2)

    assert count_flops(call).macs == 8 * (4 * 2 * 3 + 4 * 6 + 6 * 2)


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # torch's compiler on itself
@pytest.mark.filterwarnings("ignore:Using `torch.compile")
@pytest.mark.parametrize("how", ["module.compile()", "torch.compile(module)"])
def test_a_compiled_module_counts_as_it_is_written(how: str) -> None:
    """Nothing is compiled on fake tensors."""
    layer: nn.Module = nn.Linear(4, 5)
    if how == "module.compile()":
        layer.compile()
    else:
        layer = torch.compile(layer)  # type: ignore[assignment]
    counted = count_flops(lambda: layer(x(2, 4)), layer)
    assert counted.macs == 40
    assert sum(work.phase == "forward" for work in counted.work) == 1


def test_views_and_bare_memory_are_no_work() -> None:
    assert count_flops(lambda: torch.matmul(x(2, 3, 4), x(4, 5))).uncounted == {"aten.zeros": 2}
    counted = count_flops(lambda: x(4, 6).view(24).reshape(6, 4).T.unsqueeze(0).detach().expand(3, 4, 6))
    assert (counted.flops, set(counted.uncounted)) == (0, {"aten.zeros"})


def test_a_product_in_no_module_is_the_root_s() -> None:
    """Forward and backward, before any module was entered and between two."""
    assert phases(step(lambda a, b: a @ b, x(7, 4), x(4, 5))) == {("", "forward"): 140, ("", "backward"): 280}
    net = nn.Sequential(nn.Linear(4, 4))
    between = step(lambda a, b: net(net(a) @ b), x(7, 4, learned=False), x(4, 4), root=net)
    assert phases(between)["", "backward"] == 2 * phases(between)["", "forward"] == 224


def test_a_module_outside_the_root_is_booked_under_its_caller() -> None:
    helper = nn.Linear(4, 5)

    class Caller(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return helper(inputs)

    net = nn.Sequential(nn.Linear(4, 4), Caller())
    assert phases(step(net, x(7, 4), root=net)) == {
        ("0", "forward"): 112, ("0", "backward"): 224, ("1", "forward"): 140, ("1", "backward"): 280,
    }  # fmt: skip


def test_a_module_that_fails_and_is_passed_over_gets_no_work_of_others() -> None:
    """Its product is its own, and what its caller does in its place is the caller's."""

    class Failing(nn.Linear):
        def forward(self, inputs: Tensor) -> Tensor:
            super().forward(inputs)
            raise NotImplementedError

    class Caller(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.failing, self.weight = Failing(4, 5), nn.Parameter(torch.zeros(4, 6))

        def forward(self, inputs: Tensor) -> Tensor:
            try:
                return cast("Tensor", self.failing(inputs))
            except NotImplementedError:
                return inputs @ self.weight

    net = nn.Sequential(Caller())
    assert phases(step(net, x(7, 4, learned=False), root=net)) == {
        ("0.failing", "forward"): 140, ("0", "forward"): 168, ("0", "backward"): 168,
    }  # fmt: skip


def test_a_call_that_fails_leaves_no_hooks() -> None:
    def broken() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        count_flops(broken)
    assert not torch.nn.modules.module._global_forward_hooks
    assert not torch.nn.modules.module._global_forward_pre_hooks

"""Floating-point operations counted from the graph, on no data and with no memory.

1 MAC = 2 FLOPs. Counted are matrix products, convolutions and attention (through its math kernel, since torch's counter
reads fused attention on the CPU as 0); elementwise work and FFTs are not, and are listed by name. A count beside operators that
may hide products is a lower bound, and says so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from ssl_benchmarks.counting.fake_tensors import FakeTensors
from ssl_benchmarks.counting.operators import OperatorCounter, Work
from ssl_models.interface import SAMPLE_RATE

if TYPE_CHECKING:
    from ssl_models.interface import Encoder, Pretraining

HIDDEN_PRODUCTS = re.compile(
    r"(?<!upsample_)(?<!upsample_bi)(?<!upsample_tri)linear|m[mv](?![a-z])|matmul|conv(?!ert)|attention|rnn|lstm|gru|einsum"
    r"|dist(?![a-z])|transformer|linalg_(?!vector_norm|cross|check)|cholesky|triangular_solve|lstsq|geqrf|orgqr|ormqr|matrix_exp"
)
"""An operator of torch's own without a formula whose name says one of these may hide matrix products."""
PLAIN_NAMED = frozenset({"aten", "prim", "prims", "profiler", "c10d", "_c10d_functional"})
"""Namespaces whose operators say what they do; one from anywhere else (quantised, compiled, the user's own) may hide anything."""


def may_hide_products(operator: str) -> bool:
    """Whether an operator without a formula, named `namespace.operator`, may multiply matrices."""
    namespace, _, name = operator.partition(".")
    return namespace not in PLAIN_NAMED or bool(HIDDEN_PRODUCTS.search(name))


@dataclass(frozen=True)
class FlopCount:
    """What one call costs.

    Attributes:
        work: FLOPs by module, operator and phase, 2 per MAC; in expectation where layers are dropped at random.
        uncounted: operators without a formula and their calls; views and bare allocations are not among them.
        unfit: operators that have a formula, on operands that it cannot count (sparse, quantised), and their calls.
    """

    work: dict[Work, float]
    uncounted: dict[str, int]
    unfit: dict[str, int] = field(default_factory=dict)

    @property
    def flops(self) -> int:
        """Model FLOPs: forward and backward, whatever is computed twice."""
        return round(sum(flops for work, flops in self.work.items() if work.phase != "recomputed"))

    @property
    def hardware_flops(self) -> int:
        """All that the hardware computes, gradient checkpointing's second forward included."""
        return round(sum(self.work.values()))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the model FLOPs."""
        return self.flops // 2

    @property
    def by_operator(self) -> dict[str, int]:
        """Model FLOPs by operator, the largest first."""
        return self._split(lambda work: work.operator)

    def by_module(self, depth: int = 2) -> dict[str, int]:
        """Model FLOPs by module, with those inside it, in the order of first use; "" is the whole.

        `depth` bounds the path: 1 is the root's own children. What a module computes itself counts only there.
        """
        found: Counter[str] = Counter()
        for work, flops in self.work.items():
            if work.phase == "recomputed":
                continue
            parts = work.module.split(".") if work.module else []
            for level in range(min(depth, len(parts)) + 1):
                found[".".join(parts[:level])] += flops  # type: ignore[assignment]
        return {name: round(flops) for name, flops in found.items()}

    @property
    def suspects(self) -> dict[str, int]:
        """Uncounted operators that may hide matrix products (int8 products among them), and their calls."""
        return {name: n for name, n in self.uncounted.items() if may_hide_products(name)} | self.unfit

    @property
    def missed(self) -> str:
        """The suspects in words: where there are any, the count is a lower bound. Empty where there are none."""
        named = ", ".join(f"{name} x {calls}" for name, calls in self.suspects.items())
        return f"{named} may hide matrix products that nobody counted" if named else ""

    def _split(self, key: Callable[[Work], str]) -> dict[str, int]:
        found: Counter[str] = Counter()
        for work, flops in self.work.items():
            if work.phase != "recomputed":
                found[key(work)] += flops  # type: ignore[assignment]
        return {name: round(flops) for name, flops in found.most_common()}


def count_flops(call: Callable[[], object], root: nn.Module | None = None) -> FlopCount:
    """FLOPs of `call`, which must run under fake tensors (build its tensors inside `fake_tensors()`).

    Modules are named as seen from `root`.
    """
    counter = OperatorCounter(nn.Module() if root is None else root)
    with sdpa_kernel(SDPBackend.MATH), unfused_layers(), counter.counting():
        call()
    return FlopCount(dict(counter.flops), dict(counter.uncounted), dict(counter.unfit))


@contextmanager
def unfused_layers() -> Iterator[None]:
    """Without torch's fused transformer layer, whose products no formula sees."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


def fake_tensors() -> AbstractContextManager[object]:
    """Tensors made inside have shapes but neither memory nor values."""
    return FakeTensors()


def inference_flops(build: Callable[[], Encoder], seconds: float, clips: int = 1) -> FlopCount:
    """Of encoding `clips` clips of `seconds`; `build` makes the encoder, on the CPU, without weights being needed."""
    with fake_tensors():
        return count_inference(build(), seconds, clips)


def training_flops(build: Callable[[], Pretraining], seconds: float, clips: int = 1) -> FlopCount:
    """Of one training step's forward and backward with the model's own objective; the optimiser's work is left out."""
    with fake_tensors():
        return count_training(build(), seconds, clips)


def count_inference(encoder: Encoder, seconds: float, clips: int = 1) -> FlopCount:
    """`inference_flops` of an encoder that was built inside the `fake_tensors()` at hand."""
    with torch.no_grad():
        waveforms = torch.zeros(clips, round(seconds * SAMPLE_RATE))
        return count_flops(lambda: encoder(waveforms), cast("nn.Module", encoder))


def count_training(pretraining: Pretraining, seconds: float, clips: int = 1) -> FlopCount:
    """`training_flops` of a model that was built inside the `fake_tensors()` at hand; no gradient is left behind.

    Layers that training drops at random count in expectation: once with all of them, their work times the share kept.
    """
    root = cast("nn.Module", pretraining)
    waveforms = torch.zeros(clips, round(seconds * SAMPLE_RATE))

    def step() -> None:
        pretraining(waveforms, None, torch.Generator()).loss.backward()

    with without_layer_drop(pretraining.encoder) as (share, dropped):
        counted = count_flops(step, root)
        names = {name for name, module in root.named_modules() if module in dropped}
    root.zero_grad(set_to_none=True)
    return _expected(counted, names, 1 - share)


@contextmanager
def without_layer_drop(encoder: Any) -> Iterator[tuple[float, Collection[nn.Module]]]:  # noqa: ANN401 - any encoder
    """Run all layers; gives the share that training drops, and the layers it may drop."""
    share = getattr(encoder, "layer_drop", None)
    if share is None:
        yield 0.0, ()
        return
    encoder.layer_drop = 0.0
    try:
        with _EveryLayerKept():
            yield share, encoder.droppable if share else ()
    finally:
        encoder.layer_drop = share


class _EveryLayerKept(TorchFunctionMode):
    """Some releases of transformers (5.17) draw each layer's lot as a tensor even where none is dropped, which is no number here."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        if func is torch.rand and args == ([],):
            return 1.0
        return func(*args, **(kwargs or {}))


def _expected(count: FlopCount, dropped: Collection[str], kept: float) -> FlopCount:
    """The count with the work inside the `dropped` modules times the share `kept`."""

    def inside(module: str) -> bool:
        parts = module.split(".")
        return any(".".join(parts[:n]) in dropped for n in range(1, len(parts) + 1))

    work = {key: flops * (kept if dropped and inside(key.module) else 1) for key, flops in count.work.items()}
    return replace(count, work=work)

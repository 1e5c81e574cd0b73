"""Floating-point operations counted from the graph, without data or memory.

1 MAC = 2 FLOPs. Matrix products, convolutions and attention are counted (attention through its math kernel, since
torch's counter reads fused attention on the CPU as 0); elementwise work and FFTs are not, and are listed by name. A
count with operators that may hide products is a lower bound and is marked as such.
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
    from ssl_models.loading.user_step import OpaqueStep

HIDDEN_PRODUCTS = re.compile(
    r"(?<!upsample_)(?<!upsample_bi)(?<!upsample_tri)linear|m[mv](?![a-z])|matmul|conv(?!ert)|attention|rnn|lstm|gru|einsum"
    r"|dist(?![a-z])|transformer|linalg_(?!vector_norm|cross|check)|cholesky|triangular_solve|lstsq|geqrf|orgqr|ormqr|matrix_exp"
)
"""A torch operator without a formula whose name contains one of these may hide matrix products."""
PLAIN_NAMED = frozenset({"aten", "prim", "prims", "profiler", "c10d", "_c10d_functional"})
"""Namespaces whose operators have telling names; all others (quantised, compiled, user-defined) may hide products."""


def may_hide_products(operator: str) -> bool:
    """Whether an operator without a formula, named `namespace.operator`, may contain matrix products."""
    namespace, _, name = operator.partition(".")
    return namespace not in PLAIN_NAMED or bool(HIDDEN_PRODUCTS.search(name))


@dataclass(frozen=True)
class FlopCount:
    """The operations of one call.

    Attributes:
        work: FLOPs by module, operator and phase, 2 per MAC; the expected value if layers are dropped at random.
        uncounted: operators without a formula and their calls, except views and bare allocations.
        unfit: operators with a formula that does not apply to their operands (sparse, quantised), and their calls.
    """

    work: dict[Work, float]
    uncounted: dict[str, int]
    unfit: dict[str, int] = field(default_factory=dict)

    @property
    def flops(self) -> int:
        """Model FLOPs: forward and backward, excluding whatever is computed twice."""
        return round(sum(flops for work, flops in self.work.items() if work.phase != "recomputed"))

    @property
    def hardware_flops(self) -> int:
        """All FLOPs that the hardware computes, including gradient checkpointing's second forward."""
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
        """Model FLOPs by module, including its submodules, in order of first use; "" is the whole model.

        `depth` limits the path: 1 means the root's children. A module's own operations count only there.
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
        """The suspects in words, empty if there are none; with any, the count is a lower bound."""
        named = ", ".join(f"{name} x {calls}" for name, calls in self.suspects.items())
        return f"{named} may hide uncounted matrix products" if named else ""

    def _split(self, key: Callable[[Work], str]) -> dict[str, int]:
        found: Counter[str] = Counter()
        for work, flops in self.work.items():
            if work.phase != "recomputed":
                found[key(work)] += flops  # type: ignore[assignment]
        return {name: round(flops) for name, flops in found.most_common()}


def count_flops(call: Callable[[], object], root: nn.Module | None = None) -> FlopCount:
    """FLOPs of `call`; under fake tensors, build its tensors inside `fake_tensors()`.

    Modules are named as seen from `root`.
    """
    counter = OperatorCounter(nn.Module() if root is None else root)
    with sdpa_kernel(SDPBackend.MATH), unfused_layers(), counter.counting():
        call()
    return FlopCount(dict(counter.flops), dict(counter.uncounted), dict(counter.unfit))


@contextmanager
def unfused_layers() -> Iterator[None]:
    """Disable torch's fused transformer layer, whose products no formula counts."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


def fake_tensors() -> AbstractContextManager[object]:
    """Make tensors inside the block have shapes but neither memory nor values."""
    return FakeTensors()


def inference_flops(build: Callable[[], Encoder], seconds: float, clips: int = 1) -> FlopCount:
    """FLOPs of encoding `clips` clips of `seconds`; `build` makes the encoder on the CPU and need not load weights."""
    with fake_tensors():
        return count_inference(build(), seconds, clips)


def training_flops(build: Callable[[], Pretraining], seconds: float, clips: int = 1) -> FlopCount:
    """FLOPs of one training step, forward and backward, with the model's own objective; the optimiser is excluded."""
    with fake_tensors():
        return count_training(build(), seconds, clips)


def count_inference(encoder: Encoder, seconds: float, clips: int = 1) -> FlopCount:
    """`inference_flops` of an encoder that was built inside the current `fake_tensors()`."""
    with torch.no_grad():
        waveforms = torch.zeros(clips, round(seconds * SAMPLE_RATE))
        return count_flops(lambda: encoder(waveforms), cast("nn.Module", encoder))


def count_training(pretraining: Pretraining, seconds: float, clips: int = 1) -> FlopCount:
    """`training_flops` of a model that was built inside the current `fake_tensors()`; no gradient is left behind.

    For layers that training drops at random, the expected value is counted: their work times the share kept.
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


def opaque_flops(step: OpaqueStep, seconds: float, device: torch.device) -> FlopCount:
    """FLOPs of a user's own step on one clip of `seconds`, its backward and its optimiser included.

    It is run once, on tensors with values, since such a step may look at them; the clip is noise. As it is the first
    call, what the step compiles is not compiled yet and runs operator by operator.
    """
    noise = 0.1 * torch.randn(1, round(seconds * SAMPLE_RATE), generator=torch.Generator().manual_seed(0))
    waveforms, lengths = noise.to(device), torch.full((1,), noise.shape[1], device=device)
    return count_flops(lambda: step(waveforms, lengths))


@contextmanager
def without_layer_drop(encoder: Any) -> Iterator[tuple[float, Collection[nn.Module]]]:  # noqa: ANN401 - any encoder
    """Run all layers; yields the share that training drops, and the layers it may drop."""
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
    """Replaces the random draws per layer that some transformers releases (5.17) make even without layer drop."""

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

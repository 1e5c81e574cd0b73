"""Floating-point operations counted from the graph, on no data and with no memory.

1 MAC = 2 FLOPs. Counted are matrix products, convolutions and attention (through its math kernel, since torch's counter
reads fused attention on the CPU as 0); elementwise work and FFTs are not, and are listed by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from models.interface import SAMPLE_RATE

if TYPE_CHECKING:
    import pandas as pd

    from models.interface import Encoder, Pretraining


@dataclass(frozen=True)
class FlopCount:
    """What one call costs.

    Attributes:
        flops: of the operators counted, 2 per MAC.
        by_operator: the same, split.
        uncounted: operators without a formula and their calls; views and allocations among them cost nothing.
    """

    flops: int
    by_operator: dict[str, int]
    uncounted: dict[str, int]

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.flops // 2


class _Calls(TorchDispatchMode):
    """Counts the operators that the counter has no formula for."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        # `prim` asks a tensor for its device or layout: a question, not an operator.
        if func.overloadpacket not in flop_registry and not func.is_view and func.namespace != "prim":
            self.calls[str(func.overloadpacket)] += 1
        return func(*args, **(kwargs or {}))


def count_flops(call: Callable[[], object]) -> FlopCount:
    """FLOPs of `call`, which must run under fake tensors (build its tensors inside `fake_tensors()`)."""
    counter, calls = FlopCounterMode(display=False), _Calls()
    with sdpa_kernel(SDPBackend.MATH), counter, calls:
        call()
    by_operator = {str(op): flops for op, flops in counter.get_flop_counts()["Global"].items()}
    return FlopCount(counter.get_total_flops(), by_operator, dict(calls.calls))


def fake_tensors() -> AbstractContextManager[object]:
    """Tensors made inside have shapes but neither memory nor values."""
    return FakeTensorMode(allow_non_fake_inputs=True)


def inference_flops(build: Callable[[], Encoder], seconds: float, clips: int = 1) -> FlopCount:
    """Of encoding `clips` clips of `seconds`; `build` makes the encoder, on the CPU, without weights being needed."""
    with fake_tensors(), torch.no_grad():
        encoder = build()
        waveforms = torch.zeros(clips, round(seconds * SAMPLE_RATE))
        return count_flops(partial(encoder, waveforms))


def training_flops(build: Callable[[], Pretraining], seconds: float, clips: int = 1) -> FlopCount:
    """Of one training step's forward and backward with the model's own objective; the optimiser's work is left out."""
    with ExitStack() as stack:
        stack.enter_context(fake_tensors())
        pretraining = build()
        waveforms = torch.zeros(clips, round(seconds * SAMPLE_RATE))
        generator = torch.Generator()

        def step() -> None:
            pretraining(waveforms, None, generator).loss.backward()

        return count_flops(step)


def module_table(encoder: nn.Module, seconds: float, depth: int = 2) -> pd.DataFrame:
    """MACs and parameters by module, as fvcore counts them: a second opinion.

    fvcore traces real tensors and knows no backward; attention is added here, which it lacks.
    Columns: module, macs, parameters.
    """
    import pandas as pd
    from fvcore.nn import FlopCountAnalysis, parameter_count

    waveforms = torch.zeros(1, round(seconds * SAMPLE_RATE))
    with torch.no_grad():
        analysis = FlopCountAnalysis(_LastLayer(encoder), (waveforms,))
        analysis.set_op_handle("aten::scaled_dot_product_attention", _attention_macs)
        analysis.unsupported_ops_warnings(enabled=False).uncalled_modules_warnings(enabled=False)
        analysis.tracer_warnings("none")
        macs = analysis.by_module()
    parameters = parameter_count(_LastLayer(encoder))
    shown = {name.removeprefix("encoder.") or "total": name for name in macs if name != "encoder"}
    rows = [
        (short, macs[name], parameters[f"encoder.{short}".removesuffix(".total")])
        for short, name in shown.items()
        if short.count(".") < depth
    ]
    return pd.DataFrame(rows, columns=["module", "macs", "parameters"])


class _LastLayer(nn.Module):
    """The encoder as the tracer can follow it: one tensor out."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """The last layer."""
        return self.encoder(waveforms).layers[-1]


def _attention_macs(inputs: list[Any], outputs: list[Any]) -> int:  # noqa: ARG001 - fvcore's signature
    """Scores and mixing: 2 B H T^2 d, from the traced shapes of query and key."""
    batch, heads, frames, width = inputs[0].type().sizes()
    return 2 * batch * heads * frames * inputs[1].type().sizes()[2] * width

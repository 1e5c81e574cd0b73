"""Every operator of a computation with its FLOPs, its module, and whether it runs forward or backward.

The formulas are torch's own (`torch.utils.flop_counter`). The traversal is not, for three reasons: torch's counter
ignores groups in the backward of convolutions, attributes the backward of one module to another, and cannot
distinguish what gradient checkpointing computes a second time from the backward itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import conv_flop_count, flop_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

Phase = Literal["forward", "backward", "recomputed"]
FREE = frozenset({
    "detach", "lift_fresh", "_unsafe_view", "empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided",
})  # fmt: skip
"""Neither views nor work."""


DENSE = frozenset({"torch.strided", "torch._mkldnn"})
COMPLEX = 4
"""Real products per complex product."""

ASKS_DEVICE = torch.ops.prim.device.default
"""A query that code makes thousands of times; a fake tensor can answer it directly."""


class Kind(NamedTuple):
    """An operator's name, its formula, whether it is composed of others, and whether it does any work."""

    name: str
    formula: Any
    composite: bool
    works: bool


@cache
def kind_of(func: Any) -> Kind:  # noqa: ANN401 - torch's operator
    """Look up an operator; autograd decomposes most composite ones before they get here.

    A user-defined operator has the formula registered with `torch.utils.flop_counter.register_flop_formula`.
    """
    packet, asks = func.overloadpacket, func.namespace == "prim"  # `prim` asks for a device or a layout
    formula = FORMULAS.get(packet, flop_registry.get(packet))
    has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key
    composite = formula is None and not asks and has_kernel(func.name(), "CompositeImplicitAutograd")
    return Kind(str(packet), formula, composite, not (asks or func.is_view or packet.__name__ in FREE))


class Work(NamedTuple):
    """Where FLOPs were spent: a module's path below the root ("" is the root), an operator and a phase."""

    module: str
    operator: str
    phase: Phase


class OperatorCounter(TorchDispatchMode):
    """Counts inside `counting()`: `flops` by `Work`, and calls of operators without a formula or with unfit operands.

    The module of a backward operator follows from autograd's sequence numbers: each node carries the number at which
    it was created, and the numbers at which modules were entered and left are kept. Inside a backward node gradients
    are off, except when a checkpointed forward runs again.
    """

    def __init__(self, root: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops: Counter[Work] = Counter()
        self.uncounted: Counter[str] = Counter()
        self.unfit: Counter[str] = Counter()
        self._names = {id(module): name for name, module in root.named_modules()}
        self._path: list[str] = [""]
        self._since, self._owner = [0], [""]

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Follow modules and operators inside the block."""
        enter = register_module_forward_pre_hook(self._enter)
        leave = register_module_forward_hook(self._leave, always_call=True)
        try:
            with self:
                yield
        finally:
            enter.remove()
            leave.remove()

    def _enter(self, module: nn.Module, inputs: object) -> None:  # noqa: ARG002 - torch's signature
        # A module outside the root is attributed to its caller.
        self._path.append(self._names.get(id(module), self._path[-1]))
        self._mark()

    def _leave(self, module: nn.Module, inputs: object, output: object) -> None:  # noqa: ARG002 - torch's signature
        self._path.pop()
        self._mark()

    def _mark(self) -> None:
        self._since.append(torch._C._autograd._get_sequence_nr())
        self._owner.append(self._path[-1])

    def _where(self) -> tuple[str, Phase]:
        node: Any = torch._C._current_autograd_node()
        if node is None:
            return self._path[-1], "forward"
        if torch.is_grad_enabled():
            return self._path[-1], "recomputed"
        return self._owner[bisect_right(self._since, node._sequence_nr()) - 1], "backward"

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        if func is ASKS_DEVICE and isinstance(args[0], FakeTensor):
            return args[0].fake_device
        kwargs, known = kwargs or {}, kind_of(func)
        if known.composite:
            with self:
                return func.decompose(*args, **kwargs)
        out = func(*args, **kwargs)
        if known.formula is not None and (kind := unfit_kind(args)):
            self.unfit[f"{known.name} on {kind} operands"] += 1
        elif known.formula is not None:
            self._count(known, args, kwargs, out)
        elif known.works:
            self.uncounted[known.name] += 1
        return out

    def _count(self, known: Kind, args: Any, kwargs: Any, out: Any) -> None:  # noqa: ANN401 - as above
        try:
            flops = known.formula(*args, **kwargs, out_val=out)
        except Exception:  # noqa: BLE001 - a formula that someone registered must not end the counted code
            self.unfit[f"{known.name}, whose formula fails"] += 1
            return
        where, phase = self._where()
        self.flops[Work(where, known.name, phase)] += flops * (COMPLEX if _is_complex(args) else 1)


def unfit_kind(operands: Any) -> str:  # noqa: ANN401 - an operator's arguments
    """Why formulas do not apply to these operands: "quantised", or a layout that is not dense; "" if they do."""
    for tensor in operands:
        if isinstance(tensor, torch.Tensor):
            if tensor.is_quantized:
                return "quantised"
            if (layout := str(tensor.layout)) not in DENSE:
                return layout.removeprefix("torch.")
    return ""


def _is_complex(operands: Any) -> bool:  # noqa: ANN401 - the same
    return any(isinstance(tensor, torch.Tensor) and tensor.is_complex() for tensor in operands)


def _conv_backward(grad_out: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, *rest: Any, **named: object) -> int:  # noqa: ANN401
    """The gradients of input and weight each take as many products as the forward, whatever the groups."""
    del named
    # The operator's further arguments: bias, stride, padding, dilation, transposed, output padding, groups, mask.
    transposed, mask = rest[4], rest[7]
    return conv_flop_count(list(x.shape), list(weight.shape), list(grad_out.shape), transposed) * sum(mask[:2])


def _recurrent(x: torch.Tensor, from_input: torch.Tensor, from_state: torch.Tensor, *rest: Any, **named: object) -> int:  # noqa: ANN401
    """One direction of one recurrent layer: each frame of `(T, B, C)` is multiplied by both matrices once."""
    del rest, named
    return 2 * x.shape[0] * x.shape[1] * (from_input.numel() + from_state.numel())


def _recurrent_backward(*arguments: Any, **named: Any) -> int:  # noqa: ANN401
    """The gradients of input and weights each take as many products as the forward."""
    return 2 * _recurrent(*arguments, **named)


def _matrix_vector(matrix: torch.Tensor, vector: torch.Tensor, **named: object) -> int:
    """A matrix or a vector times a vector, which torch's counter ignores."""
    del vector, named
    return 2 * matrix.numel()


def _attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *rest: Any, **named: Any) -> int:  # noqa: ANN401
    """Fused attention as its math kernel: queries `(B, H, T, D)` times keys, and weights times values."""
    del rest, named
    clips, heads, frames, width = query.shape
    return 2 * clips * heads * frames * key.shape[-2] * (width + value.shape[-1])


def _attention_backward(gradient: torch.Tensor, *arguments: Any, **named: Any) -> int:  # noqa: ANN401
    """Twice the forward; the scores that fused kernels compute again are no model FLOPs."""
    del gradient
    return 2 * _attention(*arguments, **named)


FUSED = ("flash_attention", "flash_attention_for_cpu", "efficient_attention", "cudnn_attention")
FORMULAS: dict[Any, Any] = {
    **{getattr(torch.ops.aten, f"_scaled_dot_product_{name}"): _attention for name in FUSED},
    **{getattr(torch.ops.aten, f"_scaled_dot_product_{name}_backward"): _attention_backward for name in FUSED},
    torch.ops.aten.mv: _matrix_vector,
    torch.ops.aten.dot: _matrix_vector,
    torch.ops.aten.vdot: _matrix_vector,
    torch.ops.aten.convolution_backward: _conv_backward,
    torch.ops.aten.mkldnn_rnn_layer: _recurrent,
    torch.ops.aten.mkldnn_rnn_layer_backward: _recurrent_backward,
}
"""In addition to torch's own, or replacing them; they take the operator's arguments and `out_val`, and return FLOPs."""

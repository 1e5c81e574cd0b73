"""Bytes that a computation on fake tensors would hold at each moment, by kind, and bytes that it would move."""

from __future__ import annotations

import weakref
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from ssl_benchmarks.counting.operators import ASKS_DEVICE, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Kind = Literal["weights", "gradients", "optimizer", "activations"]
BLOCK = 512
"""torch's CUDA allocator allocates multiples of this; the rounding is below 0.1 % for large tensors."""
CONVOLUTIONS = frozenset({torch.ops.aten.convolution, torch.ops.aten.convolution_backward})


def bytes_of(tensor: Tensor) -> int:
    """Bytes of a tensor's values, whatever else its storage holds."""
    return tensor.numel() * tensor.element_size()


class LiveBytes(TorchDispatchMode):
    """Follows every storage from creation to release, under an outer `FakeTensorMode`.

    Args:
        blocked_convolutions: whether convolutions copy to a blocked layout and back, as oneDNN does on a CPU.

    Attributes:
        live: current bytes, by kind; unmarked tensors count as activations.
        peak: the same at the largest sum since `restart`.
        moved: bytes read and written since `restart` by operators without matrix products, each tensor once per call.
    """

    def __init__(self, *, blocked_convolutions: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.blocked_convolutions = blocked_convolutions
        self.live: Counter[Kind] = Counter()
        self.peak: Counter[Kind] = Counter()
        self.moved = 0
        self._total = self._highest = 0
        self._kinds: dict[int, Kind] = {}
        self._ends: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        if func is ASKS_DEVICE and isinstance(args[0], FakeTensor):
            return args[0].fake_device
        out = func(*args, **(kwargs or {}))
        if func.is_view:
            return out
        made = [t for t in tree_iter(out) if isinstance(t, Tensor)]
        for tensor in made:
            self._see(tensor)
        known = kind_of(func)
        if self.blocked_convolutions and func.overloadpacket in CONVOLUTIONS:
            self._pass_through([bytes_of(t) for t in (*args[:2], *made) if isinstance(t, Tensor)])
        if known.works and known.formula is None:
            read = (t for t in tree_iter((args, kwargs or {})) if isinstance(t, Tensor))
            self.moved += sum(bytes_of(t) for t in (*read, *made))
        return out

    def _pass_through(self, sizes: list[int]) -> None:
        """Add the blocked copy that a convolution keeps of its largest tensor while it makes the others."""
        self._hold("activations", max(sizes))
        self._hold("activations", -max(sizes))

    def _hold(self, kind: Kind, size: int) -> None:
        """Add or subtract bytes of a kind."""
        self.live[kind] += size
        self._total += size
        if self._total > self._highest:
            self._highest, self.peak = self._total, self.live.copy()

    def _see(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._kinds:
            return
        size = -(-storage.nbytes() // BLOCK) * BLOCK
        self._kinds[key] = "activations"
        self._hold("activations", size)
        self._ends[key] = weakref.ref(storage, lambda _: self._forget(key, size))

    def _forget(self, key: int, size: int) -> None:
        del self._ends[key]
        self._hold(self._kinds.pop(key), -size)

    def mark(self, kind: Kind, tensors: Iterable[Tensor]) -> None:
        """Set the kind of these tensors, including those created before the block."""
        for tensor in tensors:
            self._see(tensor)
            storage = tensor.untyped_storage()
            size = -(-storage.nbytes() // BLOCK) * BLOCK
            before = self._kinds[storage._cdata]
            self._kinds[storage._cdata] = kind
            self._hold(before, -size)
            self._hold(kind, size)

    @contextmanager
    def gradients_marked(self, module: nn.Module) -> Iterator[None]:
        """Mark each gradient as such as soon as it exists, inside the block."""

        def mark(parameter: Tensor) -> None:
            if parameter.grad is not None:
                self.mark("gradients", [parameter.grad])

        learned = [p for p in module.parameters() if p.requires_grad]
        handles = [parameter.register_post_accumulate_grad_hook(mark) for parameter in learned]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def restart(self) -> None:
        """Forget the peak and the traffic so far."""
        self._highest, self.peak, self.moved = self._total, self.live.copy(), 0

"""Tensors with shapes but neither memory nor values, fast if the same operator meets the same shapes again.

torch's own fake tensors compute each result anew or look it up by a key that takes as long; the blocks of a model, and
a second look at the same clip, ask for the same thing hundreds of times. Once torch has computed the result of an
operator that returns fresh tensors, it is kept here by the shapes, strides and types of the arguments (for a pointwise
operator on contiguous tensors of one shape: by their types). Everything else is left to torch.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorConverter, FakeTensorMode
from torch.utils._pytree import tree_iter

aten = torch.ops.aten
VIEWS = frozenset({
    aten.view.default, aten._unsafe_view.default, aten.slice.Tensor, aten.select.int, aten.transpose.int, aten.permute.default,
    aten.t.default, aten.detach.default, aten.unsqueeze.default, aten.squeeze.dim, aten.expand.default, aten.split.Tensor,
    aten.split_with_sizes.default, aten.alias.default, aten.as_strided.default, aten.unbind.int, aten.unfold.default,
})  # fmt: skip
"""Views whose shapes torch's C++ code computes quickly."""
PLAIN = frozenset({
    int, float, bool, complex, str, type(None), torch.dtype, torch.device, torch.layout, torch.memory_format
})  # fmt: skip
"""Types that may be part of a key unchanged."""
CPU, META = torch.device("cpu"), torch.device("meta")

Made = tuple[torch.Size, tuple[int, ...], torch.dtype]
"""Shape, strides and type of a fresh tensor."""


class _NotKept(Exception):  # noqa: N818 - not an error: an answer that must be computed each time
    """Raised for a call whose result depends on more than shapes, or is not a fresh tensor."""


class _Converter(FakeTensorConverter):
    """Converts a plain constant directly: torch would import its compiler to name the tensor's origin."""

    def from_real_tensor(
        self,
        fake_mode: FakeTensorMode,
        t: Tensor,
        make_constant: bool = False,  # noqa: FBT001, FBT002 - torch's signature
        *args: Any,  # noqa: ANN401
        **how: Any,  # noqa: ANN401
    ) -> FakeTensor:
        if not make_constant or not _is_plain(t):
            return super().from_real_tensor(fake_mode, t, make_constant, *args, **how)
        with torch._C._DisableTorchDispatch():
            bare = torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device=META)
            made = FakeTensor(fake_mode, bare, CPU, constant=t)
        self.add_constant_storage_mapping(made)
        return made


def _is_plain(tensor: Tensor) -> bool:
    """Whether shape, strides and type fully describe a tensor except for its values."""
    return (
        type(tensor) is Tensor
        and tensor.layout is torch.strided
        and tensor.device == CPU
        and not tensor.is_inference()
        and not (
            tensor.requires_grad or tensor._is_view() or tensor.is_conj() or tensor.is_neg() or tensor.is_quantized
        )
    )


class FakeTensors(FakeTensorMode):
    """torch's fake tensors on a CPU, with remembered results of operators; real tensors may be mixed in."""

    answers: dict[tuple[Any, ...], Made | tuple[Made | None, ...] | None] = {}  # noqa: RUF012 - shared by all instances, as in torch
    unkept: set[Any] = set()  # noqa: RUF012 - the same
    types: dict[tuple[Any, ...], torch.dtype] = {}  # noqa: RUF012 - the same

    def __init__(self) -> None:
        super().__init__(allow_non_fake_inputs=True)
        self.cache_enabled = False
        self.fake_tensor_converter = _Converter(copy_data=self.propagate_real_tensors, export=False)
        self._attributes = dict(FakeTensor(self, torch.empty(0, device=META), CPU).__dict__)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        kwargs = kwargs or {}
        if func in VIEWS and self._is_ours(args[0]):
            return self._view(func, args, kwargs)
        if func in self.unkept:
            return super().__torch_dispatch__(func, types, args, kwargs)
        try:
            key = self._key(func, args, kwargs)
        except _NotKept:
            return super().__torch_dispatch__(func, types, args, kwargs)
        if key not in self.answers:
            return self._first(key, func, types, args, kwargs)
        return self._answer(self.answers[key], args)

    def _first(self, key: tuple[Any, ...], func: Any, types: Any, args: Any, kwargs: Any) -> Any:  # noqa: ANN401
        """The result of an operator for new arguments: computed by torch and remembered."""
        layout, kin = _pointwise(key)
        if known := self.types.get(kin):
            self.answers[key] = made = (*layout, known)
            return self._fresh(made)
        out: Any = super().__torch_dispatch__(func, types, args, kwargs)
        try:
            self.answers[key] = kept = _kept(func, args, kwargs, out)
        except _NotKept:
            self.unkept.add(func)
            return out
        if layout and kept == (*layout, getattr(out, "dtype", None)):
            self.types[kin] = out.dtype
        return out

    def _answer(self, made: Any, args: Any) -> Any:  # noqa: ANN401 - what is in `answers`
        if made is None:
            return args[0]
        if isinstance(made[0], torch.Size):
            return self._fresh(made)
        return tuple(None if one is None else self._fresh(one) for one in made)

    def _is_ours(self, value: object) -> bool:
        """Whether it is a dense tensor of this mode with unknown values."""
        return (
            isinstance(value, FakeTensor)
            and value.layout is torch.strided
            and value.fake_mode is self
            and value.constant is None
            and value.fake_device == CPU
        )

    def _key(self, func: Any, args: Any, kwargs: Any) -> tuple[Any, ...]:  # noqa: ANN401
        parts = [func, torch.is_inference_mode_enabled(), torch.get_default_dtype()]
        self._describe(parts, args)
        for name, value in kwargs.items():
            parts.append(name)
            self._describe(parts, (value,))
        return tuple(parts)

    def _describe(self, parts: list[Any], values: Any) -> None:  # noqa: ANN401
        for value in values:
            kind = type(value)
            if kind in PLAIN:
                parts.append((kind, value))  # since 1, 1.0 and True are equal
            elif isinstance(value, Tensor):
                if not self._is_ours(value):
                    raise _NotKept
                parts.append((value.shape, value.stride(), value.dtype))
            elif kind is list or kind is tuple:
                parts.append(len(value))
                self._describe(parts, value)
            else:
                raise _NotKept

    def _view(self, func: Any, args: Any, kwargs: Any) -> Any:  # noqa: ANN401
        with torch._C._DisableTorchDispatch(), torch._C._PreserveDispatchKeyGuard():
            torch._C._set_meta_in_tls_dispatch_include(True)
            self.in_kernel_invocation = True
            try:
                out = func(*args, **kwargs)
            finally:
                self.in_kernel_invocation = False
        return self._wrapped(out) if isinstance(out, Tensor) else [self._wrapped(one) for one in out]

    def _fresh(self, made: Any) -> FakeTensor:  # noqa: ANN401 - a Made
        shape, strides, dtype = made
        with torch._C._DisableTorchDispatch():
            return self._wrapped(torch.empty_strided(shape, strides, dtype=dtype, device=META))

    def _wrapped(self, bare: Tensor) -> FakeTensor:
        """The same as `FakeTensor(self, bare, CPU)`, in a quarter of the time."""
        tensor = Tensor._make_subclass(FakeTensor, bare, False, dispatch_device=True, device_for_backend_keys=CPU)
        torch._C._set_throw_on_mutable_data_ptr(tensor)
        tensor.__dict__.update(self._attributes)
        return tensor


def _pointwise(key: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """The layout that a pointwise operator's contiguous tensors share with its result, and what decides the result's type.

    Two empty tuples for any other call.
    """
    tensors = {part for part in key if type(part) is tuple and type(part[0]) is torch.Size}
    layouts = {part[:2] for part in tensors}
    if torch.Tag.pointwise not in key[0].tags or len(layouts) != 1:
        return (), ()
    ((shape, strides),) = layouts
    if strides != tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape))):
        return (), ()
    return (shape, strides), tuple(part[2] if part in tensors else part for part in key)


def _kept(func: Any, args: Any, kwargs: Any, out: Any) -> Made | tuple[Made | None, ...] | None:  # noqa: ANN401
    """What to return next time: None for the first argument, modified in place; otherwise the fresh tensors.

    Raises:
        _NotKept: for anything else.
    """
    if func.namespace != "aten" or {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape, torch.Tag.inplace_view} & set(func.tags):  # fmt: skip
        raise _NotKept
    has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key
    if has_kernel(func.name(), "CompositeImplicitAutograd") and not has_kernel(func.name(), "CPU"):
        raise _NotKept  # it is composed of others, which a switch may select
    written = func._schema.is_mutable
    if written and out is args[0] and func._schema.name.endswith("_") and len(func._schema.returns) == 1:
        return None
    if written or any(given.alias_info is not None for given in func._schema.returns):
        raise _NotKept
    held = {t.untyped_storage()._cdata for t in tree_iter((args, kwargs)) if isinstance(t, Tensor)}
    if isinstance(out, Tensor):
        return _made(out, held)
    if isinstance(out, tuple) and all(one is None or isinstance(one, Tensor) for one in out):
        return tuple(None if one is None else _made(one, held) for one in out)
    raise _NotKept


def _made(tensor: Tensor, held: set[int]) -> Made:
    """Shape, strides and type of a tensor with a plain storage of its own."""
    ours = type(tensor) is FakeTensor and tensor.constant is None and tensor.fake_device == CPU
    if (
        not ours
        or tensor.layout is not torch.strided
        or tensor.untyped_storage()._cdata in held
        or tensor.storage_offset()
        or tensor.is_conj()
        or tensor.is_neg()
    ):
        raise _NotKept
    last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    if tensor.untyped_storage().nbytes() != (last + 1) * tensor.element_size() * bool(tensor.numel()):
        raise _NotKept
    return tensor.shape, tensor.stride(), tensor.dtype

"""The weights of a module, including those that are neither parameters nor plain tensors of its state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes

SPARSE = {
    torch.sparse_coo: ("_indices", "_values"),
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
}
"""The dense tensors that make up a sparse one, by its layout."""


def state_tensors(module: nn.Module) -> list[Tensor]:
    """Every dense tensor of a module's state; for sparse ones, indices and values."""
    return [part for value in module.state_dict().values() for part in tensors_in(value)]


def parameter_count(module: nn.Module) -> int:
    """Number of weights of a module: its parameters and the packed weights of quantised layers."""
    return sum(p.numel() for p in module.parameters()) + packed_count(module)


def packed_count(module: nn.Module) -> int:
    """Number of packed weights, as found by `packed_tensors`."""
    return sum(tensor.numel() for tensor in packed_tensors(module))


def packed_tensors(module: nn.Module) -> list[Tensor]:
    """Weights that are not tensors of the module's state but packed into other objects, as in quantised layers.

    Each is listed once, with its values even under fake tensors.
    """
    with _disable_current_modes():
        packed = (value for value in module.state_dict().values() if not isinstance(value, Tensor))
        unpacked = [tensor for value in packed for tensor in tensors_in(value)]
        return list({tensor.data_ptr(): tensor for tensor in unpacked}.values())


def tensors_in(value: object) -> Iterator[Tensor]:
    """The tensors of an entry of a state: the tensor itself, or those packed in containers and C++ objects."""
    if isinstance(value, Tensor):
        parts = SPARSE.get(value.layout)
        yield from [value] if parts is None else (getattr(value, part)() for part in parts)
    elif isinstance(value, torch.ScriptObject):
        with suppress(RuntimeError):  # an object without a state of its own
            yield from tensors_in(value.__getstate__())
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors_in(part)

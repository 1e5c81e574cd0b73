"""What a callable holds: modules, optimisers and parameters that can be found without calling it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from types import CodeType, FunctionType, MethodType, ModuleType

from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

MOST_OBJECTS = 20_000
"""Objects looked at, the nearest first: a step may hold a whole data set."""
CLOSED = (str, bytes, bytearray, int, float, complex, bool, type(None), type, ModuleType)
"""What is not looked into: plain values, classes and whole modules of Python."""


@dataclass(frozen=True)
class Holdings:
    """What was found, each once.

    Attributes:
        modules: of torch, without those inside another that was found.
        optimisers: of torch.
        parameters: of the modules and optimisers, and free ones that require a gradient.
        buffers: of the modules.
    """

    modules: tuple[nn.Module, ...]
    optimisers: tuple[Optimizer, ...]
    parameters: tuple[Tensor, ...]
    buffers: tuple[Tensor, ...]


def held_by(root: object) -> Holdings:
    """What is in the closure, the attributes, the containers and the named globals of a callable."""
    found = list(_reached(root))
    modules = [each for each in found if isinstance(each, nn.Module)]
    inner = {id(child) for module in modules for child in module.modules() if child is not module}
    modules = [module for module in modules if id(module) not in inner]
    optimisers = [each for each in found if isinstance(each, Optimizer)]
    free = [each for each in found if isinstance(each, Tensor) and each.requires_grad and each.is_leaf]
    learned = [*(p for module in modules for p in module.parameters()), *_optimised(optimisers), *free]
    buffers = [buffer for module in modules for buffer in module.buffers()]
    return Holdings(tuple(modules), tuple(optimisers), _distinct(learned), _distinct(buffers))


def _optimised(optimisers: Iterable[Optimizer]) -> Iterator[Tensor]:
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            yield from group["params"]


def _distinct(tensors: Iterable[Tensor]) -> tuple[Tensor, ...]:
    """Each once, without those of lazy modules that have no shape yet."""
    return tuple({id(tensor): tensor for tensor in tensors if not is_lazy(tensor)}.values())


def _reached(root: object) -> Iterator[object]:
    """Every object that is reached, breadth first, each once."""
    seen: dict[int, object] = {}  # keeps what it lists alive, so that no id is given twice
    waiting = deque([root])
    while waiting and len(seen) < MOST_OBJECTS:
        value = waiting.popleft()
        if id(value) in seen or isinstance(value, CLOSED):
            continue
        seen[id(value)] = value
        yield value
        with suppress(Exception):  # objects of anyone's making
            waiting.extend(islice(_parts(value), MOST_OBJECTS))


def _parts(value: object) -> Iterator[object]:
    match value:
        case nn.Module() | Optimizer() | Tensor():
            pass
        case FunctionType():
            yield from _of_function(value)
        case MethodType():
            yield from (value.__self__, value.__func__)
        case partial():
            yield from (value.func, *value.args, *value.keywords.values())
        case dict():
            yield from value.values()
        case list() | tuple() | set() | frozenset() | deque():
            yield from value
        case _:
            yield from (f for f in [getattr(type(value), "__call__", None)] if isinstance(f, FunctionType))  # noqa: B004 - the function itself
            yield from vars(value).values()


def _of_function(function: FunctionType) -> Iterator[object]:
    yield from (function.__defaults__ or ())
    yield from (function.__kwdefaults__ or {}).values()
    yield from vars(function).values()
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # an empty cell
            yield cell.cell_contents
    if function.__module__.partition(".")[0] != "torch":  # a wrapper of torch's holds what it wraps in its closure
        held = function.__globals__
        yield from (held[name] for name in _names(function.__code__) if name in held)


def _names(code: CodeType) -> Iterator[str]:
    """The global names that a function and those defined in it use."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)

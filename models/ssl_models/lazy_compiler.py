"""Delays the import of torch's compiler until something is compiled: it takes as long as importing torch itself.

`torch.optim` and fake tensors import `torch._dynamo` to say "do not compile this" or to read one setting. After
`import_compiler_when_needed` they get a stand-in that answers just that; any other attribute, and any import of a part,
loads the real compiler into the same module object. If torch changes its structure, it is simply imported as before.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import FunctionType, ModuleType
from typing import Any

COMPILER = "torch._dynamo"
PARTS = frozenset({f"{COMPILER}.config", f"{COMPILER}._trace_wrapped_higher_order_op"})
"""Parts that do not need the others: its settings, and the one operator that transformers uses."""
MARKS = frozenset({"allow_in_graph", "assume_constant_result"})
"""Decorators that mark a function and return it."""
COMPILED = "OptimizedModule"
"""The class by which libraries recognise compiled modules."""
MARKED: list[tuple[str, Any]] = []
"""Marks to pass on when the compiler is loaded: the decorator's name and the function."""
LOCK = threading.RLock()


def import_compiler_when_needed() -> None:
    """Make `import torch._dynamo` load a stand-in; does nothing if the compiler is loaded already."""
    if COMPILER not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _StandIn(ModuleType):
    """The compiler before it is loaded."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of the compiler
        if name == "graph_break":
            return _nothing
        if name == "disable":
            return _disable
        if name in MARKS:
            return _mark(name)
        if name == COMPILED:
            return _Compiled
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        _load(self)
        return getattr(self, name)


class _CompiledType(type):
    """Recognises compiled modules: none until the compiler is loaded."""

    def __instancecheck__(cls, instance: object) -> bool:
        module: Any = sys.modules[COMPILER]
        return not isinstance(module, _StandIn) and isinstance(instance, getattr(module, COMPILED))


class _Compiled(metaclass=_CompiledType):
    """Stands for the class of compiled modules: it recognises their instances but creates none."""


def _nothing(msg: str = "") -> None:
    """`graph_break` when nothing is compiled."""
    del msg


def _mark(name: str) -> Callable[[Any], Any]:
    """A decorator that marks a function for the compiler, passed on once that is loaded."""

    def mark(fn: Any) -> Any:  # noqa: ANN401 - torch's signature
        module = sys.modules[COMPILER]
        if type(fn) is not FunctionType or not isinstance(module, _StandIn):
            return getattr(_loaded(), name)(fn)
        MARKED.append((name, fn))
        return fn

    return mark


def _disable(fn: Any = None, recursive: bool = True, **how: Any) -> Any:  # noqa: ANN401, FBT001, FBT002 - torch's signature
    """`disable` of a plain function: unchanged until there is a compiler that must not touch it."""
    if fn is None:
        return lambda fn: _disable(fn, recursive, **how)
    module: Any = sys.modules[COMPILER]
    if type(fn) is not FunctionType or not isinstance(module, _StandIn):
        return _loaded().disable(fn, recursive, **how)
    kept: list[Callable[..., Any]] = []

    @wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - of any function
        if type(module) is _StandIn:
            return fn(*args, **kwargs)
        if not kept:
            kept.append(module.disable(fn, recursive, **how))
        return kept[0](*args, **kwargs)

    return call


def _loaded() -> Any:  # noqa: ANN401 - torch's module
    module = sys.modules[COMPILER]
    _load(module)
    return module


def _load(module: ModuleType) -> None:
    """Turn the stand-in into the compiler."""
    with LOCK:
        if not isinstance(module, _StandIn):
            return
        spec = module.__spec__
        if spec is None or not isinstance(spec.loader, _Later):
            raise ImportError(f"{COMPILER}: it cannot be imported", name=COMPILER)
        later, real = spec.loader, spec.loader.real
        _become(module, ModuleType, real)
        try:
            real.exec_module(module)
        except BaseException:
            _become(module, _StandIn, later)
            raise
        for name, fn in MARKED:
            getattr(module, name)(fn)
        MARKED.clear()


def _become(module: Any, kind: type[ModuleType], loader: Loader) -> None:  # noqa: ANN401 - a module of either kind
    module.__class__, module.__loader__, module.__spec__.loader = kind, loader, loader


class _Finder(MetaPathFinder):
    """Finds the compiler, and makes sure that the whole is loaded before most of its parts."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The stand-in, or a part that came with the whole; None for any other module."""
        del target
        if fullname == COMPILER:
            spec = PathFinder.find_spec(fullname, path)
            if spec is not None and spec.loader is not None:
                spec.loader = _Later(spec.loader)
            return spec
        module = sys.modules.get(COMPILER)
        if fullname.startswith(f"{COMPILER}.") and fullname not in PARTS and isinstance(module, _StandIn):
            _load(module)
            if fullname in sys.modules:
                return ModuleSpec(fullname, _Here(), is_package=hasattr(sys.modules[fullname], "__path__"))
        return None


class _Later(Loader):
    """Creates the stand-in, and keeps the compiler's loader."""

    def __init__(self, real: Loader) -> None:
        self.real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The stand-in."""
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing yet."""


class _Here(Loader):
    """Returns a part that was imported during the search for it."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The part itself."""
        return sys.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: it has run already."""

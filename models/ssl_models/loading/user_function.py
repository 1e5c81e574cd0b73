"""A user's own function, in a file or in an installed package."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch._subclasses.fake_tensor import unset_fake_temporarily

from ssl_models.errors import BadInputError
from ssl_models.loading.user_code import contained

if TYPE_CHECKING:
    from collections.abc import Callable


def made_by(name: str, returns: str) -> Any:  # noqa: ANN401 - whatever the user's function returns
    """What `path/to/file.py:function` or `package.module:function` returns; the function is called without arguments.

    A file is run under a private name, so that no file beside it can shadow one of our packages. `returns` says in
    error messages what the function must return.

    Raises:
        BadInputError: if the file, module or function does not exist, or fails.
    """
    where, _, attribute = name.rpartition(":")
    function = _function(name, where, attribute, returns)
    # Code that loads weights from a file needs tensors with values, and so does a cache that it may keep.
    with contained(name, "building"), unset_fake_temporarily():
        return function()


def _function(name: str, where: str, attribute: str, returns: str) -> Callable[[], Any]:
    path = Path(where)
    if path.suffix == ".py" and not path.is_file():
        raise BadInputError(f"{path}: no such file; write path/to/file.py:function")
    # What the file caches must be real tensors, even if the first call comes from fake ones.
    with contained(name, "importing"), unset_fake_temporarily():
        module = _module_of_file(path.resolve()) if path.suffix == ".py" else importlib.import_module(where)
    function = getattr(module, attribute, None)
    if not callable(function):
        raise BadInputError(f"{name}: no function {attribute!r} in {where}; {returns}")
    return function


@lru_cache(maxsize=8)
def _module_of_file(path: Path) -> Any:  # noqa: ANN401 - a module
    spec = importlib.util.spec_from_file_location(f"_sslbench_user_{path.stem}_{abs(hash(path)):x}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    # Last on the path: the file's own helpers are found, but cannot hide a package.
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module

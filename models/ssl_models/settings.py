"""Conversion of a model's settings to and from plain documents, for any family."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass
from typing import Any, Literal, TypeVar, cast

T = TypeVar("T")


def from_document(kind: type[T], values: dict[str, Any]) -> T:
    """Settings from the JSON of `dataclasses.asdict`; nested settings are recognised by their field names.

    Raises:
        TypeError, ValueError: if the values are not such settings.
    """
    hints = typing.get_type_hints(kind)
    found = {name: _value(hints.get(name), value) for name, value in values.items()}
    wrong = [name for name, value in found.items() if name in hints and not fits(value, hints[name])]
    if wrong:
        raise TypeError(f"{wrong[0]} = {found[wrong[0]]!r} is not of the kind {spelled(hints[wrong[0]])}")
    return kind(**found)


def _value(hint: Any, value: Any) -> Any:  # noqa: ANN401 - any annotation and a matching value
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, dict):
        return value
    options = [option for option in (hint, *typing.get_args(hint)) if is_dataclass(option)]
    found = [option for option in options if {f.name for f in fields(option)} >= set(value)]
    if not found:
        raise TypeError(f"no settings class has the fields {', '.join(value)}")
    # If several classes could hold the values, the one with the fewest fields is chosen.
    return from_document(cast("type[Any]", min(found, key=lambda option: len(fields(option)))), value)


def fits(value: Any, wanted: Any) -> bool:  # noqa: ANN401 - any value, any annotation
    """Whether a value from JSON or TOML fits an annotation; integers may be given for floats."""
    origin = typing.get_origin(wanted)
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, option) for option in typing.get_args(wanted))
    if origin is Literal:
        return value in typing.get_args(wanted)
    if origin is tuple:
        return isinstance(value, list | tuple) and _tuple_fits(value, typing.get_args(wanted))
    if origin is not None:
        return isinstance(value, dict)
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))


def _tuple_fits(value: list[Any] | tuple[Any, ...], kinds: tuple[Any, ...]) -> bool:
    if kinds[-1] is Ellipsis:
        return all(fits(item, kinds[0]) for item in value)
    return len(value) == len(kinds) and all(fits(item, kind) for item, kind in zip(value, kinds, strict=True))


def spelled(wanted: Any) -> str:  # noqa: ANN401 - any annotation
    """An annotation in the words of an error message."""
    return wanted.__name__ if isinstance(wanted, type) else str(wanted).replace("typing.", "")

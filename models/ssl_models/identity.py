"""A model's name states what it is: settings that differ from the catalogue's are part of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

SPELLED = 3
"""Differences spelled out in a name; with more, it has the first ones, the number of the rest and a digest."""


def named_by_settings(name: str, settings: Any, catalog: Any) -> str:  # noqa: ANN401 - any family's settings
    """The name if the settings are the catalogue's, else with the differences: `efficient-base, encoder.blocks=2`."""
    found = list(_differences(settings, catalog))
    if not found:
        return name
    if len(found) <= SPELLED:
        return f"{name}, {', '.join(found)}"
    digest = hashlib.sha256("\n".join(found).encode()).hexdigest()[:4]
    return f"{name}, {', '.join(found[: SPELLED - 1])} and {len(found) - SPELLED + 1} more [{digest}]"


def _differences(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - any settings
    """Each setting that differs, by its path."""
    if not (is_dataclass(ours) and type(ours) is type(theirs)):
        if ours != theirs:
            yield f"{path}={_worded(ours)}"
        return
    for each in fields(ours):
        where = f"{path}.{each.name}" if path else each.name
        yield from _differences(getattr(ours, each.name), getattr(theirs, each.name), where)


def _worded(value: Any) -> str:  # noqa: ANN401 - a setting's
    """A value without blanks, since commas and blanks separate the settings."""
    if is_dataclass(value):
        return type(value).__name__
    return (
        "x".join(map(str, value))
        if isinstance(value, tuple)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )

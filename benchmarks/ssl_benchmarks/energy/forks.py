"""Forked children: they inherit a meter's memory but not its thread, so their meters are disabled."""

from __future__ import annotations

import os
import weakref
from functools import lru_cache
from typing import Protocol


class Orphan(Protocol):
    """An object that is invalid in a forked child."""

    def leave_to_parent(self) -> None:
        """Become harmless in the child."""


_RUNNING: weakref.WeakSet[Orphan] = weakref.WeakSet()


def watch(meter: Orphan) -> None:
    """Notify a meter when this process is a fork of the one that started it."""
    _register()
    _RUNNING.add(meter)


def forget(meter: Orphan) -> None:
    """Stop watching a meter."""
    _RUNNING.discard(meter)


@lru_cache(maxsize=1)
def _register() -> None:
    os.register_at_fork(after_in_child=_orphan)


def _orphan() -> None:
    for meter in list(_RUNNING):
        meter.leave_to_parent()
    _RUNNING.clear()

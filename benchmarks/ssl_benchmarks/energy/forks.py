"""Forked children: they inherit a meter's memory, not its thread, so they are told that they have none."""

from __future__ import annotations

import os
import weakref
from functools import lru_cache
from typing import Protocol


class Orphan(Protocol):
    """What a fork leaves behind."""

    def leave_to_parent(self) -> None:
        """Become harmless, in the child."""


_RUNNING: weakref.WeakSet[Orphan] = weakref.WeakSet()


def watch(meter: Orphan) -> None:
    """Tell a meter when this process is the child of the one that started it."""
    _register()
    _RUNNING.add(meter)


def forget(meter: Orphan) -> None:
    """Leave a meter alone from now on."""
    _RUNNING.discard(meter)


@lru_cache(maxsize=1)
def _register() -> None:
    os.register_at_fork(after_in_child=_orphan)


def _orphan() -> None:
    for meter in list(_RUNNING):
        meter.leave_to_parent()
    _RUNNING.clear()

"""The metered parts of a machine, and which of them add up to the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ssl_benchmarks.record.quantity import Quantity

SCOPES = ("gpu", "cpu", "dram")
"""The parts of the scope "machine"."""
MODULE = "module"
"""Scope of a module shared by GPU and CPU: the sensor of the whole, besides those of its parts."""


def of_machine(parts: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """The parts that add up to the machine: `SCOPES`, or a module in place of its GPU and of parts that are only modelled.

    A CPU with its own counter is not part of the module, whose CPU has none that we read.
    """
    alone = {scope: part for scope, part in parts.items() if scope != MODULE}
    module = parts.get(MODULE)
    if module is None or module.value is None:
        return alone
    return {MODULE: module} | {
        scope: part for scope, part in alone.items() if scope != "gpu" and part.method == "measured"
    }

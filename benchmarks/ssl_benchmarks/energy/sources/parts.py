"""The parts of a machine that are metered, and which of them add up to the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ssl_benchmarks.record.quantity import Quantity

SCOPES = ("gpu", "cpu", "dram")
"""The parts of the scope "machine"."""
MODULE = "module"
"""Where GPU and CPU share one: the sensor of all of it, beside those of its parts."""


def of_machine(parts: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """The parts whose sum is the machine: those of `SCOPES`, or a module for its GPU and for what is only modelled beside it.

    A CPU with a counter of its own is not the module's, which has none that we read.
    """
    alone = {scope: part for scope, part in parts.items() if scope != MODULE}
    module = parts.get(MODULE)
    if module is None or module.value is None:
        return alone
    return {MODULE: module} | {
        scope: part for scope, part in alone.items() if scope != "gpu" and part.method == "measured"
    }

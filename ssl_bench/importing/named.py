"""Figures that a user logged over time under names of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ssl_bench.importing.power import Sample, Span, integrated
from ssl_bench.importing.recorded import Figure, by_scope
from ssl_bench.settings.importing import POWER, Naming
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_models.errors import BadInputError, choose

SHOWN = 10
"""The most names that a remark lists."""


def named_figures(
    naming: Naming, logged: Mapping[str, Sequence[Sample]], span: Span, said: str
) -> dict[Figure, Quantity]:
    """The figures that a naming finds: the last value of each, and the integral of powers.

    Args:
        naming: of the values.
        logged: the values by name, in the order in which they were logged.
        span: of the run.
        said: how the notes of its figures begin.

    Raises:
        BadInputError: for a name that was not logged, or a value that cannot be.
    """
    found: dict[Figure, Quantity] = {}
    powers: dict[str | None, dict[str, list[Sample]]] = defaultdict(dict)
    for each in naming.figures:
        samples = logged[choose(each.source, sorted(logged), "logged figure")]
        if each.target == POWER:
            powers[each.scope][each.source] = [(time_s, each.factor * value) for time_s, value in samples]
            continue
        note = f"{said}: the last value logged as {each.source}"
        try:
            found[each.target, each.scope] = Quantity(samples[-1][1] * each.factor, each.unit, naming.method, note=note)
        except ValueError as error:
            raise BadInputError(f"{each.source}: {error}") from error
    for scope, devices in powers.items():
        found["energy", scope] = integrated(devices, span, said)
    return found


def energy_of(gpu: Quantity, figures: Mapping[Figure, Quantity], said: str) -> dict[str, Quantity]:
    """Energy by scope of a tool that meters GPUs at most; what the user names takes the place of its own."""
    unmetered = unavailable("J", f"{said}: not metered")
    named = {scope: quantity for (metric, scope), quantity in figures.items() if metric == "energy" and scope}
    return by_scope({"gpu": gpu, "cpu": unmetered, "dram": unmetered, **named}, said)


def unnamed(names: Iterable[str], naming: Naming) -> tuple[str, ...]:
    """A remark on the names that no naming mentions, if there are any."""
    rest = sorted(set(names).difference(naming.sources))
    more = f" and {len(rest) - SHOWN:,} more" if len(rest) > SHOWN else ""
    return (f"not imported without --map: {', '.join(rest[:SHOWN])}{more}",) if rest else ()

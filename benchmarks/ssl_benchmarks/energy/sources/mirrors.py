"""One counter under two names, as some processors list a package's counter for each of its dies: it counts once."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from ssl_benchmarks.energy.sources.rapl import Domain, find_domains, micro, unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ssl_benchmarks.energy.sources.source import Scope

Look = Callable[[], float | None]
"""A counter's value in J; None if it cannot be read."""
WATCHED_S = 0.1
"""Seconds for which two counters with equal values are watched; a working counter is updated about once a millisecond."""
MOVES = 3
"""Number of equal moves that show two names to be one counter."""


def find_counters(root: Path) -> dict[Scope, list[Domain]]:
    """The domains of each scope from `find_domains`, each counter once; a scope that cannot be read is left unchanged."""
    found = find_domains(root)
    readable = [domain for domains in found.values() if not unreadable(domains) for domain in domains]
    mirrors = {domain.path for domain in readable} - {domain.path for domain in without_mirrors(readable)}
    return {scope: [domain for domain in domains if domain.path not in mirrors] for scope, domains in found.items()}


def without_mirrors(domains: Sequence[Domain]) -> list[Domain]:
    """The domains without duplicates; each lists in `mirrors` the other names of its counter.

    Takes up to `WATCHED_S` if two counters have equal values, and no time if all differ.
    """
    kept: list[Domain] = []
    for domain in domains:
        twin = next((other for other in kept if _show_one(other, domain)), None)
        if twin is None:
            kept.append(domain)
        else:
            twin.mirrors = (*twin.mirrors, domain.name)
    return kept


def _show_one(one: Domain, other: Domain) -> bool:
    """Whether two domains are one file or one counter."""
    first, second = one.path / "energy_uj", other.path / "energy_uj"
    with suppress(OSError):
        if first.samefile(second):
            return True
    return are_one(lambda: micro(first), lambda: micro(second), WATCHED_S)


def are_one(first: Look, second: Look, watched_s: float) -> bool:
    """Whether two looks are at one counter: each value of the second then lies between two of the first.

    Two separate counters may be equal by chance, but not while they move.
    """
    end, seen = time.perf_counter() + watched_s, set[float]()
    while time.perf_counter() < end:
        before, between, after = first(), second(), first()
        if before is None or between is None or after is None:
            return False
        if before <= after and not before <= between <= after:
            return False
        seen.add(before)
        if len(seen) > MOVES:
            return True
        time.sleep(0.001)
    return False

"""Units in which a figure may be given, and their factors to those of records."""

from __future__ import annotations

PREFIXES = (
    (1e18, "E"),
    (1e15, "P"),
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "µ"),
)


def _prefixed(unit: str, factor: float = 1.0) -> dict[str, float]:
    return {prefix + unit: factor * times for times, prefix in PREFIXES}


UNITS: dict[str, dict[str, float]] = {
    "J": _prefixed("J") | _prefixed("Wh", 3600.0),
    "J/h": _prefixed("J/h") | _prefixed("Wh/h", 3600.0),
    "W": _prefixed("W"),
    "s": {"s": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0, "d": 86_400.0},
    "h": {"h": 1.0, "s": 1 / 3600, "min": 1 / 60, "d": 24.0},
    "B": _prefixed("B") | {"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40},
    "g": _prefixed("g") | {"t": 1e6},
    "1": {"1": 1.0, "%": 0.01, "k": 1e3, "M": 1e6, "G": 1e9},
    **{unit: _prefixed(unit) for unit in ("FLOP", "MAC", "FLOP/s", "MAC/s")},
}
"""By a record's unit, the units that may be given and the factor from each; any other unit of a record stands for itself."""

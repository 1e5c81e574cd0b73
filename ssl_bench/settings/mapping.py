"""What a figure of a user's own name means: `METRIC[.SCOPE]=NAME[:UNIT]`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ssl_benchmarks.record.metrics import METRICS, STATED
from ssl_benchmarks.record.record import SCOPES
from ssl_models.errors import BadInputError, choose
from ssl_reports.units import PREFIXES

StatedMethod = Literal["measured", "sampled", "modelled", "stated"]
POWER = "power"
"""Power over time, to be integrated; unlike a metric, it may be mapped several times, once for each device."""
TEXTS = ("name", "device")
GPUS = "gpus"
SCOPED = frozenset({POWER, "energy", "energy_net", "energy_per_audio_hour", "power_mean", "power_idle", "co2e"})


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
"""By a record's unit, the units that a user may give and the factor from each; any other unit of a record stands for itself."""


@dataclass(frozen=True)
class Mapped:
    """A figure by its name in the source.

    Attributes:
        target: a metric, "power", or in a table also "name", "device" or "gpus".
        scope: of an energy, a power or a CO2e.
        source: its name.
        unit: of the record.
        factor: from the source's unit to that of the record.
    """

    target: str
    scope: str | None
    source: str
    unit: str
    factor: float


@dataclass(frozen=True)
class Naming:
    """What a user says of the names in a source.

    Attributes:
        figures: what they are.
        method: how their figures were obtained.
    """

    figures: tuple[Mapped, ...]
    method: StatedMethod

    @property
    def sources(self) -> frozenset[str]:
        """The names."""
        return frozenset(each.source for each in self.figures)


def mapped(texts: Sequence[str], others: Sequence[str] = ()) -> tuple[Mapped, ...]:
    """The figures of `--map`; `others` are the targets that are possible besides metrics.

    Raises:
        BadInputError: for a text of another form, an unknown metric, scope or unit, or a figure given twice.
    """
    found = tuple(_mapped(text, others) for text in texts)
    count = Counter((each.target, each.scope) for each in found if each.target != POWER)
    if twice := next((target for (target, _), times in count.items() if times > 1), None):
        raise BadInputError(f"--map: {twice} is given twice")
    return found


def _mapped(text: str, others: Sequence[str]) -> Mapped:
    goal, _, name = text.partition("=")
    source, colon, unit = name.rpartition(":")
    if not colon:
        source, unit = name, ""
    if not goal or not source:
        raise BadInputError(f"--map {text}: write METRIC=NAME:UNIT, such as energy.gpu=kwh:kWh")
    target, dot, scope = goal.partition(".")
    choose(target, [*others, *(each for each in METRICS if each != STATED)], "--map")
    if target in TEXTS or target == GPUS:
        return Mapped(target, None, name, "", 1.0)
    if dot and target not in SCOPED:
        raise BadInputError(f"--map {text}: {target} has no scope")
    scope = choose(scope, sorted(SCOPES), f"scope of --map {target}") if dot else "machine"
    own = "W" if target == POWER else METRICS[target].unit
    units = UNITS.get(own, {own: 1.0})
    if unit and unit not in units:
        raise BadInputError(f"--map {text}: {unit!r} is no unit of {target}; give one of {', '.join(units)}")
    return Mapped(target, scope if target in SCOPED else None, source, own, units.get(unit, 1.0))

"""What a comparison has time for: how long its first round will take, what of it is left out, and how long later windows are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ssl_benchmarks.comparing.rounds import Cell
from ssl_benchmarks.timing.protocol import FEWEST_IN_WARM_UP

ROUNDS = 10
"""How many are aimed at: the scatter between rounds is what intervals are made of."""
SHORTEST_WINDOW = {"cpu": 0.6, "cuda": 10.0}
"""s; a GPU's counter ticks every 100 ms, and a window holds a hundred ticks. A slower one prolongs the window by itself. On a CPU
work beside is seen from half a second on."""
LONGEST_WINDOW = 10.0
START_SECONDS = 1.5
"""s that a cell's process takes to start and to load the libraries of its operators."""
BUILD_SECONDS = 3e-8
"""s for each parameter that is drawn."""
REACHED = 0.3
"""Share of the device's matrix products that a step is taken to reach before it has shown it."""
UNKNOWN_CALL = 1.0
"""s of a call whose FLOPs cannot be counted."""
ASIDE = 0.15
"""s of a visit beside its window: messages, the meter's edges, the call before the window."""
REPORT_SECONDS = 3.0
"""s that writing the record and the report takes."""
SPARE_SHARE, SPARE_SECONDS = 0.2, 30.0
"""How far past `--minutes` a command may end: a fifth, or half a minute where that is more."""


@dataclass(frozen=True)
class Pace:
    """How long a cell takes.

    Attributes:
        call: s.
        build: s before its first call.
    """

    call: float
    build: float

    def first(self, window: float, warm_up: float) -> float:
        """Seconds of the first round: start, build, the first call, warm-up and a window."""
        return START_SECONDS + self.build + self.call + max(FEWEST_IN_WARM_UP * self.call, warm_up) + self.again(window)

    def again(self, window: float) -> float:
        """Seconds of a later round."""
        return max(self.call, 1.1 * window) + ASIDE


def expected_pace(flops: float | None, parameters: float | None, ceiling: float | None) -> Pace:
    """Before a cell was built: from the FLOPs of a call and the FLOP/s that the device reaches in matrix products."""
    call = UNKNOWN_CALL if flops is None or not ceiling else flops / (REACHED * ceiling)
    return Pace(call, BUILD_SECONDS * (parameters or 0.0))


def left_out(paces: Mapping[Cell, float], models: Iterable[str], kept: str, seconds: float) -> list[str]:
    """The models without which a round fits into `seconds`: the longest first, never `kept`."""
    cost = dict.fromkeys(models, 0.0)
    for (model, _), taken in paces.items():
        cost[model] += taken
    dropped: list[str] = []
    for model in sorted((m for m in cost if m != kept), key=cost.__getitem__, reverse=True):
        if sum(cost.values()) <= seconds:
            break
        dropped.append(model)
        del cost[model]
    return dropped


def window_seconds(calls: Iterable[float], left: float, device: str) -> float:
    """How long windows are with which the rounds aimed at fit into `left` s, within the bounds of the device."""
    shortest = SHORTEST_WINDOW[device]
    paces, window = [Pace(call, 0.0) for call in calls], LONGEST_WINDOW
    while window > shortest and (ROUNDS - 1) * sum(pace.again(window) for pace in paces) > left:
        window /= 1.1
    return max(window, shortest)


def latest_end(minutes: float) -> float:
    """Seconds after which a command that was given `minutes` has broken its promise."""
    return 60 * minutes + max(SPARE_SHARE * 60 * minutes, SPARE_SECONDS)

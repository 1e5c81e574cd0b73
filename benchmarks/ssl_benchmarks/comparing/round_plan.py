"""The time plan of a comparison: the length of its first round, the models left out, and the length of later windows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from ssl_benchmarks.comparing.rounds import Cell
from ssl_benchmarks.timing.protocol import FEWEST_IN_WARM_UP

ROUNDS = 10
"""Number of rounds aimed at; intervals rest on the variance between rounds."""
SHORTEST_WINDOW = {"cpu": 0.6, "cuda": 10.0}
"""Seconds. A GPU's counter is updated every 100 ms, so a window holds a hundred updates; a slower counter prolongs the
window by itself. On a CPU, other work is noticed from half a second on."""
LONGEST_WINDOW = 10.0
START_SECONDS = 1.5
"""Seconds for a cell's process to start and to load the libraries of its operators."""
BUILD_SECONDS = 3e-8
"""Seconds for each parameter that is drawn."""
REACHED = 0.3
"""Assumed share of the device's matrix-product rate that a step reaches before it was measured."""
UNKNOWN_CALL = 1.0
"""Assumed seconds of a call whose FLOPs cannot be counted."""
ASIDE = 0.15
"""Seconds per measurement besides its window: messages, the meter's edges, the call before the window."""
LEAST_OF_SET = 2
"""Fewest rounds that a set of processes measures."""
REPORT_SECONDS = 3.0
"""Seconds for writing the record and the report."""
SPARE_SHARE, SPARE_SECONDS = 0.2, 30.0
"""How far beyond `--minutes` a command may end: a fifth, but at least half a minute."""


@dataclass(frozen=True)
class Pace:
    """Duration of a cell.

    Attributes:
        call: s per call.
        build: s until its first call.
    """

    call: float
    build: float

    def first(self, window: float, warm_up: float) -> float:
        """Seconds in the first round: start, build, first call, warm-up and a window."""
        return START_SECONDS + self.build + self.call + max(FEWEST_IN_WARM_UP * self.call, warm_up) + self.again(window)

    def again(self, window: float) -> float:
        """Seconds in a later round."""
        return max(self.call, 1.1 * window) + ASIDE


def expected_pace(flops: float | None, parameters: float | None, ceiling: float | None) -> Pace:
    """The pace of a cell before it is built, from the FLOPs of a call and the device's matrix-product rate in FLOP/s."""
    call = UNKNOWN_CALL if flops is None or not ceiling else flops / (REACHED * ceiling)
    return Pace(call, BUILD_SECONDS * (parameters or 0.0))


def left_out(paces: Mapping[Cell, float], models: Iterable[str], kept: str, seconds: float) -> list[str]:
    """Models to leave out so that a round fits into `seconds`: the longest first, never `kept`."""
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


def renewal_due(rounds: Sequence[tuple[int, float]], left: float) -> bool:
    """Whether fresh processes should measure the next round; see `by_processes`.

    A set of processes measures until that took as long as building it, and at least `LEAST_OF_SET` rounds. The second set is
    built only if a third fits too, since two know little of how they differ.

    Args:
        rounds: of each so far, the number of its set of processes, and s.
        left: s.
    """
    number = rounds[-1][0]
    begun = [i for i, (own, _) in enumerate(rounds) if i == 0 or own != rounds[i - 1][0]]
    later = [seconds for i, (_, seconds) in enumerate(rounds) if i not in begun]
    if not later:
        return False
    again = median(later)
    build = max(0.0, rounds[begun[-1]][1] - again)
    if len(rounds) - begun[-1] < max(LEAST_OF_SET, math.ceil(build / again)):
        return False
    one = build + LEAST_OF_SET * again
    return (2 * one if number == 1 else one) <= left


def window_seconds(calls: Iterable[float], left: float, device: str) -> float:
    """Window length with which the rounds aimed at fit into `left` s, within the bounds of the device."""
    shortest = SHORTEST_WINDOW[device]
    paces, window = [Pace(call, 0.0) for call in calls], LONGEST_WINDOW
    while window > shortest and (ROUNDS - 1) * sum(pace.again(window) for pace in paces) > left:
        window /= 1.1
    return max(window, shortest)


def latest_end(minutes: float) -> float:
    """Latest acceptable end, in seconds, of a command that was given `minutes`."""
    return 60 * minutes + max(SPARE_SHARE * 60 * minutes, SPARE_SECONDS)

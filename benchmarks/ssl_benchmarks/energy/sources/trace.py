"""The power trace: the power of each metered device, sample by sample."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from ssl_benchmarks.record.quantity import Method

COLUMNS = ("time_s", "device", "power_w", "temperature_c", "sm_clock_mhz", "utilisation", "method")
"""Seconds since the block began, W, degrees Celsius, MHz, share from 0 to 1; NaN if the device does not report it."""

Row = tuple[float, str, float, float, float, float, str]
"""A sample, by column."""
Rows = Iterable[Sequence[Any]]
"""Samples, also as they come back from another process."""

NAN = math.nan


class Trace:
    """Samples of one device in order of time, 40 bytes each; times are from `time.perf_counter`."""

    def __init__(self, device: str, method: Method) -> None:
        self.device = device
        self.method: Method = method
        self._times = array("d")
        self._power = array("d")
        self._rest = array("d")

    def __len__(self) -> int:
        return len(self._times)

    def add(self, time_s: float, power_w: float, rest: tuple[float, float, float] = (NAN, NAN, NAN)) -> None:
        """Append a sample; `rest` is temperature, SM clock and utilisation."""
        self._rest.extend(rest)
        self._power.append(power_w)
        self._times.append(time_s)

    def peak(self, start_s: float, end_s: float) -> float:
        """The largest power in W sampled between two moments, 0 if there was no sample."""
        inside = self._power[bisect_left(self._times, start_s) : bisect_right(self._times, end_s)]
        return max((watts for watts in inside if watts == watts), default=0.0)  # noqa: PLR0124 - NaN is not itself

    def rows(self, origin_s: float, spans: Sequence[tuple[float, float]]) -> Iterator[Row]:
        """The samples within any of `spans`, which are in order of time."""
        known, first = len(self._times), 0
        for start, end in spans:
            first = max(first, bisect_left(self._times, start, hi=known))
            last = bisect_right(self._times, end, hi=known)
            for i in range(first, last):
                celsius, mhz, share = self._rest[3 * i : 3 * i + 3]
                yield (self._times[i] - origin_s, self.device, self._power[i], celsius, mhz, share, self.method)
            first = max(first, last)


@dataclass(frozen=True)
class Samples:
    """The samples of a block: those of each device within any of `spans`, with times since `origin_s`."""

    traces: tuple[Trace, ...]
    origin_s: float
    spans: tuple[tuple[float, float], ...]

    def __iter__(self) -> Iterator[Row]:
        for trace in self.traces:
            yield from trace.rows(self.origin_s, self.spans)


def framed(rows: Rows) -> pd.DataFrame:
    """Rows as a table with the columns `COLUMNS`."""
    import pandas as pd

    kinds = {name: "object" if name in {"device", "method"} else "float64" for name in COLUMNS}
    return pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(kinds)

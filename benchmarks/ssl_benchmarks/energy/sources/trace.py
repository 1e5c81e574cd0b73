"""The power trace: the power of each metered device, sample by sample."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from ssl_benchmarks.record.quantity import Method

COLUMNS = ("time_s", "device", "power_w", "temperature_c", "sm_clock_mhz", "utilisation", "method")
"""Seconds since the block began, W, degrees Celsius, MHz, share from 0 to 1; NaN if the device does not report it."""

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

    def frame(self, origin_s: float, spans: Sequence[tuple[float, float]]) -> pd.DataFrame:
        """The samples within any of `spans`, which are in order of time."""
        import numpy as np
        import pandas as pd

        times = np.array(self._times)
        rest = np.array(self._rest[: 3 * len(times)]).reshape(-1, 3)
        columns = {"time_s": times - origin_s, "device": self.device, "power_w": np.array(self._power[: len(times)])}
        columns |= {"temperature_c": rest[:, 0], "sm_clock_mhz": rest[:, 1], "utilisation": rest[:, 2]}
        frame = pd.DataFrame(columns | {"method": self.method}, columns=list(COLUMNS))
        inside = np.zeros(len(times), dtype=bool)
        for start, end in spans:
            inside[np.searchsorted(times, start, "left") : np.searchsorted(times, end, "right")] = True
        return frame[inside]


def join_traces(traces: Iterable[Trace], origin_s: float, spans: Sequence[tuple[float, float]]) -> pd.DataFrame:
    """One table of all devices with the columns `COLUMNS`, ordered by time within each device."""
    import pandas as pd

    frames = [frame for trace in traces if len(frame := trace.frame(origin_s, spans))]
    if frames:
        return pd.concat(frames, ignore_index=True)
    kinds = {name: "object" if name in {"device", "method"} else "float64" for name in COLUMNS}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})

"""Timing of calls: a monotonic clock on the CPU, events on the device's own stream on CUDA."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import torch

Call = Callable[[], object]
Between = Callable[[list[float]], None]
"""A function that gets the times so far, between two calls."""


def unheard(_: object) -> None:
    """Ignore a report."""


class Stopwatch:
    """Times calls on `device`; `clock` returns seconds."""

    def __init__(self, device: torch.device, clock: Callable[[], float] = time.perf_counter) -> None:
        self.device, self.clock = device, clock

    @property
    def queues(self) -> bool:
        """Whether `block` queues a call before the previous one has ended."""
        return self.device.type == "cuda"

    def wait(self) -> None:
        """Wait until the device has finished all queued work."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def call(self, step: Call) -> float:
        """Seconds of one call, waited for: the latency for a user with a single clip."""
        start = self.clock()
        step()
        self.wait()
        return self.clock() - start

    def calls(
        self,
        step: Call,
        seconds: float,
        *,
        fewest: int = 2,
        between: Between = unheard,
    ) -> list[float]:
        """Seconds of each call made within `seconds`, each waited for; `between` gets the times so far."""
        times: list[float] = []
        end = self.clock() + seconds
        while len(times) < fewest or self.clock() < end:
            times.append(self.call(step))
            between(times)
        return times

    def block(self, step: Call, seconds: float, *, fewest: int, between: Between) -> list[float]:
        """Seconds of each call made within `seconds` at full throughput.

        On CUDA, a call is queued while the previous one runs, as in a loop over a corpus; its duration is the time
        from the end of the previous call to its own end.
        """
        if self.queues:
            return self._block_of_events(step, seconds, fewest, between)
        return self.calls(step, seconds, fewest=fewest, between=between)

    def _block_of_events(self, step: Call, seconds: float, fewest: int, between: Between) -> list[float]:
        self.wait()
        end, marks, times = self.clock() + seconds, [_event()], []
        while len(marks) <= fewest or self.clock() < end:
            step()
            marks.append(_event())
            if len(marks) > 2:
                marks[-2].synchronize()
                times.append(marks[-3].elapsed_time(marks[-2]) / 1000)
                between(times)
        self.wait()
        return [before.elapsed_time(after) / 1000 for before, after in pairwise(marks)]


def _event() -> torch.cuda.Event:
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event

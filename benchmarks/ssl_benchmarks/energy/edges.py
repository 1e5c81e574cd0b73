"""Edges of windows: all sources are marked at one moment, whatever errors they raise."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ssl_benchmarks.energy.sources.source import Mark, Source, Span

if TYPE_CHECKING:
    from ssl_benchmarks.energy.sources.discovery import Sources


@dataclass(frozen=True)
class Edge:
    """The marks of all sources, by device, at a moment of `time.perf_counter`."""

    time_s: float
    marks: dict[str, Mark]


@dataclass
class Window:
    """All passes through the windows of one name, added up; time in which several are open counts once.

    Attributes:
        times: start and end of the stretches in which at least one pass was open, in order.
        spans: the energy of these stretches, by device.
        passes: number of closed passes; more than stretches if some overlapped.
    """

    times: list[tuple[float, float]] = field(default_factory=list)
    spans: dict[str, Span] = field(default_factory=dict)
    passes: int = 0
    _open: int = 0
    _start: Edge | None = None
    _end: Edge | None = None

    def enter(self, edge: Edge) -> None:
        """Begin a pass."""
        if not self._open:
            # Threads may arrive here in a different order than they marked their edges.
            late = self._end is not None and edge.time_s < self._end.time_s
            self._start = self._end if late else edge
        self._open += 1

    def leave(self, sources: Sources, edge: Edge) -> None:
        """End a pass; when the last open one ends, its stretch is added."""
        self._open, self.passes = self._open - 1, self.passes + 1
        if self._end is None or edge.time_s > self._end.time_s:
            self._end = edge
        if self._open == 0 and self._start is not None:
            self.add(sources, self._start, self._end)

    def add(self, sources: Sources, start: Edge, end: Edge) -> None:
        """Add a stretch."""
        self.times.append((start.time_s, end.time_s))
        for device, span in between(sources, start, end).items():
            self.spans[device] = self.spans.get(device, Span()) + span


def between(sources: Sources, start: Edge, end: Edge) -> dict[str, Span]:
    """The energy of each device between two edges."""
    return {one.device: one.between(start.marks[one.device], end.marks[one.device]) for one in sources}


def take_edge(sources: Sources, *, opening: bool = False) -> Edge:
    """Mark all sources, opening them if this is the first edge."""
    now_s = time.perf_counter()
    return Edge(now_s, {source.device: _mark(source, now_s, opening=opening) for source in sources})


def _mark(source: Source, now_s: float, *, opening: bool) -> Mark:
    try:
        if opening:
            source.open(now_s)
        return source.mark(now_s)
    except Exception as error:  # noqa: BLE001 - whatever the hardware does, the metered program continues
        source.fail(f"{error!r}")
        return Mark(now_s, 0.0, source.energy_j, 0.0, 0, 0.0, source.power_w)


def sample_all(sources: Sources) -> None:
    """Read all sources once; a failing source does not stop the others."""
    now_s = time.perf_counter()
    for source in sources:
        try:
            source.sample(now_s)
        except Exception as error:  # noqa: BLE001 - the same
            source.fail(f"{error!r}")

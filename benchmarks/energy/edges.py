"""Edges of windows: all sources marked at one moment, whatever any of them may do."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.energy.source import Mark, Source, Span

if TYPE_CHECKING:
    from benchmarks.energy.sources import Sources


@dataclass(frozen=True)
class Edge:
    """The marks of all sources, by device, at a moment of `time.perf_counter`."""

    time_s: float
    marks: dict[str, Mark]


@dataclass
class Window:
    """All passes through the windows of one name, added up."""

    times: list[tuple[float, float]] = field(default_factory=list)
    spans: dict[str, Span] = field(default_factory=dict)

    def add(self, sources: Sources, start: Edge, end: Edge) -> None:
        """Add one pass."""
        self.times.append((start.time_s, end.time_s))
        for device, span in between(sources, start, end).items():
            self.spans[device] = self.spans.get(device, Span()) + span


def between(sources: Sources, start: Edge, end: Edge) -> dict[str, Span]:
    """What each device took from edge to edge."""
    return {one.device: one.between(start.marks[one.device], end.marks[one.device]) for one in sources}


def take_edge(sources: Sources, *, opening: bool = False) -> Edge:
    """Mark all sources, which are opened at the first edge."""
    now_s = time.perf_counter()
    return Edge(now_s, {source.device: _mark(source, now_s, opening=opening) for source in sources})


def _mark(source: Source, now_s: float, *, opening: bool) -> Mark:
    try:
        if opening:
            source.open(now_s)
        return source.mark(now_s)
    except Exception as error:  # noqa: BLE001 - whatever the hardware does, the metered program goes on
        source.fail(f"{error!r}")
        return Mark(now_s, 0.0, source.energy_j, 0.0, 0, 0.0, source.power_w)


def sample_all(sources: Sources) -> None:
    """Read all sources once; one that fails does not end the sampling of the others."""
    now_s = time.perf_counter()
    for source in sources:
        try:
            source.sample(now_s)
        except Exception as error:  # noqa: BLE001 - the same
            source.fail(f"{error!r}")

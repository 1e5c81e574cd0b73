"""The plan of a comparison: count each cell, forecast the first round, and leave out, by name, what does not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ssl_benchmarks.cells.outcome import failed_rows
from ssl_benchmarks.cells.request import CellError
from ssl_benchmarks.comparing.round_plan import SHORTEST_WINDOW, expected_pace, left_out
from ssl_benchmarks.comparing.rounds import Cell
from ssl_reports.units import duration

if TYPE_CHECKING:
    from ssl_bench.comparing.progress import CompareProgress
    from ssl_bench.comparing.session import Comparing

SHORTER_CLIPS = (5.0, 3.0, 2.0)
"""Clip lengths in s, tried in turn where a round of the default clips does not fit and no length was given."""
UNMEASURABLE = "left out: no round that includes it fits into --minutes"


def plan(session: Comparing, say: CompareProgress, *, clip_chosen: bool) -> None:
    """Fill in `plans`, `ceiling`, `paces` and `window`; requests that cannot be measured, or not in time, are removed."""
    _count(session)
    config = session.config
    session.ceiling = session.bench.ceiling(config.device, config.precision)
    session.window = SHORTEST_WINDOW[config.device]
    _expect(session)
    if _round(session) > session.latest and not clip_chosen and config.device == "cpu":
        _shorten_clips(session, say)
    _leave_out(session, say)


def _count(session: Comparing) -> None:
    """Plan every request; one that cannot be measured gets a row with the reason."""
    cells = list(session.requests)
    for cell, found in zip(cells, session.bench.plans(session.requests.values()), strict=True):
        if isinstance(found, CellError):
            fail(session, cell, str(found))
        else:
            session.plans[cell] = found


def fail(session: Comparing, cell: Cell, reason: str) -> None:
    """Remove a cell for good, with the reason."""
    request = session.requests.pop(cell)
    session.details["failed"][" ".join(cell)] = reason
    if not any((row.model, row.phase) == cell for rows in session.rounds for row in rows):
        session.missing += failed_rows(request, reason)


def _expect(session: Comparing) -> None:
    """Estimate each cell's pace from its FLOPs, before it is built."""
    ceiling = None if session.ceiling is None else session.ceiling.value
    for cell, request in session.requests.items():
        found = session.plans[cell]
        rate = found.flops_per_audio_second.value
        flops = None if rate is None else rate * request.setting.batch_seconds
        session.paces[cell] = expected_pace(flops, found.parameters.value, ceiling)


def first_visit(session: Comparing, cell: Cell) -> float:
    """Expected seconds of a cell in the first round, scaled by the actual over the expected time of the cells before it."""
    expected = session.paces[cell].first(session.window, session.config.protocol.warm_up_limit)
    return expected * (session.taken / session.forecast if session.forecast else 1.0)


def _round(session: Comparing) -> float:
    return sum(first_visit(session, cell) for cell in session.requests)


def _shorten_clips(session: Comparing, say: CompareProgress) -> None:
    """Choose the longest of the shorter clips with which a round fits, else the shortest."""
    before, taken = session.config.shape[0], _round(session)
    start = sum(pace.first(session.window, 0.0) - pace.call for pace in session.paces.values())
    fitting = (clip for clip in SHORTER_CLIPS if start + (taken - start) * clip / before <= session.latest)
    clip = next(fitting, SHORTER_CLIPS[-1])
    if clip >= before:
        return
    say.phase(
        f"one round with {before:g} s clips would take about {duration(taken)}, and {duration(max(0.0, session.left))} of --minutes are left: "
        f"using {clip:g} s clips"
    )
    session.config = replace(session.config, clip_seconds=clip, batch_seconds=clip)
    for cell, request in session.requests.items():
        session.requests[cell] = session.request(cell, request.idle)
    _count(session)
    _expect(session)


def _leave_out(session: Comparing, say: CompareProgress) -> None:
    """Drop the models with which a round does not fit; where not even the baseline fits, start anyway and say so."""
    costs = {cell: first_visit(session, cell) for cell in session.requests}
    models = dict.fromkeys(model for model, _ in session.requests)
    dropped = left_out(costs, models, session.baseline, session.latest)
    if sum(costs.values()) > max(0.0, session.left):
        say.phase(
            f"one round of {len(costs)} cells will take about {duration(sum(costs.values()))}; "
            f"{duration(max(0.0, session.left))} of --minutes are left"
        )
    for cell in [cell for cell in session.requests if cell[0] in dropped]:
        fail(session, cell, f"{UNMEASURABLE} (it would take about {duration(costs[cell])})")
    if dropped:
        say.phase(f"left out, because no round would fit with them: {', '.join(dropped)}")

"""`sslbench compare`: models in one session on one device, in turn, until the target is reached or the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from statistics import median
from typing import TYPE_CHECKING, Any

import torch

from ssl_bench.comparing.plan import fail, first_visit, plan
from ssl_bench.comparing.progress import CompareProgress
from ssl_bench.comparing.session import Comparing
from ssl_bench.console import stderr
from ssl_bench.data.measured_speech import speech_to_measure
from ssl_bench.evaluating.systems import names_side_by_side
from ssl_bench.exporting.tracked import tracked
from ssl_bench.sessions.metering import new_meter
from ssl_bench.sessions.run_folder import RunFolder, new_run
from ssl_bench.settings.comparing import CompareConfig
from ssl_benchmarks.cells.bench import CellBench, halved_until_it_fits
from ssl_benchmarks.cells.cell import MeasuredCell
from ssl_benchmarks.cells.living import LivingCells
from ssl_benchmarks.cells.outcome import with_note
from ssl_benchmarks.cells.processes import CellServer
from ssl_benchmarks.cells.request import CellError, CellRequest
from ssl_benchmarks.comparing.round_plan import REPORT_SECONDS, renewal_due, window_seconds
from ssl_benchmarks.comparing.rounds import HARDWARE, Cell, order_of, relative_half_width
from ssl_benchmarks.comparing.side_by_side import ENERGY, SPEED
from ssl_benchmarks.energy.carbon import chosen_intensity
from ssl_models.catalog import CATALOG, is_foreign, is_run
from ssl_reports.summaries.comparing import write_compare_report

if TYPE_CHECKING:
    from rich.console import Console

    from ssl_benchmarks.energy.sources.trace import Rows
    from ssl_benchmarks.record.record import Record

FEWEST_ROUNDS = 2
"""A single round does not show the variance between rounds."""


def compare(
    config: CompareConfig,
    *,
    command: str = "ssl_bench.compare",
    console: Console | None = None,
    bench: CellBench | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[RunFolder, Record]:
    """Measure all models in turn; returns the run and its record, whose status says whether the user stopped it.

    A model that cannot be measured has a row with the reason.

    Args:
        config: the models and how to measure them; see `CompareConfig`.
        command: the command named in the record.
        console: shows progress; None is stderr.
        bench: builds and measures cells; None is a `CellServer`.
        clock: a monotonic clock, s.

    Raises:
        BadInputError: for a setting that cannot be used.
    """
    began = clock()
    config.check()
    clip_chosen = config.clip_seconds is not None or config.batch_seconds is not None
    config = config.resolved(cuda=torch.cuda.is_available())
    with ExitStack() as stack:
        if bench is None:
            bench = stack.enter_context(CellServer(model for model in config.models if model in CATALOG))
        grid = chosen_intensity(config.country, config.grid_intensity)
        speech, about = speech_to_measure(config.data)
        details: dict[str, Any] = {
            "rounds": [],
            "target": {"precision": config.precision_target, "minutes": config.minutes, "met": False, "ended": ""},
            "failed": {},
            "halved": {},
            "rebuilt": [],
            "idle": None,
            "speech": about,
            "disturbances": {},
            "about_weights": _about_weights(config),
        }
        names, run = names_side_by_side(config.models), new_run(config.out, "compare")
        stack.enter_context(tracked(config.track, run.path))
        recipes = {names[model]: recipe for model, recipe in config.recipes(config.models).items()}
        session = Comparing(
            config=config, run=run, grid=grid, command=command, details=details, names=names, recipes=recipes, speech=speech, bench=bench,
            clock=clock, began=began,
        )  # fmt: skip
        say = stack.enter_context(CompareProgress(console or stderr(), session.scope))
        work = lambda: _measure(session, say, clip_chosen=clip_chosen)  # noqa: E731 - one line says it
        return run, session.recorded(work, write_compare_report)


def _about_weights(config: CompareConfig) -> list[str]:
    """Which models have random weights; this changes their quality and not their cost."""
    drawn = [m for m in config.models if not (is_run(m) or is_foreign(m) or m in config.weights)]
    if not drawn:
        return []
    whose = "weights are random" if len(drawn) == len(config.models) else f"weights of {', '.join(drawn)} are random"
    return [f"{whose} and learning rates 0: time and memory are those of trained models; GPU power may differ slightly"]  # fmt: skip


def _measure(session: Comparing, say: CompareProgress, *, clip_chosen: bool) -> None:
    """Measure idle power and plan the cells, then run rounds until the target is reached or the time is up."""
    config, target = session.config, session.details["target"]
    say.open(session.cells, session.left, _opening(session))
    idle = new_meter(idle=config.idle, say=say.phase).idle
    session.details["idle"] = None if idle is None else asdict(idle)
    session.requests = {cell: session.request(cell, idle) for cell in session.cells}
    plan(session, say, clip_chosen=clip_chosen)
    living = LivingCells(session.bench, session.speech, say)
    for cell, request in session.requests.items():
        living.know(request, session.plans[cell].peak)
    while session.requests:
        if session.rounds and renewal_due(_lasted(session), session.left - REPORT_SECONDS):
            living.renew()
            session.set_of_processes += 1
            say.phase(
                f"set {session.set_of_processes} of processes: each model is built anew, so that intervals include differences between processes"
            )
        complete = _one_round(session, living, len(session.rounds) + 1, say)
        session.details["rebuilt"] = living.rebuilt
        target["met"] = met(session)
        if target["met"]:
            target["ended"] = "the target was reached"
            return
        left = session.left - REPORT_SECONDS
        session.window = window_seconds(
            [session.paces[cell].call for cell in session.requests], left, session.config.device
        )
        again = sum(session.paces[cell].again(session.window) for cell in session.requests)
        if not complete or again > left:
            target["ended"] = "the time budget left no room for another round"
            return
    target["ended"] = "no model is left that can be measured"


def _lasted(session: Comparing) -> list[tuple[int, float]]:
    """The number of each round's set of processes, and the seconds that its cells took."""
    return [(e["processes"], sum(cell["seconds"] for cell in e["cells"])) for e in session.details["rounds"]]


def _opening(session: Comparing) -> str:
    c = session.config
    clip, clips = c.shape
    return (
        f"{', '.join(session.names.values())}: {' and '.join(c.phases)} in turn on {c.device} ({c.precision}{', compiled' * c.compile}), {clip:g} s clips, "
        f"{clips * clip:g} s of audio per batch; rounds until every 95 % interval is within ±{100 * c.precision_target:g} %, "
        f"at most {c.minutes:g} min; speech: {session.details['speech']}; run: {session.run.path}"
    )


def _one_round(session: Comparing, living: LivingCells, number: int, say: CompareProgress) -> bool:
    """Measure each remaining cell once, in an order drawn from the seed, while time is left; whether none was left out."""
    order = order_of(list(session.requests), session.config.seed, number)
    entry: dict[str, Any] = {"round": number, "processes": session.set_of_processes, "order": [list(cell) for cell in order], "window": session.window, "cells": []}  # fmt: skip
    session.details["rounds"].append(entry)
    session.rounds.append([])
    traces: list[tuple[str, Rows]] = []
    complete = True
    for place, cell in enumerate(order, start=1):
        if not _has_time(session, cell, number, place):
            complete = False
            if number == 1:
                fail(session, cell, "left out: the first round took longer than forecast and used up --minutes")
            continue
        say.cell(number, place, len(order), cell)
        began = session.clock()
        found, measured = _one_cell(session, living, cell, number, say)
        entry["cells"].append({"model": cell[0], "phase": cell[1], **found, "seconds": session.clock() - began})
        if measured is not None:
            traces.append((f"{' '.join(cell)}, round {number}", measured.samples))
        if number == 1 or "failed" in found:  # later rounds take seconds: each is reported and written as a whole
            say.done(cell, session.so_far(), found.get("failed", ""))
            session.run.write(session.record("unfinished"))
    session.run.add_traces(traces)
    session.run.write(session.record("unfinished"))
    say.round_done(number, session.so_far(), session.left)
    return complete


def _has_time(session: Comparing, cell: Cell, number: int, place: int) -> bool:
    """Whether a cell would end by the latest end that `--minutes` allows; the very first cell is always measured."""
    if number == 1:
        return place == 1 or first_visit(session, cell) + REPORT_SECONDS <= session.latest
    return session.paces[cell].again(session.window) + REPORT_SECONDS <= session.latest


def _one_cell(
    session: Comparing, living: LivingCells, cell: Cell, number: int, say: CompareProgress
) -> tuple[dict[str, Any], MeasuredCell | None]:
    """Measure a cell and keep its rows, or why it failed; returns its entry in the round and the measurement."""
    request, expected = session.requests[cell], session.paces[cell]

    def attempt(tried: CellRequest) -> MeasuredCell:
        return living.measure(cell, tried, session.window)

    began = session.clock()
    try:
        if number == 1:
            fitting, measured, halvings = halved_until_it_fits(request, attempt, say.phase)
            session.requests[cell] = replace(fitting, alone=False)
            if halvings:
                session.details["halved"][" ".join(cell)] = halvings
        else:
            measured = attempt(request)
    except CellError as error:
        reason = str(error) if number == 1 else f"in round {number}: {error}"
        fail(session, cell, reason)
        return {"failed": reason}, None
    session.paces[cell] = replace(expected, call=_call_seconds(measured, expected.call))
    if number == 1:
        session.forecast += expected.first(session.window, request.protocol.warm_up_limit)
        session.taken += session.clock() - began
    note = "; ".join(session.details["halved"].get(" ".join(cell), []))
    rows = [with_note(row, note) for row in measured.rows]
    session.rounds[-1] += rows
    if measured.details.get("disturbances"):
        session.details["disturbances"][f"{' '.join(cell)}, round {number}"] = measured.details["disturbances"]
    batch = session.requests[cell].setting.batch_seconds
    return {"batch_seconds": batch, **measured.details, "rows": [row.row() for row in rows]}, measured


def _call_seconds(measured: MeasuredCell, otherwise: float) -> float:
    calls = [repeat["seconds"] / repeat["calls"] for repeat in measured.details.get("repeats", []) if repeat["calls"]]
    return median(calls) if calls else otherwise


def met(session: Comparing) -> bool:
    """Whether every remaining cell meets the target; an energy without a hardware sensor has no interval and need not."""
    if len(session.rounds) < FEWEST_ROUNDS or not session.requests:
        return False
    found, target = session.so_far(), session.config.precision_target
    for cell in session.requests:
        energy = found[cell].get(ENERGY)
        asked = [found[cell].get(SPEED), *([energy] if energy is not None and energy.method in HARDWARE else [])]
        if any(q is not None and q.flaw for q in asked) or any((relative_half_width(q) or 1.0) > target for q in asked):
            return False
    return True

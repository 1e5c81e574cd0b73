"""CodeCarbon's view of this machine: the design power of its CPU and the power of its memory.

The CPU is taken to draw its thermal design power (from CodeCarbon's table, or 4 W per thread if it is not listed), and
memory 5 W for each DIMM that its size suggests. Nothing is sent over the network. What was found is kept in the user's
cache folder, so that only the first meter on a machine waits for CodeCarbon.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
import threading
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import psutil

from ssl_benchmarks.energy.sources.processor import model_name, sockets
from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.files.user_cache import user_cache
from ssl_models.documents import read_json, typed
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOOK_LIMIT_S = 10.0
"""Seconds; examining the machine takes 1 to 2, and may wait for a program if the kernel does not name the processor."""
_hanging: Future[Machine] | None = None
_one_at_a_time = threading.Lock()

DEFAULT_TDP_W = 85.0
"""Watts that CodeCarbon assumes for an unknown CPU."""


@dataclass(frozen=True)
class Machine:
    """CodeCarbon's view of this machine: the CPU's design power in W, the memory's power in W, and their sources."""

    tdp_w: float | None
    model: str
    cpu_note: str
    dram_w: float
    dram_note: str

    @property
    def full_w(self) -> float:
        """Power in W of the CPU at full load."""
        return DEFAULT_TDP_W if self.tdp_w is None else self.tdp_w


@contextmanager
def quiet_codecarbon() -> Iterator[None]:
    """Drop CodeCarbon's log messages on this thread, and leave its logger unchanged for others."""
    thread = threading.get_ident()

    def other_thread(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger = logging.getLogger("codecarbon")
    logger.addFilter(other_thread)
    try:
        yield
    finally:
        logger.removeFilter(other_thread)


@contextmanager
def whole_machine() -> Iterator[None]:
    """Make CodeCarbon use the whole machine, whose load its model needs, as the kernel describes it.

    It would ask Slurm's controller for the CPUs and memory of a job, and other programs for the processor's name; any
    of them may be missing or slow to answer. CodeCarbon's own trackers are unaffected.
    """
    core: list[Any] = [
        importlib.import_module(f"codecarbon.{name}") for name in ("core.util", "external.ram", "core.cpu")
    ]
    told: list[tuple[Any, str, Any]] = [(module, "SLURM_JOB_ID", None) for module in core[:2]]
    if name := model_name():
        told.append((core[2], "detect_cpu_model", lambda: name))
    with _one_at_a_time:
        kept = [getattr(module, attribute) for module, attribute, _ in told]
        try:
            for module, attribute, value in told:
                setattr(module, attribute, value)
            yield
        finally:
            for (module, attribute, _), value in zip(told, kept, strict=True):
                setattr(module, attribute, value)


@lru_cache(maxsize=1)
def look_at_machine() -> Machine:
    """Ask CodeCarbon about this machine; takes one to two seconds the first time, so call it before anything is metered.

    Raises:
        TimeoutError: if a program that it starts hangs for `LOOK_LIMIT_S`, and at once if one is still hanging.
    """
    global _hanging  # noqa: PLW0603 - one per process, as the hanging program is
    if _hanging is not None and not _hanging.done():
        raise TimeoutError("its examination of this machine still hangs")
    if (kept := _kept()) is not None:
        return kept
    _hanging = Future[Machine]()
    threading.Thread(target=_look_into, args=(_hanging,), name="sslbench-look", daemon=True).start()
    try:
        return _hanging.result(LOOK_LIMIT_S)
    except TimeoutError:
        raise TimeoutError(f"its examination of this machine did not end within {LOOK_LIMIT_S:g} s") from None


def _look_into(found: Future[Machine]) -> None:
    try:
        machine = _look()
        _keep(machine)
        found.set_result(machine)
    except Exception as error:  # noqa: BLE001 - whatever it is, the waiting caller gets it
        found.set_exception(error)


def _place() -> Path | None:
    """Where this machine's description is kept; None if the kernel does not name its processor, which distinguishes machines."""
    if not (name := model_name()):
        return None
    known = [version("codecarbon"), name, sockets(), os.cpu_count(), psutil.virtual_memory().total]
    with suppress(BadInputError):
        return (
            user_cache()
            / "sslbench"
            / "machines"
            / f"{hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]}.json"
        )
    return None


def _kept() -> Machine | None:
    """What was found before, if it is readable."""
    place = _place()
    with suppress(OSError, ValueError):
        return None if place is None else typed(Machine, read_json(place))
    return None


def _keep(machine: Machine) -> None:
    """Keep what was found; without a place for it, the next process looks again."""
    if (place := _place()) is not None:
        with suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(place, json.dumps(asdict(machine)))


def _look() -> Machine:
    with quiet_codecarbon(), whole_machine():
        cpu = importlib.import_module("codecarbon.core.cpu")
        util = importlib.import_module("codecarbon.core.util")
        ram = importlib.import_module("codecarbon.external.ram").RAM()
        tdp, threads = cpu.TDP(), int(util.count_cpus())
        dram_w, size_gib = float(ram.total_power().W), float(ram.machine_memory_GB)
        processors = sockets()
    source = f"CodeCarbon {version('codecarbon')}"
    # its guess for an unknown CPU covers all sockets, its table's figure one
    guessed = tdp.tdp == threads * cpu.DEFAULT_POWER_PER_CORE
    tdp_w = None if tdp.tdp is None else float(tdp.tdp) * (1 if guessed else processors)
    origin = (
        f"{cpu.DEFAULT_POWER_PER_CORE} W × {threads} threads"
        if guessed
        else f"{processors} × {tdp.tdp} W from its table"
    )
    origin = "its default" if tdp_w is None else origin
    shown = f"{DEFAULT_TDP_W if tdp_w is None else tdp_w:g} W"
    return Machine(
        tdp_w,
        tdp.model,
        f"{source}, cpu_load mode: thermal design power (TDP) {shown} ({origin}) of {tdp.model}, scaled with the load of the whole machine",
        dram_w,
        f"{source}: {dram_w:g} W constant, guessed from {size_gib:.1f} GiB of the whole machine at 5 W per DIMM (1.5 W on ARM)",
    )


def no_model() -> str:
    """Why there is no model of this machine, or ""; found by building it, as a meter does."""
    try:
        look_at_machine()
    except Exception as error:  # noqa: BLE001 - whatever it is, it leaves a meter without a model
        return lack_of(error)
    return ""


def lack_of(error: Exception) -> str:
    """The reason why there is no model, in words."""
    if isinstance(error, TimeoutError):
        return f"CodeCarbon's model fails: {error}"
    if not isinstance(error, ModuleNotFoundError):
        return f"CodeCarbon's model fails: {error!r}"
    missing = str(error.name).partition(".")[0]
    return "CodeCarbon is not installed" if missing == "codecarbon" else f"CodeCarbon lacks the module {missing}"

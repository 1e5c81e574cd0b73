"""A block of Python, metered: the same record as that of a metered command."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ssl_bench.metering.session import MeterSession, reported
from ssl_bench.metering.summary import summary
from ssl_bench.settings.metering import AS_RECORDED, MeterConfig
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import PHASES, Record
from ssl_models.errors import choose


class MeteredRun:
    """A block that is being metered; see `metered`."""

    def __init__(self, session: MeterSession) -> None:
        self._session = session
        self._phase = ""

    @contextmanager
    def window(self, phase: str) -> Iterator[None]:
        """A part of the block with figures of its own, such as "evaluation".

        Raises:
            BadInputError: for a phase that records do not have.
        """
        phase = choose(AS_RECORDED.get(phase, phase), sorted(PHASES), "phase")
        before, self._phase = self._phase, phase
        try:
            with self._session.meter.window(phase):
                yield
        finally:
            self._phase = before
            self._session.look()

    def audio(self, seconds: float) -> None:
        """Report that so many seconds of audio were processed, in the window that is open if there is one."""
        known = self._session.audio_s
        known[self._phase] = known.get(self._phase, 0.0) + seconds
        self._session.look()

    def metric(self, name: str, value: float, ci95: tuple[float, float] | None = None) -> None:
        """Report a figure, such as an error rate between 0 and 1.

        Raises:
            BadInputError: for a metric that records do not have.
        """
        choose(name, METRICS, "metric")
        self._session.metrics.append(reported(self._session.name, name, value, ci95))

    def count(self, quantities: Mapping[str, Quantity]) -> None:
        """Report what was counted of a step of the main phase, by metric, such as "flops"."""
        self._session.counts.update(quantities)

    @property
    def is_counted(self) -> bool:
        """Whether a step has been counted."""
        return bool(self._session.counts)

    @property
    def record(self) -> Record:
        """The record as it stands."""
        return self._session.record("finished" if self._session.ended else "unfinished")

    @property
    def joules(self) -> float | None:
        """Energy so far in J, of the GPUs where any are metered, otherwise of the machine; None if it is not known."""
        return self._session.meter.live().energy[self._session.scope].value

    @property
    def summary(self) -> str:
        """Time, memory and energy of the block once it has ended, and the next command to type."""
        return "\n".join(summary(self._session))

    @property
    def path(self) -> str:
        """The run folder."""
        return str(self._session.run.path)


@contextmanager
def metered(name: str, **options: Any) -> Iterator[MeteredRun]:  # noqa: ANN401 - of each option's type
    """Meter a block, or as a decorator every call of a function; leaves a run of kind `meter`.

    Args:
        name: what the figures are of, as tables name it.
        options: those of `sslbench meter`, with underscores, such as `out="runs/mine"`, `audio_hours=960` or `country="FRA"`.

    Raises:
        BadInputError: for settings that cannot be used.
    """
    config = MeterConfig.read({"name": name, **options})
    config.check()
    session = MeterSession.begun(config, name, shlex.join([sys.executable, *sys.argv]))
    session.settle(os.getpid())
    session.look()
    run, ended = MeteredRun(session), "ran through"
    try:
        yield run
    except BaseException as error:
        ended = f"ended by {type(error).__name__}"
        raise
    finally:
        session.look()
        session.finish(ended)

"""The phases of another library's training loop, as windows of one metered run."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from torch import nn

from ssl_bench.integrations.counted_step import CountedStep
from ssl_bench.metering.metered import MeteredRun, metered

LOGGED = "energy_wh"
"""The name in a trainer's logs of the energy so far in Wh, of the GPUs where any are metered, otherwise of the machine."""


class Phases:
    """Metering that events begin, divide and end; before the first and after the last, every call is harmless.

    Args:
        name: what the figures are of.
        audio_seconds_per_step: seconds of audio of a step; None where it is not known.
        options: those of `metered`.
    """

    def __init__(self, name: str, audio_seconds_per_step: float | None, options: Mapping[str, Any]) -> None:
        self.path: str | None = None
        self._name, self._audio, self._options = name, audio_seconds_per_step, dict(options)
        self._run: MeteredRun | None = None
        self._whole: AbstractContextManager[MeteredRun] | None = None
        self._window = ExitStack()
        self._step: CountedStep | None = None
        self._phase = ""

    def begin(self) -> None:
        """Start to meter, with training."""
        self._whole = metered(self._name, **self._options)
        self._run = self._whole.__enter__()
        self.path = self._run.path
        self.enter("training")

    def enter(self, phase: str) -> None:
        """Close the open window and open another, unless it is of the same phase."""
        if self._run is not None and phase != self._phase:
            self._window.close()
            self._window.enter_context(self._run.window(phase))
            self._phase = phase

    def begin_step(self, model: nn.Module, ranks: int = 1) -> None:
        """A training step begins; the FLOPs of the first are counted, for `ranks` processes of this machine."""
        if self._run is not None and self._step is None:
            self._step = CountedStep(model, ranks)

    def step(self) -> None:
        """A training step has ended: its audio is counted, and what was counted of the first is reported."""
        if self._run is None:
            return
        if self._step is not None and not self._run.is_counted:
            self._step.end()
            self._run.count(self._step.quantities(self._audio))
        if self._audio:
            self._run.audio(self._audio)

    @property
    def joules(self) -> float | None:
        """Energy so far in J; None if it is not known."""
        return None if self._run is None else self._run.joules

    def end(self, error: BaseException | None = None) -> None:
        """Write the record; a second call does nothing."""
        if self._whole is None:
            return
        if self._step is not None:
            self._step.end()
        self._window.close()
        whole, self._whole, self._run, self._phase = self._whole, None, None, ""
        if error is None:
            whole.__exit__(None, None, None)
            return
        try:
            whole.__exit__(type(error), error, error.__traceback__)
        except BaseException as passed:
            if passed is not error:
                raise


class Metered:
    """What the callbacks of all trainers share.

    Args:
        name: what the figures are of, as tables name it.
        audio_seconds_per_step: seconds of audio of a step; None where it is not known.
        options: those of `sslbench meter`, with underscores, such as `out="runs/theirs"` or `country="FRA"`.
    """

    def __init__(self, name: str, audio_seconds_per_step: float | None = None, **options: Any) -> None:  # noqa: ANN401 - of many types
        self._phases = Phases(name, audio_seconds_per_step, options)

    @property
    def path(self) -> str | None:
        """The run's folder, once training has begun."""
        return self._phases.path

"""A callback for the Trainer of transformers that leaves a run of kind `meter`."""

# ruff: noqa: ANN401 - arguments are those of the library

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ssl_bench.metering.metered import MeteredRun, metered

LOGGED = "energy_wh"
"""The name in the trainer's logs of the machine's energy so far, or of the GPUs', in Wh."""


class SslbenchCallback(TrainerCallback):
    """Meters `trainer.train()`: training and the evaluations in it, each with its own figures.

    With several ranks on a machine, the first of them meters for all. The energy so far stands in the trainer's own logs as
    `energy_wh`, and the run's folder in `path`.

    Args:
        name: what the figures are of, as tables name it.
        audio_seconds_per_step: seconds of audio that an optimiser step processes, over all ranks of this machine.
        options: those of `sslbench meter`, with underscores, such as `out="runs/theirs"` or `country="FRA"`.
    """

    def __init__(self, name: str, audio_seconds_per_step: float | None = None, **options: Any) -> None:
        self.name, self.options = name, options
        self.audio_seconds_per_step = audio_seconds_per_step
        self.path: str | None = None
        self._run: MeteredRun | None = None
        self._whole = ExitStack()
        self._window = ExitStack()
        self._phase = ""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start to meter, on the first rank of a machine."""
        del control, kwargs
        if state.is_local_process_zero and args.local_process_index == 0:
            self._run = self._whole.enter_context(metered(self.name, **self.options))
            self.path = self._run.path
            self._enter("training")

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Count the audio of a step."""
        del args, state, control, kwargs
        if self._run is not None and self.audio_seconds_per_step:
            self._run.audio(self.audio_seconds_per_step)

    def on_prediction_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """An evaluation has begun."""
        del args, state, control, kwargs
        self._enter("evaluation")

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """An evaluation has ended; training goes on."""
        del args, state, control, kwargs
        self._enter("training")

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Add the energy so far to what the trainer logs."""
        del args, control, kwargs
        joules = None if self._run is None else self._run.joules
        if joules is not None:
            for entry in (logs, state.log_history[-1] if state.log_history else None):
                if entry is not None:
                    entry[LOGGED] = joules / 3600

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Write the record."""
        del args, state, control, kwargs
        self._window.close()
        self._whole.close()
        self._run, self._phase = None, ""

    def _enter(self, phase: str) -> None:
        """Close the open window and open another, unless it is of the same phase."""
        if self._run is None or phase == self._phase:
            return
        self._window.close()
        self._window.enter_context(self._run.window(phase))
        self._phase = phase

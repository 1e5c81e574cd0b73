"""A callback for the Trainer of transformers that leaves a run of kind `meter`."""

# ruff: noqa: ANN401 - arguments are those of the library

from __future__ import annotations

import os
from typing import Any

from torch import nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ssl_bench.integrations.phases import LOGGED, Metered


class SslbenchCallback(Metered, TrainerCallback):
    """Meters `trainer.train()`: training and the evaluations in it, each with its own figures.

    With several ranks on a machine, the first of them meters for all. The energy so far stands in the trainer's own logs as
    `energy_wh`, and the run's folder in `path`.

    Args:
        name: what the figures are of, as tables name it.
        audio_seconds_per_step: seconds of audio that an optimiser step processes, over all ranks of this machine.
        options: those of `sslbench meter`, with underscores, such as `out="runs/theirs"` or `country="FRA"`.
    """

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start to meter, on the first rank of a machine."""
        del control, kwargs
        if state.is_local_process_zero and args.local_process_index == 0:
            self._phases.begin()

    def on_step_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        """Count the FLOPs of the first step."""
        del state, control, kwargs
        if model is not None:
            self._phases.begin_step(model, int(os.environ.get("LOCAL_WORLD_SIZE", max(1, args.n_gpu))))

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Count the audio of a step."""
        del args, state, control, kwargs
        self._phases.step()

    def on_prediction_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """An evaluation has begun."""
        del args, state, control, kwargs
        self._phases.enter("evaluation")

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """An evaluation has ended; training goes on."""
        del args, state, control, kwargs
        self._phases.enter("training")

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
        joules = self._phases.joules
        if joules is not None:
            for entry in (logs, state.log_history[-1] if state.log_history else None):
                if entry is not None:
                    entry[LOGGED] = joules / 3600

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Write the record."""
        del args, state, control, kwargs
        self._phases.end()

"""A callback for the Trainer of Lightning that leaves a run of kind `meter`."""

# ruff: noqa: ANN401 - arguments are those of the library

from __future__ import annotations

from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from ssl_bench.integrations.phases import LOGGED, Metered


class SslbenchCallback(Metered, Callback):
    """Meters `trainer.fit(...)`: training and the validations in it, each with its own figures.

    With several ranks on a machine, the first of them meters for all. The energy so far stands in the trainer's own logs as
    `energy_wh`, and the run's folder in `path`.

    Args:
        name: what the figures are of, as tables name it.
        audio_seconds_per_step: seconds of audio that a training batch holds, over all ranks of this machine.
        options: those of `sslbench meter`, with underscores, such as `out="runs/theirs"` or `country="FRA"`.
    """

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start to meter, on the first rank of a machine."""
        del pl_module
        if trainer.local_rank == 0:
            self._phases.begin()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Count the FLOPs of the first batch."""
        del batch, batch_idx
        self._phases.begin_step(pl_module, trainer.num_devices)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count the audio of a batch, and log the energy so far."""
        del trainer, outputs, batch, batch_idx
        self._phases.step()
        joules = self._phases.joules
        if joules is not None:
            pl_module.log(LOGGED, joules / 3600, rank_zero_only=True)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A validation has begun."""
        del trainer, pl_module
        self._phases.enter("evaluation")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A validation has ended; training goes on."""
        del trainer, pl_module
        self._phases.enter("training")

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the record."""
        del trainer, pl_module
        self._phases.end()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Write the record of what was spent."""
        del trainer, pl_module
        self._phases.end(exception)

"""A run of Weights & Biases: written to files that `wandb sync` sends, or sent at once where the user asks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ssl_bench.exporting.figures import Moment, facts_of, settings_of
from ssl_bench.settings.exporting import Destination
from ssl_benchmarks.record.record import Record
from ssl_models.errors import BadInputError


class WandbTracker:
    """See `ssl_bench.exporting.tracker.Tracker`.

    Raises:
        BadInputError: if it is to send as a user, and none is logged in.
    """

    def __init__(self, destination: Destination, record: Record, folder: Path) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # the user alone learns what failed
        import wandb

        if destination.online and not wandb.api.api_key:
            raise BadInputError("--online: nobody is logged in to Weights & Biases; run: wandb login")
        into = folder if destination.place is None else Path(destination.place)
        into.mkdir(parents=True, exist_ok=True)
        known = wandb.Settings(
            console="off", silent=True, disable_git=True, disable_code=True, save_code=False, x_disable_stats=True,
            x_disable_meta=True, x_save_requirements=False,
        )  # fmt: skip
        self._run = wandb.init(
            mode="online" if destination.online else "offline", dir=str(into), project=destination.project,
            name=record.id, job_type=record.kind, config={**settings_of(record), **facts_of(record)}, settings=known,
            reinit="create_new",  # a run that the calling program has open stays as it is
        )  # fmt: skip
        self._run.define_metric("step", hidden=True)
        self._run.define_metric("*", step_metric="step")
        self.place = str(self._run.url if destination.online else Path(self._run.dir).parent)

    def log(self, moments: Sequence[Moment]) -> None:
        """See `Tracker`; how a figure was obtained stands in the summary, beside its last value."""
        for moment in moments:
            numbers = {name: value for figure in moment.figures for name, value in figure.numbers.items()}
            self._run.log({"step": moment.step, "_timestamp": moment.time_s, **numbers})
        self._run.summary.update({f"about/{f.name}": f.words for moment in moments for f in moment.figures})

    def close(self, record: Record, folder: Path) -> None:
        """See `Tracker`; the long table is a wandb.Table."""
        del folder
        import wandb

        rows = [{**row.row(), "ci95": str(row.row()["ci95"] or "")} for row in record.measurements]
        if rows:
            table = wandb.Table(
                columns=list(rows[0]), data=[list(row.values()) for row in rows], allow_mixed_types=True
            )
            self._run.log({"measurements": table})
        self._run.config.update(facts_of(record), allow_val_change=True)  # type: ignore[no-untyped-call]
        self._run.finish(exit_code=0 if record.status == "finished" else 1)

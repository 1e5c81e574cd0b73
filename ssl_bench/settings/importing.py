"""Settings of `sslbench import`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, get_args

from ssl_bench.settings.mapping import GPUS, POWER, TEXTS, Naming, StatedMethod, mapped
from ssl_bench.settings.metering import Phase
from ssl_bench.settings.options import Settings, option
from ssl_models.errors import BadInputError

Tool = Literal["codecarbon", "carbontracker", "zeus", "mlflow", "tensorboard", "wandb", "sacct", "csv"]
EXTRAS = {"mlflow": ("mlflow", "sqlalchemy"), "tensorboard": ("tensorboard",), "wandb": ("wandb",)}
"""The packages that read what a tool wrote; the extra has the tool's name."""
TARGETS = {"mlflow": (POWER,), "tensorboard": (POWER,), "wandb": (POWER,), "csv": (*TEXTS, GPUS)}
"""The tools whose figures have names of the user's, and what these may be besides metrics."""


@dataclass(frozen=True, kw_only=True)
class ImportConfig(Settings):
    """The options of `sslbench import`.

    Attributes:
        tool: whose figures they are.
        source: its file or folder, the tracking URI of MLflow, or the job of Slurm.
        run: which run of the source; None for all. MLflow takes its ID.
        name: of the model, if there is one run.
        phase: what was recorded.
        audio_hours: hours of audio that were processed, as the user states them.
        mapping: figures by their names in the source; see `ssl_bench.settings.mapping`.
        method: of the figures that are mapped.
        saved: saved output of sacct.
        out: the run folder.
    """

    tool: Tool = option(help=f"The tool that recorded it: {', '.join(get_args(Tool))}.", argument=True, metavar="TOOL")
    source: str = option(
        help="Its file or folder; for mlflow the tracking URI, for sacct the job.", argument=True, metavar="SOURCE"
    )
    run: str | None = option(
        None, "One run of the source, for mlflow its ID.", default_text="all", argument=True, metavar="RUN"
    )
    name: str | None = option(None, "Name in tables, for a source of one run.", default_text="that in the source")
    phase: Phase = option("training", "training, fine-tuning, inference or evaluation.")
    audio_hours: float | None = option(None, "Hours of audio that were processed, as you state them.", above=0)
    mapping: tuple[str, ...] = option(
        (), f"METRIC=NAME:UNIT, what a figure of {', '.join(TARGETS)} is, such as wer=eval/wer:%; may be repeated.",
        name="map", repeated=True,
    )  # fmt: skip
    method: StatedMethod = option(
        "stated", "How the mapped figures were obtained: measured, sampled, modelled or stated."
    )
    saved: str | None = option(None, "Saved output of sacct, where there is no Slurm.", name="file")
    out: str | None = option(None, "The run folder.", default_text="a folder in runs/, named after the tool and time")

    def check(self) -> None:
        """See `Settings.check`; options belong to their tools, and the library that reads the source is installed."""
        super().check()
        if self.tool not in TARGETS and (self.mapping or self.method != "stated"):
            raise BadInputError(
                f"--map and --method are for {', '.join(TARGETS)}, whose figures have names of your own"
            )
        if self.saved is not None and self.tool != "sacct":
            raise BadInputError("--file is for sacct; the source of other tools is given by itself")
        if self.tool == "csv" and not self.mapping:
            raise BadInputError("csv: say what its columns are, such as --map duration=seconds:s --map energy=kwh:kWh")
        _ = self.naming
        if missing := [package for package in EXTRAS.get(self.tool, ()) if not _is_installed(package)]:
            raise BadInputError(
                f'import {self.tool} needs {missing[0]}, which is not installed: pip install "sslbench[{self.tool}]"'
            )

    @property
    def naming(self) -> Naming:
        """What `--map` and `--method` say.

        Raises:
            BadInputError: for a text of another form, or an unknown metric, scope or unit.
        """
        return Naming(mapped(self.mapping, TARGETS.get(self.tool, ())), self.method)


def _is_installed(package: str) -> bool:
    found = find_spec(package)
    return found is not None and found.origin is not None  # a mere folder of that name, such as wandb's, has no origin

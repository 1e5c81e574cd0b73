"""Settings of `sslbench import`, and what a figure of a user's own name means: `METRIC[.SCOPE]=NAME[:UNIT]`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ssl_bench.settings.exporting import require_package
from ssl_bench.settings.metering import Phase
from ssl_bench.settings.options import Settings, option
from ssl_benchmarks.record.metrics import METRICS, STATED
from ssl_benchmarks.record.record import SCOPES
from ssl_benchmarks.record.units import UNITS
from ssl_models.errors import BadInputError, choose

Tool = Literal["codecarbon", "carbontracker", "zeus", "mlflow", "tensorboard", "wandb", "sacct", "csv"]
EXTRAS = ("mlflow", "tensorboard", "wandb")
"""The tools whose own library reads what they wrote."""
StatedMethod = Literal["measured", "sampled", "modelled", "stated"]
POWER = "power"
"""Power over time, to be integrated; unlike a metric, it may be mapped several times, once for each device."""
TEXTS = ("name", "device")
GPUS = "gpus"
TARGETS = {"mlflow": (POWER,), "tensorboard": (POWER,), "wandb": (POWER,), "csv": (*TEXTS, GPUS)}
"""The tools whose figures have names of the user's, and what these may be besides metrics."""
SCOPED = frozenset({POWER, "energy", "energy_net", "energy_per_audio_hour", "power_mean", "power_idle", "co2e"})


@dataclass(frozen=True)
class Mapped:
    """A figure by its name in the source.

    Attributes:
        target: a metric, "power", or in a table also "name", "device" or "gpus".
        scope: of an energy, a power or a CO2e.
        source: its name.
        unit: of the record.
        factor: from the source's unit to that of the record.
    """

    target: str
    scope: str | None
    source: str
    unit: str
    factor: float


@dataclass(frozen=True)
class Naming:
    """What a user says of the names in a source.

    Attributes:
        figures: what they are.
        method: how their figures were obtained.
    """

    figures: tuple[Mapped, ...]
    method: StatedMethod

    @property
    def sources(self) -> frozenset[str]:
        """The names."""
        return frozenset(each.source for each in self.figures)


def mapped(texts: Sequence[str], others: Sequence[str] = ()) -> tuple[Mapped, ...]:
    """The figures of `--map`; `others` are the targets that are possible besides metrics.

    Raises:
        BadInputError: for a text of another form, an unknown metric, scope or unit, or a figure given twice.
    """
    found = tuple(_mapped(text, others) for text in texts)
    count = Counter((each.target, each.scope) for each in found if each.target != POWER)
    if twice := next((target for (target, _), times in count.items() if times > 1), None):
        raise BadInputError(f"--map: {twice} is given twice")
    return found


def _mapped(text: str, others: Sequence[str]) -> Mapped:
    goal, _, name = text.partition("=")
    source, colon, unit = name.rpartition(":")
    if not colon:
        source, unit = name, ""
    if not goal or not source:
        raise BadInputError(f"--map {text}: write METRIC=NAME:UNIT, such as energy.gpu=kwh:kWh")
    target, dot, scope = goal.partition(".")
    choose(target, [*others, *(each for each in METRICS if each != STATED)], "--map")
    if target in TEXTS or target == GPUS:
        return Mapped(target, None, name, "", 1.0)
    if dot and target not in SCOPED:
        raise BadInputError(f"--map {text}: {target} has no scope")
    scope = choose(scope, sorted(SCOPES), f"scope of --map {target}") if dot else "machine"
    own = "W" if target == POWER else METRICS[target].unit
    units = UNITS.get(own, {own: 1.0})
    if unit and unit not in units:
        raise BadInputError(f"--map {text}: {unit!r} is no unit of {target}; give one of {', '.join(units)}")
    return Mapped(target, scope if target in SCOPED else None, source, own, units.get(unit, 1.0))


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
        mapping: figures by their names in the source; see `mapped`.
        method: of the figures that are mapped.
        saved: saved output of sacct.
        out: the run folder.
    """

    tool: Tool = option(
        help="The tool that recorded it: codecarbon, carbontracker, zeus, mlflow, tensorboard, wandb, sacct or csv.",
        argument=True,
        metavar="TOOL",
    )
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
        (), "METRIC=NAME:UNIT records the number NAME of mlflow, tensorboard, wandb or csv as METRIC, such as wer=eval/wer:%; may be repeated.",
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
        if self.tool in EXTRAS:
            require_package(self.tool, "import")

    @property
    def naming(self) -> Naming:
        """What `--map` and `--method` say.

        Raises:
            BadInputError: for a text of another form, or an unknown metric, scope or unit.
        """
        return Naming(mapped(self.mapping, TARGETS.get(self.tool, ())), self.method)

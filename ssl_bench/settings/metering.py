"""Settings of `sslbench meter`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ssl_bench.settings.machine import CARBON, require_one_grid
from ssl_bench.settings.options import Settings, option, parse_names
from ssl_models.errors import BadInputError

Phase = Literal["training", "fine-tuning", "inference", "evaluation"]
AS_RECORDED = {"fine-tuning": "finetuning"}


@dataclass(frozen=True, kw_only=True)
class MeterConfig(Settings):
    """The options of `sslbench meter`, and of `ssl_bench.metered`.

    Attributes:
        name: what the figures are of, as tables name it.
        phase: what the command does.
        audio_hours: hours of audio that it processes, as the user states them.
        gpus: "visible", "all", or indices and UUIDs as nvidia-smi lists them.
        interval: seconds between power samples.
        idle: whether idle power is measured first, for 10 s, if there is a counter.
        pid: a running process to join, instead of a command.
        out: the run folder.
    """

    name: str | None = option(None, "Name in tables.", default_text="the program's")
    phase: Phase = option("training", "training, fine-tuning, inference or evaluation.")
    audio_hours: float | None = option(None, "Hours of audio that the command processes, as you state them.", above=0)
    gpus: tuple[str, ...] = option(
        (), "all, or comma-separated indices or UUIDs.", default_text="those in CUDA_VISIBLE_DEVICES", parse=parse_names
    )
    interval: float = option(0.1, "Seconds between power samples.", above=0)
    idle: bool = option(
        default=False, help="Measure idle power first, for 10 s.", default_text="off", flags="--idle/--no-idle"
    )
    pid: int | None = option(None, "Join a running process instead of starting a command.", least=1)
    country: str | None = option(None, "ISO code of the grid's country, such as FRA.", panel=CARBON)
    grid_intensity: float | None = option(None, "Grid intensity in g CO2e per kWh.", panel=CARBON)
    pue: float = option(1.0, "Power usage effectiveness.", panel=CARBON, least=1)
    out: str | None = option(
        None, "The run folder.", default_text="a folder in runs/, named after the command and time"
    )

    def check(self) -> None:
        """See `Settings.check`; the grid is given once, and samples are neither too dense nor too rare."""
        super().check()
        require_one_grid(self.country, self.grid_intensity)
        if not 0.001 <= self.interval <= 60:
            raise BadInputError(f"--interval {self.interval:g}: must be from 0.001 to 60 s")

    @property
    def chosen_gpus(self) -> Literal["visible", "all"] | tuple[str, ...]:
        """As `EnergyMeter` takes them."""
        if not self.gpus:
            return "visible"
        return "all" if self.gpus == ("all",) else self.gpus

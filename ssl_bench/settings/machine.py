"""Settings that every command has that meters something: device, precision, carbon, the run's folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self

from ssl_bench.settings.options import Settings, option
from ssl_models.errors import BadInputError

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]
CARBON, FORECAST = "Carbon", "Forecast"
WEIGHTS = "Published weights: a folder, a safetensors file, or a name on the hub (fetched)."
SPEECH = "A folder of audio to cut clips from, or 'sample' (half an hour of LibriSpeech)."


@dataclass(frozen=True, kw_only=True)
class MachineSettings(Settings):
    """What every metered command can be told.

    Attributes:
        seed: of random weights and of all that is drawn.
        pue: power usage effectiveness of the building.
        idle: whether idle power is measured first, where there is a counter.
        strict: whether a disturbance of the measurement is an error.
        out: the run's folder.
    """

    device: Device = option("auto", "auto, cpu or cuda.")
    precision: Precision = option("auto", "auto, float32 or bfloat16.")
    seed: int = option(0, "Of random weights and of all that is drawn.", least=0)
    country: str | None = option(None, "ISO code of the grid, such as FRA.", panel=CARBON)
    grid_intensity: float | None = option(None, "g CO2e per kWh.", panel=CARBON)
    pue: float = option(1.0, "Power usage effectiveness.", panel=CARBON)
    idle: bool = option(default=True, help="Measure idle power first, for 10 s.", flags="--idle/--no-idle")
    strict: bool = option(default=False, help="A disturbed measurement is an error (exit code 1).")
    out: str | None = option(None, "The run's folder.", default_text="below runs/, named after model and time")

    def check(self) -> None:
        """See `Settings.check`; the grid is named once, and a PUE is at least 1."""
        super().check()
        if not 1 <= self.pue < float("inf"):
            raise BadInputError(f"--pue {self.pue:g}: it is total power over computing power, so at least 1")
        if self.country is not None and self.grid_intensity is not None:
            raise BadInputError("--country and --grid-intensity both name the grid; give one")

    def resolved(self, *, cuda: bool) -> Self:
        """With device and precision decided: a GPU where torch sees one, bfloat16 on it.

        Raises:
            BadInputError: for a device that is not here.
        """
        device, precision = self.device, self.precision
        if device == "cuda" and not cuda:
            raise BadInputError("--device cuda: torch sees no CUDA GPU here; use --device cpu, or auto")
        if device == "auto":
            device = "cuda" if cuda else "cpu"
        if precision == "auto":
            precision = "bfloat16" if device == "cuda" else "float32"
        return replace(self, device=device, precision=precision)

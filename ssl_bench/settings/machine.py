"""Settings shared by all commands that meter something: device, precision, carbon, run folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self

from ssl_bench.settings.exporting import require_tracker
from ssl_bench.settings.options import Settings, option
from ssl_models.errors import BadInputError

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]
CARBON, FORECAST = "Carbon", "Forecast"
WEIGHTS = (
    "Published weights: a folder, a file of safetensors, a checkpoint, or a name on the Hugging Face Hub (downloaded)."
)
SPEECH = "A folder of audio to cut clips from, or 'sample' (half an hour of LibriSpeech)."
RECIPE = "A TOML file that states how models of your own, or from transformers, were pretrained."
PRICE = "Price of the device per hour, in any currency."

OTHER_DEVICES = {
    "cuda": "give --device cuda, and choose the GPU by CUDA_VISIBLE_DEVICES=N in front of the command",
    "gpu": "give --device cuda",
    "mps": "only cpu and cuda are supported",
}
_HALF = "float16 is not offered, since it needs loss scaling; give bfloat16, or float32"
OTHER_PRECISIONS = {
    "fp16": _HALF, "float16": _HALF, "half": _HALF, "16": _HALF, "16-mixed": _HALF, "amp": _HALF,
    "bf16": "give bfloat16", "bf16-mixed": "give bfloat16", "fp32": "give float32", "32": "give float32", "tf32": "give float32",
}  # fmt: skip


def require_one_grid(country: str | None, grid_intensity: float | None) -> None:
    """Refuse a grid that is named twice.

    Raises:
        BadInputError: naming both options.
    """
    if country is not None and grid_intensity is not None:
        raise BadInputError("give --country or --grid-intensity, not both")


@dataclass(frozen=True, kw_only=True)
class MachineSettings(Settings):
    """Settings of every metered command.

    Attributes:
        seed: seed of random weights and all other random draws.
        pue: power usage effectiveness of the building.
        idle: whether idle power is measured first, if there is a counter.
        strict: whether a disturbed measurement is an error.
        track: where figures go while the command runs; see `ssl_bench.settings.exporting.parse_track`.
        out: the run folder.
    """

    device: Device = option("auto", "auto, cpu or cuda.", advice=OTHER_DEVICES)
    precision: Precision = option("auto", "auto, float32 or bfloat16.", advice=OTHER_PRECISIONS)
    seed: int = option(0, "Random seed.", least=0)
    country: str | None = option(None, "ISO code of the grid's country, such as FRA.", panel=CARBON)
    grid_intensity: float | None = option(None, "Grid intensity in g CO2e per kWh.", panel=CARBON)
    pue: float = option(1.0, "Power usage effectiveness.", panel=CARBON)
    idle: bool = option(default=True, help="Measure idle power first, for 10 s.", flags="--idle/--no-idle")
    strict: bool = option(default=False, help="Fail if the measurement was disturbed (exit code 1).")
    track: str | None = option(
        None, "Log live to mlflow[:URI], tensorboard[:FOLDER] or wandb[:FOLDER].", default_text="off"
    )
    out: str | None = option(None, "The run folder.", default_text="a folder in runs/, named after model and time")

    def check(self) -> None:
        """See `Settings.check`; the grid is given once, and the PUE is at least 1."""
        super().check()
        if not 1 <= self.pue < float("inf"):
            raise BadInputError(f"--pue {self.pue:g}: must be at least 1 (total power over computing power)")
        require_one_grid(self.country, self.grid_intensity)
        require_tracker(self.track)

    def resolved(self, *, cuda: bool) -> Self:
        """With device and precision decided: a GPU if torch finds one, and bfloat16 on it.

        Raises:
            BadInputError: for a device that is not available, and for bfloat16 on a CPU that computes it wrongly.
        """
        device, precision = self.device, self.precision
        if device == "cuda" and not cuda:
            raise BadInputError("--device cuda: torch finds no CUDA GPU; use --device cpu or auto")
        if device == "auto":
            device = "cuda" if cuda else "cpu"
        if precision == "auto":
            precision = "bfloat16" if device == "cuda" else "float32"
        if (device, precision) == ("cpu", "bfloat16"):
            from ssl_benchmarks.machine.bfloat16 import bfloat16_fault

            if fault := bfloat16_fault():
                raise BadInputError(f"--precision bfloat16: {fault}")
        return replace(self, device=device, precision=precision)

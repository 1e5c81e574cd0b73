"""Settings of `sslbench table`: which figures and models it holds, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ssl_bench.settings.machine import CARBON, require_one_grid
from ssl_bench.settings.options import Settings, option, parse_names
from ssl_models.errors import BadInputError

FORMS = (".tex", ".md", ".csv", ".html", ".txt")
PRETRAINING = "Pretraining"


@dataclass(frozen=True)
class TableConfig(Settings):
    """The options of `sslbench table`.

    Attributes:
        columns: keys of `ssl_reports.efficiency.columns.COLUMNS`; empty for all that the runs fill.
        phase: phase of FLOPs, speed and memory.
        pretraining: what the runs spent, or what each model's recipe would take.
        audio_hours: hours of audio to which every model is projected, instead of its recipe's.
        name: `MODEL=TEXT`, the name of a model in the table.
        order: models that come first.
        width: whether the LaTeX table fits one column of the page or both.
        country, grid_intensity, pue: for CO2e, instead of those of the runs.
        out: the file; its suffix decides the format.
    """

    columns: tuple[str, ...] = option(
        (), "Comma-separated columns, in this order.", default_text="all that the runs fill", parse=parse_names
    )
    phase: Literal["training", "inference"] | None = option(
        None, "Phase of FLOPs, speed and memory: training or inference.", default_text="training where it was measured"
    )
    name: tuple[str, ...] = option((), "MODEL=TEXT: name of a model in the table; may be repeated.", repeated=True)
    order: tuple[str, ...] = option((), "Comma-separated models to put first.", parse=parse_names)
    width: Literal["single", "double"] = option("double", "Page columns that a .tex table spans: single or double.")
    bold: bool = option(default=False, help="Emphasise the best figure of each column.")
    published: bool = option(default=False, help="Fill cells that the runs leave empty with published figures.")
    mark_differences: bool = option(
        default=False, help="Mark models measured under different conditions instead of refusing them."
    )
    pretraining: Literal["spent", "projected"] | None = option(
        None, "spent: what the runs took; projected: what each recipe would take.",
        default_text="spent where every model was trained in these runs", panel=PRETRAINING,
    )  # fmt: skip
    audio_hours: float | None = option(
        None, "Project every model to this many hours of audio.", panel=PRETRAINING, above=0
    )
    country: str | None = option(None, "ISO code of the grid's country, such as FRA.", panel=CARBON)
    grid_intensity: float | None = option(None, "Grid intensity in g CO2e per kWh.", panel=CARBON)
    pue: float | None = option(None, "Power usage effectiveness.", panel=CARBON, least=1)
    out: str | None = option(None, f"File to write: {', '.join(FORMS)}.", default_text="printed")

    def check(self) -> None:
        """See `Settings.check`; the file's format is known, names are pairs, and the grid is given once."""
        super().check()
        if self.out is not None and Path(self.out).suffix not in FORMS:
            raise BadInputError(f"--out {self.out}: give a file that ends in {', '.join(FORMS)}")
        if wrong := [pair for pair in self.name if not all(pair.partition("="))]:
            raise BadInputError(f"--name {wrong[0]}: write MODEL=TEXT")
        require_one_grid(self.country, self.grid_intensity)
        if self.audio_hours is not None and self.pretraining == "spent":
            raise BadInputError("--audio-hours is for projected pretraining, not for what runs spent")

    @property
    def names(self) -> dict[str, str]:
        """Names in the table, by the models' names in the runs."""
        return {model: text for model, _, text in (pair.partition("=") for pair in self.name)}

"""Everything `sslbench table` can be told: which figures, which models, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ssl_bench.settings.machine import CARBON
from ssl_bench.settings.options import Settings, option, parse_names
from ssl_models.errors import BadInputError

FORMS = (".tex", ".md", ".csv", ".html", ".txt")
PRETRAINING = "Pretraining"


@dataclass(frozen=True)
class TableConfig(Settings):
    """The options of `sslbench table`.

    Attributes:
        columns: keys of `ssl_reports.efficiency.columns.COLUMNS`; none for those that the runs fill.
        phase: of FLOPs, speed and memory.
        pretraining: what the runs spent, or what each model's recipe would take.
        audio_hours: to which every model is projected, in place of its recipe.
        name: `MODEL=TEXT`, what a model is called in the table.
        order: models that come first.
        width: of the page's column that LaTeX has for the table.
        country, grid_intensity, pue: for CO2e, in place of those of the runs.
        out: the file; its suffix is the form.
    """

    columns: tuple[str, ...] = option(
        (), "Columns in this order, separated by commas.", default_text="all that the runs fill", parse=parse_names
    )
    phase: Literal["training", "inference"] | None = option(
        None, "Phase of FLOPs, speed and memory: training or inference.", default_text="training where it was measured"
    )
    name: tuple[str, ...] = option(
        (), "MODEL=TEXT: what a model is called in the table; may be repeated.", repeated=True
    )
    order: tuple[str, ...] = option((), "Models that come first, separated by commas.", parse=parse_names)
    width: Literal["single", "double"] = option("double", "Columns of the page that a .tex fits: single or double.")
    bold: bool = option(default=False, help="Emphasise the best figure of each column.")
    published: bool = option(default=False, help="Fill cells that the runs leave open with published figures.")
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
    country: str | None = option(None, "ISO code of the grid, such as FRA.", panel=CARBON)
    grid_intensity: float | None = option(None, "Grid intensity in g CO2e per kWh.", panel=CARBON)
    pue: float | None = option(None, "Power usage effectiveness.", panel=CARBON, least=1)
    out: str | None = option(None, f"File to write: {', '.join(FORMS)}.", default_text="printed")

    def check(self) -> None:
        """See `Settings.check`; the file's form is known, names are pairs, and the grid is named once."""
        super().check()
        if self.out is not None and Path(self.out).suffix not in FORMS:
            raise BadInputError(f"--out {self.out}: give a file that ends in {', '.join(FORMS)}")
        if wrong := [pair for pair in self.name if not all(pair.partition("="))]:
            raise BadInputError(f"--name {wrong[0]}: write MODEL=TEXT")
        if self.country is not None and self.grid_intensity is not None:
            raise BadInputError("--country and --grid-intensity both name the grid; give one")
        if self.audio_hours is not None and self.pretraining == "spent":
            raise BadInputError("--audio-hours is for projected pretraining, not for what runs spent")

    @property
    def names(self) -> dict[str, str]:
        """What a model is called in the table, by its name in the runs."""
        return {model: text for model, _, text in (pair.partition("=") for pair in self.name)}

"""Settings of `sslbench table` and `sslbench report`: which figures and models a table holds, and how they are shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ssl_bench.settings.machine import CARBON, PRICE, RECIPE, require_one_grid
from ssl_bench.settings.options import Settings, option, parse_names
from ssl_benchmarks.record.stated import Stated, read_recipes, read_stated
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from ssl_reports.efficiency.layout import Layout
    from ssl_reports.reading.evidence import Evidence

FORMS = (".tex", ".md", ".csv", ".html", ".txt")
PRETRAINING, LOOK = "Pretraining", "Look"


@dataclass(frozen=True, kw_only=True)
class LayoutSettings(Settings):
    """What a table shows, and how.

    Attributes:
        columns: keys of `ssl_reports.efficiency.columns.COLUMNS` and `ssl_reports.efficiency.texts.TEXTS`; empty for all
            figures that the runs have.
        phase: phase of FLOPs, speed and memory.
        pretraining: what the runs spent, or what each model's recipe would take.
        audio_hours: hours of audio to which every model is projected, instead of its recipe's.
        name: `MODEL=TEXT`, the name of a model in the table.
        order: models that come first.
        costs: a TOML file of stated costs and recipes; see `ssl_benchmarks.record.stated`.
        recipe: such a file, of which the recipes are used.
        group, baseline, units, digits, bold, published, controls, mark_differences: as in
            `ssl_reports.efficiency.layout.Layout`.
        orient: where the models stand.
        font: of the LaTeX and HTML tables, and of pictures; None for that of the document around them.
        country, grid_intensity, pue: for CO2e, instead of those of the runs.
        price_per_gpu_hour: of a device, in any currency.
    """

    columns: tuple[str, ...] = option(
        (), "Comma-separated columns, in this order.", default_text="all that the runs fill", parse=parse_names
    )
    phase: Literal["training", "inference"] | None = option(
        None, "Phase of FLOPs, speed and memory: training or inference.", default_text="training where it was measured"
    )
    costs: str | None = option(None, "A TOML file of costs that you state, each with its source.")
    published: bool = option(
        default=False, help="Published numbers in empty cells, and a column of published GPU-hours."
    )
    controls: bool = option(default=False, help="Rows for random weights and log-mel features.")
    mark_differences: bool = option(
        default=False, help="Mark models measured under different conditions instead of refusing them."
    )
    name: tuple[str, ...] = option(
        (),
        "MODEL=TEXT or RUN=TEXT: name of a model in the table, or of a run's one model; may be repeated.",
        repeated=True,
        panel=LOOK,
    )
    order: tuple[str, ...] = option((), "Comma-separated models to put first.", parse=parse_names, panel=LOOK)
    group: str | None = option(
        None, "Group models by family, device, precision or licence, with a rule between.", panel=LOOK
    )
    baseline: str | None = option(None, "Model that ratios are relative to.", panel=LOOK)
    orient: Literal["rows", "columns"] = option("rows", "Models as rows or columns.", panel=LOOK)
    bold: bool = option(default=False, help="Emphasise the best number of each column.", panel=LOOK)
    units: tuple[str, ...] = option(
        (),
        "Comma-separated units, such as MJ,GB.",
        default_text="auto: those that read well",
        parse=parse_names,
        panel=LOOK,
    )
    digits: int = option(3, "Significant digits of a number without an interval.", panel=LOOK, least=1)
    font: Literal["serif", "sans"] | None = option(
        None, "serif or sans.", default_text="that of the document", panel=LOOK
    )
    pretraining: Literal["spent", "projected"] | None = option(
        None, "spent: what the runs took; projected: what each recipe would take.",
        default_text="spent where every model was trained in these runs", panel=PRETRAINING,
    )  # fmt: skip
    audio_hours: float | None = option(
        None, "Project every model to this many hours of audio.", panel=PRETRAINING, above=0
    )
    recipe: str | None = option(None, RECIPE, panel=PRETRAINING)
    price_per_gpu_hour: float | None = option(None, PRICE, panel=PRETRAINING, least=0)
    country: str | None = option(None, "ISO code of the grid's country, such as FRA.", panel=CARBON)
    grid_intensity: float | None = option(None, "Grid intensity in g CO2e per kWh.", panel=CARBON)
    pue: float | None = option(
        None, "Power usage effectiveness.", default_text="that of the runs", panel=CARBON, least=1
    )

    def check(self) -> None:
        """See `Settings.check`; names are pairs, groups are of rows, and the grid is given once."""
        super().check()
        if wrong := [pair for pair in self.name if not all(pair.partition("="))]:
            raise BadInputError(f"--name {wrong[0]}: write MODEL=TEXT")
        require_one_grid(self.country, self.grid_intensity)
        if self.audio_hours is not None and self.pretraining == "spent":
            raise BadInputError("--audio-hours is for projected pretraining, not for what runs spent")
        if self.group is not None and self.orient == "columns":
            raise BadInputError("--group rules off rows of models: leave out --orient columns")

    def layout(self) -> Layout:
        """The table's layout.

        Raises:
            BadInputError: for stated costs that cannot be read.
        """
        from ssl_reports.efficiency.layout import Layout

        return Layout(
            columns=self.columns,
            phase=self.phase,
            account="projected" if self.audio_hours is not None else self.pretraining,
            hours=self.audio_hours,
            price_per_hour=self.price_per_gpu_hour,
            names={model: text for model, _, text in (pair.partition("=") for pair in self.name)},
            order=self.order,
            group=self.group,
            baseline=self.baseline,
            units=tuple(unit for unit in self.units if unit != "auto"),
            digits=self.digits,
            bold=self.bold,
            published=self.published,
            controls=self.controls,
            mark_differences=self.mark_differences,
            turned=self.orient == "columns",
            stated=self._stated(),
        )

    def _stated(self) -> Stated:
        return Stated() if self.costs is None else read_stated(Path(self.costs))

    def restated(self, evidence: Evidence) -> Evidence:
        """The runs with CO2e of the grid and the PUE asked for, and with the recipes stated for their models.

        Raises:
            BadInputError: for an unknown country, or recipes that cannot be read.
        """
        from ssl_benchmarks.energy.carbon import chosen_intensity
        from ssl_reports.reading.repricing import repriced
        from ssl_reports.reading.stated_recipes import with_recipes

        recipes = self._stated().recipe
        if self.recipe is not None:
            models = [name for model in evidence.models for name in (model, model.partition(" (")[0])]
            recipes = {**recipes, **read_recipes(Path(self.recipe), models)}
        priced = repriced(evidence, chosen_intensity(self.country, self.grid_intensity), self.pue)
        return with_recipes(priced, recipes)


@dataclass(frozen=True, kw_only=True)
class TableConfig(LayoutSettings):
    """The options of `sslbench table`.

    Attributes:
        width: whether the LaTeX table fits one column of the page or both.
        caption: above the table, in place of its own; with it or a label, a LaTeX table is a float.
        label: of that float.
        out: the file; its suffix decides the format.
    """

    width: Literal["single", "double"] = option(
        "double", "Page columns that a .tex table spans: single or double.", panel=LOOK
    )
    caption: str | None = option(
        None, "Caption; with it or --label, a .tex table is a float.", default_text="what the table holds", panel=LOOK
    )
    label: str | None = option(None, "Label of a .tex table, such as tab:cost.", panel=LOOK)
    out: str | None = option(None, f"File to write: {', '.join(FORMS)}.", default_text="printed")

    def check(self) -> None:
        """See `LayoutSettings.check`; the file's format is known."""
        super().check()
        if self.out is not None and Path(self.out).suffix not in FORMS:
            raise BadInputError(f"--out {self.out}: give a file that ends in {', '.join(FORMS)}")
        if self.label is not None and not re.fullmatch(r"[\w:.+/-]+", self.label, re.ASCII):
            raise BadInputError(f"--label {self.label}: give letters, digits and : . - + / _, such as tab:cost")


@dataclass(frozen=True, kw_only=True)
class ReportConfig(LayoutSettings):
    """The options of `sslbench report`.

    Attributes:
        out: the folder to write.
        claims: whether the verdicts on the claims of arXiv:2406.07696 are listed.
        pareto: costs on the x axes of Pareto plots, keys of `ssl_reports.reading.axes.COSTS`.
        anonymous: whether names of users and machines, and paths, are left out.
    """

    out: str = option("paper", "Output folder; an earlier report in it is replaced.")
    claims: bool = option(default=False, help="List the verdicts on the claims of arXiv:2406.07696.")
    anonymous: bool = option(
        default=True, help="Leave out user names, host names and paths.", flags="--anonymous/--no-anonymous"
    )
    pareto: tuple[str, ...] = option(
        ("energy", "flops", "memory"), "Comma-separated costs, each the x axis of a Pareto plot.",
        default_text="energy,flops,memory", parse=parse_names,
    )  # fmt: skip

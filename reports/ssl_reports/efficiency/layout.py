"""What an efficiency table shows, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ssl_benchmarks.record.stated import Stated
from ssl_reports.efficiency.columns import Phase
from ssl_reports.efficiency.pretraining import Account
from ssl_reports.tables.numbers import DIGITS


@dataclass(frozen=True)
class Layout:
    """What a table shows, and how.

    Attributes:
        columns: keys of `COLUMNS` and `TEXTS`, and of stated costs; none for `DEFAULT` and stated costs, as far as they are filled.
        phase: of FLOPs, speed, memory and energy; None for training where any of it was measured, else inference.
        account: of the pretraining; None for what was spent where each model was trained in these runs, else projected.
        hours: of audio to which a pretraining is projected; None for each model's own recipe.
        price_per_hour: of a device, in a currency of the user's.
        names: what a model is called in the table, by its name in the runs.
        order: models that come first, in this order; the others follow in the order of the runs.
        group: the key of `TEXTS` by which models are grouped.
        baseline: the model to which ratios are shown.
        units: in which columns that have them are shown.
        digits: significant digits of figures; see `ssl_reports.tables.latex.DIGITS`.
        bold: whether the best figure of each column is emphasised.
        published: whether published numbers fill cells that the runs leave open, and a column of published GPU-hours.
        controls: whether random weights and log-mel features have rows.
        mark_differences: whether models measured under different conditions are marked; otherwise they are refused.
        turned: whether models stand in columns.
        stated: costs that the user states.
    """

    columns: tuple[str, ...] = ()
    phase: Phase | None = None
    account: Account | None = None
    hours: float | None = None
    price_per_hour: float | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    group: str | None = None
    baseline: str | None = None
    units: tuple[str, ...] = ()
    digits: int = DIGITS
    bold: bool = False
    published: bool = False
    controls: bool = False
    mark_differences: bool = False
    turned: bool = False
    stated: Stated = field(default_factory=Stated)

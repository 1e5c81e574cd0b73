"""One efficiency table from finished runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssl_bench.settings.tabulating import LayoutSettings, TableConfig
from ssl_benchmarks.record.record import Record

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

    from ssl_reports.reading.evidence import Evidence
    from ssl_reports.tables.table import PaperTable

Run = Record | Path | str


def table(runs: Run | Sequence[Run], **options: Any) -> Styler:  # noqa: ANN401 - of each option's type
    """The efficiency table of runs: a row for each model, a column for each cost and error rate.

    Args:
        runs: records, run folders, or folders of runs.
        options: those of `sslbench table`, with underscores, such as `columns=("parameters", "flops")` or `country="FRA"`;
            `name` is a mapping from models to names.

    Returns:
        A styled frame: shown in a notebook, its figures are rounded to their uncertainty and marked, with the notes in its
        caption; `.data` holds the figures in full, in the units of the heads, and NaN for one that is not available.

    Raises:
        BadInputError: for an unknown option, or runs that do not fit into one table.
    """
    from ssl_reports.reading.evidence import distinct, read_evidence
    from ssl_reports.tables.frame import styled

    name = options.get("name", ())
    if isinstance(name, Mapping):
        options["name"] = tuple(f"{model}={text}" for model, text in name.items())
    config = TableConfig.read(options)
    config.check()
    given = [runs] if isinstance(runs, Record | Path | str) else list(runs)
    parts = [distinct([r], [None]) if isinstance(r, Record) else read_evidence([str(r)]) for r in given]
    evidence = distinct([r for part in parts for r in part.records], [f for part in parts for f in part.folders])
    return styled(captioned(efficiency(evidence, config), config))


def captioned(table: PaperTable, config: TableConfig) -> PaperTable:
    """The table with the caption that was asked for."""
    return table if config.caption is None else replace(table, caption=config.caption)


def efficiency(evidence: Evidence, config: LayoutSettings) -> PaperTable:
    """The table of the runs, laid out by the settings."""
    from ssl_reports.efficiency.efficiency_table import efficiency_table

    return efficiency_table(config.restated(evidence), config.layout())

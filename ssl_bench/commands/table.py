"""`sslbench table`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ssl_bench.commands.options import Config
from ssl_bench.console import Json, print_json, stdout, typed_command
from ssl_bench.settings.tabulating import TableConfig

if TYPE_CHECKING:
    from ssl_reports.tables.latex_table import Float
    from ssl_reports.tables.table import PaperTable


def table_command(
    config: TableConfig,
    *,
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN", help="Run folders, written by any command, or folders of runs.")
    ],
    file: Config = None,  # noqa: ARG001 - its contents are in `config`
    as_json: Json = False,
) -> None:
    """Write one efficiency table from runs: a row per model, a column per cost and error rate."""
    config.check()
    from ssl_bench.tabulating.table import captioned, efficiency
    from ssl_reports.reading.evidence import read_evidence

    table = captioned(efficiency(read_evidence(runs), config), config)
    text = None if config.out is None else written(table, config)
    if as_json:
        from ssl_reports.tables.data import rows_of

        print_json(
            "table", {"out": config.out, "caption": table.caption, "rows": rows_of(table), "notes": list(table.notes)}
        )
    elif text is None:
        from ssl_reports.tables.plain import plain_text

        console = stdout()
        console.print(plain_text(table, width=console.width), end="", highlight=False, markup=False, soft_wrap=True)
        console.print(f"next: {typed_command()} --out table.tex", highlight=False, markup=False, soft_wrap=True)
    else:
        counts = ((len(table.rows), "model"), (len(table.columns) - 1, "column"))
        said = ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts)
        typer.echo(f"table: {config.out} ({said})")


def floating(table: PaperTable, config: TableConfig) -> Float:
    """The caption and the label of a float; neither if neither was asked for."""
    from ssl_reports.tables.latex_table import Float

    return Float() if config.caption is config.label is None else Float(table.caption, config.label or "")


def written(table: PaperTable, config: TableConfig) -> str:
    """Write the table in the format of the file's suffix; returns its text.

    Raises:
        BadInputError: if the file cannot be written.
    """
    from ssl_benchmarks.files.atomic import write_atomically
    from ssl_models.errors import BadInputError
    from ssl_reports.tables.data import comma_separated
    from ssl_reports.tables.html import html
    from ssl_reports.tables.latex_table import latex
    from ssl_reports.tables.markdown import markdown
    from ssl_reports.tables.plain import plain_text

    out = Path(config.out or "")
    if not out.parent.is_dir():
        raise BadInputError(f"{out}: its folder {out.parent} does not exist")
    match out.suffix:
        case ".tex":
            text = latex(table, config.width, config.font, floating(table, config))
        case ".md":
            text = markdown(table)
        case ".csv":
            text = comma_separated(table)
        case ".html":
            text = html(table, config.font)
        case _:
            text = plain_text(table)
    write_atomically(out, text)
    return text

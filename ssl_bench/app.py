"""The commands under one name. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

from typing import Annotated

import typer

from ssl_bench.commands.compare import compare_command
from ssl_bench.commands.convert import convert_command
from ssl_bench.commands.env import env_command
from ssl_bench.commands.evaluate import evaluate_command
from ssl_bench.commands.export import export_command
from ssl_bench.commands.import_runs import import_command
from ssl_bench.commands.measure import measure_command
from ssl_bench.commands.meter import meter_command
from ssl_bench.commands.models import models_command
from ssl_bench.commands.options import Command, Group, command
from ssl_bench.commands.profile import profile_command
from ssl_bench.commands.report import report_command
from ssl_bench.commands.study import study_command
from ssl_bench.commands.table import table_command
from ssl_bench.commands.train_and_measure import train_and_measure_command
from ssl_bench.settings.comparing import CompareConfig
from ssl_bench.settings.evaluating import EvaluateConfig
from ssl_bench.settings.exporting import ExportConfig
from ssl_bench.settings.importing import ImportConfig
from ssl_bench.settings.measuring import MeasureConfig
from ssl_bench.settings.metering import MeterConfig
from ssl_bench.settings.profiling import ProfileConfig
from ssl_bench.settings.studying import StudyConfig
from ssl_bench.settings.tabulating import ReportConfig, TableConfig
from ssl_bench.settings.training import TrainAndMeasureConfig
from ssl_bench.start import start

app = typer.Typer(
    cls=Group,
    help="The cost and quality of self-supervised speech models: FLOPs, memory, energy, carbon and error rate, measured.",
    invoke_without_command=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _version(*, value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"sslbench {version('sslbench')}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda value: _version(value=value),
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    """Where no command is given, show where to start."""
    if context.invoked_subcommand is None and not version:
        start()


app.command("env", cls=Command)(env_command)
app.command("models", cls=Command)(models_command)
app.command("profile", cls=Command)(command(ProfileConfig, profile_command))
app.command("measure", cls=Command)(command(MeasureConfig, measure_command))
app.command("train-and-measure", cls=Command)(
    command(TrainAndMeasureConfig, train_and_measure_command, hidden=StudyConfig)
)
app.command("meter", cls=Command, context_settings={"allow_interspersed_args": False})(
    command(MeterConfig, meter_command)
)
app.command("study", cls=Command)(command(StudyConfig, study_command))
app.command("import", cls=Command)(command(ImportConfig, import_command))
app.command("export", cls=Command)(command(ExportConfig, export_command))
app.command("convert", cls=Command)(convert_command)
app.command("evaluate", cls=Command)(command(EvaluateConfig, evaluate_command))
app.command("compare", cls=Command)(command(CompareConfig, compare_command))
app.command("table", cls=Command)(command(TableConfig, table_command))
app.command("report", cls=Command)(command(ReportConfig, report_command))

"""The command line. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.record import Record
    from ssl_bench.runs import RunFolder

app = typer.Typer(
    help="The honest cost of self-supervised speech models: FLOPs, memory, energy, carbon and error rate, measured.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; progress stays on stderr.")]


def main() -> None:
    """Entry point of the console script: bad input is one line and exit code 2."""
    _require_own_packages()
    from models.errors import BadInputError

    try:
        sys.exit(app(standalone_mode=False) or 0)
    except BadInputError as error:
        _fail(str(error), 2)
    except typer.Abort:
        _fail("interrupted", 1)
    except OSError as error:
        _fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", 1)
    except KeyboardInterrupt:
        _fail("interrupted", 1)
    except Exception as error:
        # typer's usage errors come from a click of its own, or of its caller's, depending on its version.
        describe = getattr(error, "format_message", None)
        if describe is None:
            raise
        if text := describe():
            _fail(text, 2)
        sys.exit(2)


def _fail(message: str, code: int) -> NoReturn:
    line = " ".join(message.split())
    sys.stderr.write(f"sslbench: {line}\n")
    sys.exit(code)


def _require_own_packages() -> None:
    """Stop where a folder of the user's stands before one of our packages on Python's path."""
    from importlib.util import find_spec

    home = Path(__file__).resolve().parent.parent
    for package in ("models", "benchmarks", "reports"):
        spec = find_spec(package)
        origin = None if spec is None else spec.origin or next(iter(spec.submodule_search_locations or ()), None)
        if origin is None or home not in Path(origin).resolve().parents:
            _fail(f"'{package}' resolves to {origin}, which hides sslbench's own; take it off PYTHONPATH", 2)


def _version(*, value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"sslbench {version('sslbench')}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=lambda value: _version(value=value), is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """What holds for every command."""


BUDGET = "Budget (what comes first ends the run)"
CARBON = "Carbon"


@app.command("train-and-measure")
def train_and_measure_command(
    *,
    model: Annotated[
        str | None, typer.Option(help="efficient-tiny, -small or -base. [tiny on a CPU, base on a GPU]")
    ] = None,
    data: Annotated[str | None, typer.Option(help="A folder of audio, or 'sample' (synthetic). [sample]")] = None,
    eval_data: Annotated[str | None, typer.Option(help="A folder of other speakers to probe on.")] = None,
    out: Annotated[str | None, typer.Option(help="The run's folder. [runs/MODEL-TIME]")] = None,
    steps: Annotated[int | None, typer.Option(rich_help_panel=BUDGET)] = None,
    audio_hours: Annotated[float | None, typer.Option(rich_help_panel=BUDGET)] = None,
    minutes: Annotated[float | None, typer.Option(help="[2 on a CPU, 30 on a GPU]", rich_help_panel=BUDGET)] = None,
    kwh: Annotated[float | None, typer.Option(rich_help_panel=BUDGET)] = None,
    batch_seconds: Annotated[float | None, typer.Option(help="Audio in a step. [123 on a CPU, 491 on a GPU]")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda. [auto]")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, float32 or bfloat16. [auto]")] = None,
    compile_: Annotated[bool | None, typer.Option("--compile/--no-compile", help="torch.compile. [on a GPU]")] = None,
    seed: Annotated[int | None, typer.Option(help="[0]")] = None,
    country: Annotated[
        str | None, typer.Option(help="ISO code of the grid, such as FRA.", rich_help_panel=CARBON)
    ] = None,
    grid_intensity: Annotated[float | None, typer.Option(help="g CO2e per kWh.", rich_help_panel=CARBON)] = None,
    pue: Annotated[float | None, typer.Option(help="Power usage effectiveness. [1.0]", rich_help_panel=CARBON)] = None,
    evaluate: Annotated[
        bool | None, typer.Option("--evaluate/--no-evaluate", help="Probe before and after. [on]")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A TOML file with any of these, and the model's own settings.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished run.")] = False,
    as_json: Json = False,
) -> None:
    """Pretrain the efficient model, metered from the first joule; leave a record, a table and pictures."""
    from ssl_bench.config import read_toml

    given = {
        "model": model, "data": data, "eval_data": eval_data, "out": out, "steps": steps, "audio_hours": audio_hours,
        "minutes": minutes, "kwh": kwh, "batch_seconds": batch_seconds, "device": device, "precision": precision,
        "compile": compile_, "seed": seed, "country": country, "grid_intensity": grid_intensity, "pue": pue,
        "evaluate": evaluate,
    }  # fmt: skip
    settings = read_toml(config) if config is not None else {}
    settings |= {key: value for key, value in given.items() if value is not None}
    _check_early(settings)
    from ssl_bench.train_and_measure import train_and_measure

    console = _stderr()
    run, record = train_and_measure(settings, resume=resume, command=_command(), console=console)
    if as_json:
        _print_json("train-and-measure", {"run": str(run.path), **record.document()})
    else:
        _print_summary(run, record)
    if record.status != "finished":
        _ended_early(run, record)


def _check_early(settings: dict[str, Any]) -> None:
    """Names and choices are checked before torch is imported, so that a typo costs no seconds."""
    from models.efficient.config import EFFICIENT
    from models.names import choose
    from ssl_bench.config import check_choices

    if settings.get("model") is not None:
        choose(str(settings["model"]), EFFICIENT, "model")
    check_choices(settings)
    for name in ("data", "eval_data"):
        folder = settings.get(name)
        if folder is not None and folder != "sample" and not Path(str(folder)).is_dir():
            _fail(f"{folder}: no such folder; --{name.replace('_', '-')} takes a folder of audio files", 2)


def _ended_early(run: RunFolder, record: Record) -> NoReturn:
    """Exit 2 where the loss diverged, 1 where the user stopped the run; the way on is named."""
    why = str(record.details.get("stopped", ""))
    if "finite" in why:
        _fail(f"{run.path}: stopped: {why}; lower [optimisation] peak_learning_rate in --config FILE.toml", 2)
    _fail(f"{run.path}: unfinished, stopped {why}; go on with: sslbench train-and-measure --resume --out {run.path}", 1)


@app.command("models")
def models_command(
    name: Annotated[str | None, typer.Argument(help="A model's name or a run's folder.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """List the models, or show one: a name of the catalog or the folder of a run."""
    from models.catalog import card
    from models.efficient.config import EFFICIENT

    cards = [card(each) for each in ([name] if name else EFFICIENT)]
    if as_json:
        from benchmarks.cards import card_rows

        rows = [row.row() for each in cards for row in card_rows(each)]
        _print_json("models", {"models": [asdict(each) for each in cards], "measurements": rows})
        return
    from rich.console import Console

    from reports.cards import card_table

    Console().print(card_table(cards))
    Console().print(f"next: sslbench train-and-measure --model {EFFICIENT and next(iter(EFFICIENT))}", highlight=False)


def _print_summary(run: RunFolder, record: Record) -> None:
    from rich.console import Console

    from reports.terminal import run_tables

    console = Console()
    for table in run_tables(record):
        console.print(table)
    said = [f"run:      {run.path}", f"picture:  {run.path / 'training.png'}", f"report:   {run.path / 'report.md'}"]
    if record.details["data"]["synthetic"]:
        said.append("The speech was synthetic. Real speech: openslr.org/12, then --data LibriSpeech/train-clean-100")
    if record.details["grid"] is None:
        said.append("No CO2e without a grid: add --country FRA (ISO code) or --grid-intensity G (g/kWh).")
    said.append(f"next:     sslbench models {run.path}")
    console.print("\n".join(said), highlight=False, markup=False, soft_wrap=True)


def _print_json(command: str, document: dict[str, Any]) -> None:
    document = {**document, "schema": f"sslbench.{command}/1"}
    sys.stdout.write(json.dumps(document, indent=1, allow_nan=False) + "\n")


def _stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True)


def _command() -> str:
    return shlex.join(["sslbench", *sys.argv[1:]])

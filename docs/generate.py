"""The generated pieces of the reference, each made from what the program itself reads: parser, settings, metrics, catalogue, schema.

`python docs/generate.py FOLDER` writes them; the build calls `write_pieces`.
"""

from __future__ import annotations

import re
import sys
import typing
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import typer
from described import attributes, cell, code, fields_table, first_paragraph, schema_table, table

import ssl_bench
from ssl_bench.app import app
from ssl_bench.settings.comparing import CompareConfig
from ssl_bench.settings.evaluating import EvaluateConfig, EvaluationSettings
from ssl_bench.settings.exporting import ExportConfig
from ssl_bench.settings.importing import ImportConfig
from ssl_bench.settings.measuring import MeasureConfig
from ssl_bench.settings.metering import MeterConfig
from ssl_bench.settings.options import Settings
from ssl_bench.settings.profiling import ProfileConfig
from ssl_bench.settings.studying import StudyConfig
from ssl_bench.settings.tabulating import ReportConfig, TableConfig
from ssl_bench.settings.tasks import TASKS
from ssl_bench.settings.training import TrainAndMeasureConfig
from ssl_benchmarks.record.details.kinds import DETAILS
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_benchmarks.record.schema import record_schema
from ssl_models.catalog import CATALOG, card
from ssl_models.families import FAMILIES
from ssl_reports.efficiency.columns import COLUMNS
from ssl_reports.efficiency.texts import TEXTS
from ssl_reports.reading.published import published_rows
from ssl_reports.tables.numbers import plain_number
from ssl_reports.units import plain

SETTINGS: dict[str, type[Settings]] = {
    "profile": ProfileConfig,
    "measure": MeasureConfig,
    "compare": CompareConfig,
    "train-and-measure": TrainAndMeasureConfig,
    "study": StudyConfig,
    "meter": MeterConfig,
    "import": ImportConfig,
    "export": ExportConfig,
    "evaluate": EvaluateConfig,
    "table": TableConfig,
    "report": ReportConfig,
}
ORDER = (
    "env",
    "models",
    "profile",
    "measure",
    "train-and-measure",
    "study",
    "meter",
    "import",
    "export",
    "convert",
    "evaluate",
    "compare",
    "table",
    "report",
)
"""In which a reader meets the commands."""
RETURNED = (
    "ssl_benchmarks.energy.EnergyReading",
    "ssl_benchmarks.energy.LiveReading",
    "ssl_benchmarks.record.quantity.Quantity",
    "ssl_benchmarks.record.record.Record",
    "ssl_benchmarks.record.record.Measurement",
    "ssl_benchmarks.record.record.Conditions",
    "ssl_models.interface.SpeechFeatures",
)
"""What the public functions give back or read."""
KINDS = {"str": "text", "int": "integer", "float": "number", "list": "text"}
DEFAULT = re.compile(r"(?P<help>.*?)(?: \[(?:default: )?(?P<default>[^\[\]]*)\])?", re.DOTALL)


def subcommands() -> dict[str, Any]:
    """The parser's commands by name, in the order of `ORDER`."""
    found: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return dict(sorted(found.items(), key=lambda item: (*ORDER, item[0]).index(item[0])))


def commands() -> str:
    """Every command with its arguments and options, as the parser has them."""
    return "\n".join(_command(name, command) for name, command in subcommands().items())


def _command(name: str, command: Any) -> str:  # noqa: ANN401 - typer's command, of its own click or of click's
    shown = [p for p in command.params if not getattr(p, "hidden", False)]
    arguments = [p for p in shown if p.param_type_name == "argument"]
    usage = " ".join(["sslbench", name, *map(_usage, arguments), "[OPTION ...]"])
    parts = [f"## sslbench {name}\n", f"{first_paragraph(command.help or '')}\n", f"```text\n{usage}\n```\n"]
    if arguments:
        parts.append(table(("argument", "meaning"), [(code(_metavar(p)), _help(p)[0]) for p in arguments]))
    panels: dict[str, list[tuple[str, ...]]] = {}
    for option in shown:
        if option.param_type_name == "option":
            panels.setdefault(getattr(option, "rich_help_panel", None) or "", []).append(_option(option))
    for panel, rows in panels.items():
        parts += [f"{panel}:\n"] if panel else []
        parts.append(table(("option", "value", "default", "meaning"), rows))
    return "\n".join(parts)


def _metavar(parameter: Any) -> str:  # noqa: ANN401 - typer's
    return str(parameter.metavar or parameter.name.upper())


def _usage(argument: Any) -> str:  # noqa: ANN401 - typer's
    name = _metavar(argument) + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _option(option: Any) -> tuple[str, ...]:  # noqa: ANN401 - typer's
    flags = ", ".join(map(code, [*option.opts, *option.secondary_opts]))
    meaning, default = _help(option)
    value = "" if option.is_flag else option.metavar or _kind(option)
    if not default and option.default not in (None, False, ()) and not callable(option.default):
        default = str(option.default)
    return flags, value, default or ("off" if option.is_flag else ""), meaning


def _kind(option: Any) -> str:  # noqa: ANN401 - typer's, which describes types in one way or another, by its version
    """What an option's value is, in a word."""
    described = getattr(option, "type_descriptor", None)
    kind = option.type.name if described is None else getattr(described.annotation, "__name__", "text")
    return KINDS.get(kind.lower(), kind)


def _help(parameter: Any) -> tuple[str, str]:  # noqa: ANN401 - typer's
    """The help of a parameter without its default, and the default that stands in brackets at its end."""
    found = DEFAULT.fullmatch(parameter.help or "")
    return (found["help"], found["default"] or "") if found else (parameter.help or "", "")


def settings() -> str:
    """The settings of every command as Python and TOML have them."""
    parts = [f"## {kind.__name__}\n\n{_summary(kind)}\n{fields_table(kind)}" for kind in SETTINGS.values()]
    return "\n".join(
        [*parts, f"## EvaluationSettings\n\n{_summary(EvaluationSettings)}", fields_table(EvaluationSettings)]
    )


def _summary(kind: type) -> str:
    return f"{first_paragraph(kind.__doc__ or '')}\n"


def model_settings() -> str:
    """What `[encoder]`, `[objective]` and `[optimisation]` may hold, by family."""
    return "\n".join(_family(kind) for kind in dict.fromkeys(family.config for family in FAMILIES))


def _family(kind: type) -> str:
    names = [name for name, config in CATALOG.items() if isinstance(config, kind)]
    parts = [f"### {', '.join(names)}\n"]
    hints = typing.get_type_hints(kind)
    for f in fields(kind):
        for part in _classes(hints[f.name]):
            parts += [f"`[{f.name}]`, a `{part.__name__}`: {_summary(part)}", fields_table(part)]
    return "\n".join(parts)


def _classes(hint: Any) -> list[type]:  # noqa: ANN401 - a type
    """The dataclasses of a type such as `A | B | None`."""
    return [part for part in typing.get_args(hint) or (hint,) if isinstance(part, type) and is_dataclass(part)]


def metrics() -> str:
    """The table of metrics."""
    rows = [
        (
            code(m.name), m.label, m.unit, m.better or "", m.over_rounds, "yes" if m.disturbable else "",
            ", ".join(map(code, m.agrees_on)) or "nothing",
        )
        for m in METRICS.values()
    ]  # fmt: skip
    heads = ("metric", "label", "unit", "better", "over rounds", "disturbed by other work", "must agree to compare")
    return table(heads, rows)


def tasks() -> str:
    """The table of tasks."""
    rows = [(code(t.name), ", ".join(t.metrics), t.phase, t.needs[1] if t.needs else "") for t in TASKS.values()]
    return table(("task", "metrics", "phase", "needs"), rows)


def columns() -> str:
    """The columns of an efficiency table: those of figures, then those of words."""
    figures = [
        (
            code(c.key),
            c.short if c.phase == "asked" else c.column("training", ()).title.split("\u00a0")[0],
            " or ".join(unit for unit, _ in (*c.units, *c.others)),
            code(c.metric),
            c.better or "",
        )
        for c in COLUMNS.values()
    ]
    words = [(code(key), head, "", "", "") for key, (head, _) in TEXTS.items()]
    return table(("column", "head", "unit, as it reads best", "metric", "better"), [*figures, *words])


def models() -> str:
    """The catalogue, with the recipes of the models."""
    cards = [card(name) for name in CATALOG]
    rows = [
        (
            code(c.name), f"{c.parameters / 1e6:.3g} M", f"{c.frame_rate:g}", f"{c.macs_per_audio_second / 1e9:.3g}",
            c.licence, c.objective, c.about,
        )
        for c in cards
    ]  # fmt: skip
    heads = ("model", "parameters", "frames/s", "GMAC per audio s (15 s)", "code licence", "objective", "encoder")
    return table(heads, rows)


def recipes() -> str:
    """The published recipes, and what they cost whom."""
    known = [(c.name, c.recipe) for c in map(card, CATALOG) if c.recipe is not None]
    rows = [
        (
            code(name), _number(r.batch_hours), _number(r.steps), f"{r.learning_rate:g}", _rounded(r.audio_hours),
            _rounded(r.device_hours), r.hardware, r.source,
        )
        for name, r in known
    ]  # fmt: skip
    heads = ("model", "h per step", "steps", "peak rate", "audio hours seen", "device-hours", "on", "source")
    return table(heads, rows)


def published() -> str:
    """Every figure of others that reports cite."""
    rows = [
        (
            row.model,
            METRICS[row.metric].label,
            row.phase or "",
            _published(row.metric, row.quantity),
            _where(row),
            row.quantity.note,
        )
        for row in published_rows()
    ]
    return table(("model", "metric", "phase", "value", "of", "source"), rows)


def _published(metric: str, quantity: Quantity) -> str:
    if METRICS[metric].share:
        return f"{plain_number(quantity, 100.0)} %"
    return f"{_rounded(quantity.value)} {quantity.unit}".removesuffix(" 1")


def _where(row: Measurement) -> str:
    c = row.conditions
    return ", ".join(filter(None, (c.device, c.labels and f"{c.labels} of labels", c.tested_on)))


def _rounded(value: float | None) -> str:
    """Derived from what a publication rounds."""
    return "" if value is None else plain(value)


def _number(value: float | None) -> str:
    """With thousands set apart; empty where there is none."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def record() -> str:
    """The keys of `run.json`."""
    schema = record_schema()
    row = schema["properties"]["measurements"]["items"]
    said = {
        name: text
        for kind in (Measurement, Quantity, Conditions)
        for name, text in attributes(kind.__doc__ or "").items()
    }
    kinds = [(code(kind), code(details.__name__)) for kind, details in DETAILS.items()]
    parts = [
        "## The document\n", schema_table(schema, attributes(Record.__doc__ or "")),
        "## A row of measurements\n", schema_table(row, said),
        "## Details by kind\n", table(("kind", "details"), kinds),
        "## Definitions\n", *_definitions(schema["$defs"]),
    ]  # fmt: skip
    return "\n".join(parts)


def _definitions(found: dict[str, Any]) -> Iterator[str]:
    for name, definition in found.items():
        text = definition.get("description", "")
        yield f"### {name}\n\n{cell(first_paragraph(text))}\n\n{schema_table(definition, attributes(text))}"


def python() -> str:
    """Directives of autodoc for the public names, and for what they return."""
    public = [f"ssl_bench.{name}" for name in ssl_bench.__all__ if name != "__version__"]
    return "\n".join(
        [
            "## Functions\n", *(_documented(name) for name in public if not _is_class(name)),
            "## The meter\n", _documented("ssl_bench.EnergyMeter", members=True),
            "## Settings\n", *(_documented(name) for name in public if name.endswith(("Config", "Settings"))),
            "## What they return\n", *(_documented(name, members=True) for name in RETURNED),
        ]
    )  # fmt: skip


def _is_class(name: str) -> bool:
    return name.rpartition(".")[2][0].isupper()


def _documented(name: str, *, members: bool = False) -> str:
    directive = "autoclass" if _is_class(name) else "autofunction"
    lines = [f".. {directive}:: {name}", *([f"   :members:\n   :exclude-members: {_fields(name)}"] if members else [])]
    return "```{eval-rst}\n" + "\n".join(lines) + "\n```\n"


def _fields(name: str) -> str:
    """Names of a dataclass' or a named tuple's fields, which its docstring has described."""
    module, _, last = name.rpartition(".")
    kind = getattr(__import__(module, fromlist=[last]), last)
    named = [f.name for f in fields(kind)] if is_dataclass(kind) else getattr(kind, "_fields", ())
    return ", ".join(named) or "none"


PIECES = {
    "commands": commands,
    "settings": settings,
    "model-settings": model_settings,
    "metrics": metrics,
    "tasks": tasks,
    "columns": columns,
    "models": models,
    "recipes": recipes,
    "published": published,
    "record": record,
    "python": python,
}


def write_pieces(folder: Path) -> None:
    """Write every piece; one that has not changed keeps its time, so that Sphinx need not read it again."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, piece in PIECES.items():
        path, text = folder / f"{name}.md", piece()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_pieces(Path(sys.argv[1]))

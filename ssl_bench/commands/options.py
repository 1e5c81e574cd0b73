"""typer options built from the fields of a command's settings, and commands whose help shows a switch as one."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import MISSING
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup

from ssl_bench.console import say
from ssl_bench.settings.defaults import CARBON, with_defaults
from ssl_bench.settings.options import Setting, Settings

Config = Annotated[
    Path | None,
    typer.Option("--config", help="A TOML file with any of these options."),
]
ModelConfig = Annotated[
    Path | None,
    typer.Option("--config", help="A TOML file with any of these options, and settings of the model."),
]
PLAIN = (str, int, float, bool)


def command(
    kind: type[Settings], run: Callable[..., None], *, hidden: type[Settings] | None = None
) -> Callable[..., None]:
    """The function that typer registers as a command: it calls `run` with the settings that were typed.

    Keyword-only parameters of `run` are options too, declared for typer; typed options override those of its `file`.
    Its keyword `given` receives all that was given, by option name, including `hidden` settings, which the help omits.
    """
    own = kind.settings()
    other = [s for s in (hidden.settings() if hidden else ()) if s.name not in {setting.name for setting in own}]
    keywords = [p for p in inspect.signature(run, eval_str=True).parameters.values() if p.kind is p.KEYWORD_ONLY]
    others = {setting.name for setting in other}

    def called(**typed: Any) -> None:  # noqa: ANN401 - of each option's type
        say(quiet=bool(typed["quiet"]), verbose=bool(typed["verbose"]))
        given = {s.name: _parsed(s, typed[s.name]) for s in (*own, *other) if typed[s.name] not in (None, [])}
        if "file" in {p.name for p in keywords} and typed["file"] is not None:
            from ssl_bench.settings.documents import read_toml

            given = {**read_toml(typed["file"], kind.of_file()), **given}
        if not typed.get("resume"):  # an unfinished run has its own settings
            recorded = CARBON if typed.get("runs") else ()  # finished runs have theirs
            given = with_defaults(given, {s.name for s in own}.difference(recorded))
        passed = {p.name: given if p.name == "given" else typed[p.name] for p in keywords}
        run(kind.read({name: value for name, value in given.items() if name not in others}), **passed)

    parameters = [_parameter(s) for s in own] + [_parameter(s, shown=False) for s in other]
    parameters += [p for p in keywords if p.name != "given"]
    parameters += [
        _switch("quiet", "--quiet", "-q", "Print results, no progress."),
        _switch("verbose", "--verbose", "-v", "Print every note."),
    ]
    parameters.sort(key=lambda p: p.default is not inspect.Parameter.empty)
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {p.name: p.annotation for p in parameters}
    called.__doc__ = run.__doc__
    return called


def _switch(name: str, flag: str, letter: str, text: str) -> inspect.Parameter:
    """A switch of every command."""
    how = typer.Option(flag, letter, help=text, show_default=False)
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, how])


def _parsed(setting: Setting, value: Any) -> Any:  # noqa: ANN401 - whatever typer gives
    if setting.option.parse is not None:
        return setting.option.parse(value)
    return tuple(value) if isinstance(value, list) else value


def _parameter(setting: Setting, *, shown: bool = True) -> inspect.Parameter:
    """The parameter for typer, with None as its default: only options that were given are passed on."""
    o, required = setting.option, setting.initial is MISSING
    if not o.argument:
        how: Any = typer.Option(
            o.flags or setting.flag,
            help=_help(setting),
            rich_help_panel=o.panel,
            show_default=False,
            hidden=not shown,
        )
    else:
        how = typer.Argument(metavar=o.metavar, help=_help(setting), show_default=False)
    kind: Any = list[str] if o.repeated else _typed(setting)
    annotation = Annotated[kind, how] if required else Annotated[kind | None, how]
    default = inspect.Parameter.empty if required else None
    return inspect.Parameter(setting.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _typed(setting: Setting) -> type:
    """The type that typer reads: text where the settings parse it or choose among words."""
    if setting.option.parse is not None or typing.get_origin(setting.kind) is Literal:
        return str
    if setting.kind not in PLAIN:
        raise TypeError(f"{setting.flag}: {setting.kind} needs a `parse`")
    kind: type = setting.kind
    return kind


def _help(setting: Setting) -> str:
    """The help text with the default in brackets, left out for an empty default or a switch that is off."""
    text, initial = setting.option.default_text, setting.initial
    if not text and initial is not MISSING and initial is not False and initial not in (None, "", ()):
        text = "on" if initial is True else f"{initial:,.10g}" if isinstance(initial, float) else str(initial)
    return f"{setting.option.help} [{text}]" if text else setting.option.help


class _Switches:
    """A command whose switches have no name of a value."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - typer's context, of its own click or of click's
        """The parameters, with the options of help and completion."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "is_flag", False):
                param.metavar = " "
        return params


class Group(_Switches, TyperGroup):
    """The commands together."""


class Command(_Switches, TyperCommand):
    """One command."""

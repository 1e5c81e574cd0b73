"""One way to define settings: a frozen dataclass per command, whose fields are its options.

A field made by `option` states how it is given on the command line and which values it accepts; `nested` marks a
dataclass whose fields are options of the command too. `ssl_bench.commands.options` turns them into typer options.
"""

from __future__ import annotations

import math
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from inspect import get_annotations
from pathlib import Path
from types import NoneType
from typing import Any, Literal, Self

from ssl_models.errors import BadInputError, choose


def parse_names(text: str | None) -> tuple[str, ...]:
    """Comma-separated names; empty ones are dropped."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def parse_listed(text: str, known: Collection[str], what: str) -> tuple[str, ...]:
    """Comma-separated names of the option `--<what>s`, each of which is `known`.

    Raises:
        BadInputError: for a name that is unknown or given twice, or none.
    """
    names = parse_names(text)
    if not names:
        raise BadInputError(f"--{what}s: name at least one of {', '.join(known)}")
    for name in names:
        choose(name, known, what)
    if len(set(names)) < len(names):
        raise BadInputError(f"--{what}s {text}: a {what} is given twice")
    return names


@dataclass(frozen=True)
class Option:
    """How a field is given on the command line.

    Attributes:
        help: a description of one line.
        default_text: the text in brackets, if the field's own default does not say it.
        flags: the flags of a switch, such as "--idle/--no-idle".
        panel: the heading in the help under which it is listed.
        argument: whether it is positional; `metavar` is then its name in the help.
        name: the option's name, if it differs from the field's.
        parse: converts the typed text to a value.
        repeated: whether it may be given several times.
        least, above: bounds of a number.
        folder: if not None, the value is an existing folder or this word, such as "sample".
        advice: what to give instead of words that users of other tools would give.
    """

    help: str = ""
    default_text: str = ""
    flags: str = ""
    panel: str | None = None
    argument: bool = False
    metavar: str | None = None
    name: str = ""
    parse: Callable[[str], Any] | None = None
    repeated: bool = False
    least: float | None = None
    above: float | None = None
    folder: str | None = None
    advice: Mapping[str, str] = field(default_factory=dict)


def option(default: Any = MISSING, help: str = "", **how: Any) -> Any:  # noqa: A002, ANN401 - a dataclass' field of any type
    """A field that is an option; see `Option`."""
    return field(default=default, metadata={"option": Option(help, **how)})


def nested(kind: Callable[[], Any], default: Any = MISSING, **options: Option) -> Any:  # noqa: ANN401 - of any type
    """A field that is a dataclass of options; those given here, by field name, replace its own."""
    factory = {"default": default} if default is not MISSING else {"default_factory": kind}
    return field(**factory, metadata={"nested": kind, "options": options})


@dataclass(frozen=True)
class Setting:
    """One option of a command.

    Attributes:
        path: names of the fields that lead to it.
        kind: type of its value, without None.
        initial: the default of its field; MISSING if it has none.
        option: how it is given on the command line.
    """

    path: tuple[str, ...]
    kind: Any
    initial: Any
    option: Option

    @property
    def name(self) -> str:
        """The name as a Python keyword."""
        return self.option.name or self.path[-1]

    @property
    def flag(self) -> str:
        """The name as it is typed."""
        return f"--{self.name.replace('_', '-')}"

    def check(self, value: Any) -> None:  # noqa: ANN401 - whatever was given
        """Check a value against the choices, bounds and folders of the option.

        Raises:
            BadInputError: with a message that names valid values.
        """
        o = self.option
        if value is None:
            return
        if typing.get_origin(self.kind) is Literal:
            advice = o.advice.get(str(value).lower().partition(":")[0])
            if advice and value not in typing.get_args(self.kind):
                raise BadInputError(f"{self.flag} {value}: {advice}")
            choose(str(value), typing.get_args(self.kind), self.flag)
        if o.least is not None and not o.least <= value < math.inf:
            raise BadInputError(f"{self.flag} {value:g}: must be at least {o.least:g}")
        if o.above is not None and not o.above < value < math.inf:
            raise BadInputError(f"{self.flag} {value:g}: must be more than {o.above:g}")
        if o.folder is not None and value != o.folder and not Path(value).is_dir():
            raise BadInputError(
                f"{value}: no such folder; {self.flag} takes a folder of audio files"
                + (f", or {o.folder!r}" if o.folder else "")
            )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a command. `check` validates them before torch is imported; `resolved` completes them."""

    @classmethod
    def settings(cls) -> list[Setting]:
        """Every option, the command's own before those shared by all commands."""
        return list(_settings_of(cls))

    @classmethod
    def of_file(cls) -> type:
        """The dataclass whose fields are the keys of a settings file."""
        return cls

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """The settings from values by option name; the rest keep their defaults.

        Raises:
            BadInputError: for a name that is not an option.
        """
        paths = {f.name: (f.name,) for f in fields(cls)} | {setting.name: setting.path for setting in cls.settings()}
        by_field: dict[str, Any] = {}
        for name, value in given.items():
            first, *rest = paths[choose(name, paths, "setting")]
            if not rest:
                by_field[first] = value
            else:
                by_field.setdefault(first, {})[rest[0]] = value
        return cls(**{name: cls._whole(name, value) for name, value in by_field.items()})

    @classmethod
    def _whole(cls, name: str, value: Any) -> Any:  # noqa: ANN401 - the value of any field
        """A nested dataclass with the given values; any other value as it is."""
        kind = next(f for f in fields(cls) if f.name == name).metadata.get("nested")
        return value if kind is None else replace(kind(), **value)

    @property
    def changed(self) -> dict[str, Any]:
        """The settings that differ from their defaults, by field name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != _default(f)}

    def check(self) -> None:
        """Refuse invalid settings before torch is imported.

        Raises:
            BadInputError: for a value that is unknown or out of range.
        """
        for setting in self.settings():
            value: Any = self
            for name in setting.path:
                value = None if value is None else getattr(value, name)
            setting.check(value)

    def resolved(self, *, cuda: bool) -> Self:
        """The settings with all choices made that were left to the machine; `cuda`: whether torch finds a GPU.

        Raises:
            BadInputError: for what this machine does not provide.
        """
        del cuda
        return self


_KNOWN: dict[type, tuple[Setting, ...]] = {}


def _settings_of(kind: type) -> tuple[Setting, ...]:
    if kind not in _KNOWN:
        ordered = sorted(fields(kind), key=lambda f: _shared(kind, f.name))
        hints = typing.get_type_hints(kind)
        _KNOWN[kind] = tuple(setting for f in ordered for setting in _of_field(f, hints[f.name]))
    return _KNOWN[kind]


def _of_field(f: Field[Any], hint: Any) -> Iterator[Setting]:  # noqa: ANN401 - a type
    if (kind := f.metadata.get("nested")) is not None:
        hints = typing.get_type_hints(kind)
        for inner in fields(kind):
            how = f.metadata["options"].get(inner.name) or inner.metadata.get("option")
            if how is not None:
                yield Setting((f.name, inner.name), without_none(hints[inner.name]), inner.default, how)
    elif "option" in f.metadata:
        yield Setting((f.name,), without_none(hint), f.default, f.metadata["option"])


def _default(f: Field[Any]) -> Any:  # noqa: ANN401 - of any type
    return f.default if f.default_factory is MISSING else f.default_factory()


def _shared(kind: type, name: str) -> int:
    """How far up the bases a field was declared; a command's own fields come first."""
    return next(i for i, base in enumerate(kind.__mro__) if is_dataclass(base) and name in get_annotations(base))


def without_none(hint: Any) -> Any:  # noqa: ANN401 - a type
    """The type in `T | None`."""
    parts = [part for part in typing.get_args(hint) if part is not NoneType]
    return parts[0] if len(parts) == 1 and NoneType in typing.get_args(hint) else hint

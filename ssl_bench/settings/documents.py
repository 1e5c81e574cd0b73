"""Settings in TOML files, written by a user, or by a study for its runs."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.files.text_files import UnreadableTextError
from ssl_benchmarks.files.toml_files import toml_of
from ssl_models.errors import BadInputError, choose
from ssl_models.settings import fits, spelled


def read_toml(path: Path, kind: type) -> dict[str, Any]:
    """Settings of the dataclass `kind` from a TOML file: keys are fields (hyphens or underscores), tables nested ones.

    Raises:
        BadInputError: for a missing or broken file, an unknown key or a value of the wrong type.
    """
    try:
        document = toml_of(path)
    except UnreadableTextError as error:
        raise BadInputError(f"{path}: not readable as TOML ({error})") from error
    settings = {key.replace("-", "_"): value for key, value in document.items()}
    return _checked(kind, settings, str(path))


def overridden(base: Any, changes: Mapping[str, Any], table: str) -> Any:  # noqa: ANN401 - any settings dataclass
    """`base` with the changes from a TOML table, whose keys have hyphens or underscores."""
    if not changes:
        return base
    named = {key.replace("-", "_"): value for key, value in changes.items()}
    inner = {
        key: overridden(getattr(base, key), value, f"{table}.{key}")
        for key, value in named.items()
        if isinstance(value, Mapping) and is_dataclass(getattr(base, key, None))
    }
    checked = _checked(type(base), {**named, **inner}, f"[{table}]")
    try:
        return replace(base, **checked)
    except ValueError as error:
        raise BadInputError(f"[{table}]: {error}") from error


def _checked(kind: type, settings: dict[str, Any], where: str) -> dict[str, Any]:
    """The settings, each checked against the fields of `kind` and their types; integers may stand for floats."""
    hints = typing.get_type_hints(kind)
    names = [f.name for f in fields(kind)]
    result: dict[str, Any] = {}
    for key, value in settings.items():
        try:
            wanted = hints[choose(key, names, "setting")]
        except BadInputError as error:
            raise BadInputError(f"{where}: {error}") from error
        if not fits(value, wanted):
            raise BadInputError(f"{where}: {key} = {value!r} is not of type {spelled(wanted)}")
        result[key] = tuple(value) if isinstance(value, list) else value
    return result


def write_toml(settings: Mapping[str, Any], path: Path) -> None:
    """Write settings as `read_toml` reads them, without those that are None."""
    write_atomically(path, tomli_w.dumps(_given(settings)))


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are not None, which TOML cannot express."""
    return {
        key: _given(value) if isinstance(value, Mapping) else value
        for key, value in settings.items()
        if value is not None
    }

"""Defaults that hold wherever they are set: in the environment, a project, the user's configuration, or the system."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssl_benchmarks.files.text_files import UnreadableTextError
from ssl_benchmarks.files.toml_files import toml_of
from ssl_models.errors import BadInputError, choose
from ssl_models.settings import fits, spelled

KINDS: dict[str, type] = {
    "country": str,
    "grid_intensity": float,
    "pue": float,
    "price_per_gpu_hour": float,
    "device": str,
    "features": str,
}
"""The options that may have such a default, and the type of each. `SSLBENCH_CACHE` names the folder of caches."""
CARBON = ("country", "grid_intensity", "pue")
"""Those that a finished run has recorded."""
EITHER = {"country": "grid_intensity", "grid_intensity": "country"}
"""Options that replace each other."""
PREFIX = "SSLBENCH_"
SYSTEM = Path("/etc/sslbench.toml")


@dataclass(frozen=True)
class Default:
    """A default and where it was found."""

    value: Any
    source: str


def defaults() -> dict[str, Default]:
    """The defaults by option: from the environment, the nearest pyproject.toml, the user's and the system's file, in this order.

    Raises:
        BadInputError: naming the place, for an option that cannot have a default or a value of another type.
    """
    found: dict[str, Default] = {}
    for source, values in _places():
        new = {name: Default(_value(name, value, source), source) for name, value in values.items()}
        found |= {name: each for name, each in new.items() if name not in found and EITHER.get(name) not in found}
    return found


def with_defaults(given: Mapping[str, Any], accepted: Container[str]) -> dict[str, Any]:
    """The options given, and the default of each accepted option that is neither given nor replaced by one that is."""
    missing = {
        name: each.value
        for name, each in defaults().items()
        if name in accepted and name not in given and EITHER.get(name) not in given
    }
    return {**missing, **given}


def _places() -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "the environment", dict(_of_environment())
    project = next((each for each in _parents(Path.cwd()) if (each / "pyproject.toml").is_file()), None)
    if project is not None:
        path = project / "pyproject.toml"
        yield f"[tool.sslbench] of {path}", _table(path, ("tool", "sslbench"))
    for file in (_user_file(), SYSTEM):
        if file is not None and file.is_file():
            yield str(file), _table(file)


def _of_environment() -> Iterator[tuple[str, Any]]:
    for name, kind in KINDS.items():
        text = os.environ.get(PREFIX + name.upper())
        if text:
            try:
                yield name, kind(text)
            except ValueError as error:
                raise BadInputError(f"{PREFIX}{name.upper()}={text}: must be a number") from error


def _parents(folder: Path) -> tuple[Path, ...]:
    return folder, *folder.parents


def _user_file() -> Path | None:
    from platformdirs import user_config_path

    try:
        return user_config_path("sslbench").expanduser() / "config.toml"
    except RuntimeError:  # no home folder
        return None


def _table(path: Path, keys: tuple[str, ...] = ()) -> Mapping[str, Any]:
    try:
        document: Any = toml_of(path)
    except UnreadableTextError as error:
        if keys:
            return {}  # a project's own file, broken or not, is not ours to judge
        raise BadInputError(f"{path}: not readable as TOML ({error})") from error
    for key in keys:
        document = document.get(key, {}) if isinstance(document, Mapping) else {}
    if not isinstance(document, Mapping):
        raise BadInputError(f"{path}: {'.'.join(keys)} is not a table")
    return {name.replace("-", "_"): value for name, value in document.items()}


def _value(name: str, value: Any, source: str) -> Any:  # noqa: ANN401 - any TOML value
    try:
        kind = KINDS[choose(name, KINDS, "default")]
    except BadInputError as error:
        raise BadInputError(f"{source}: {error}") from error
    if not fits(value, kind):
        raise BadInputError(f"{source}: {name} = {value!r} is not of type {spelled(kind)}")
    return kind(value)

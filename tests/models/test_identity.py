"""Whatever setting of a catalogue model differs, its name says so; the catalogue's own settings have the catalogue's name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import pytest

from ssl_models.catalog import CATALOG, named
from ssl_models.efficient.config import RANDOM_PROJECTION
from ssl_models.identity import named_by_settings


def leaves(settings: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every single setting."""
    for each in fields(settings):
        value = getattr(settings, each.name)
        yield from leaves(value, (*path, each.name)) if is_dataclass(value) else [(*path, each.name)]


def other(value: object) -> object:
    """Anything else of the same kind, whether or not such a model could be built."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return f"{value}x" if isinstance(value, str) else (*value, 1) if isinstance(value, tuple) else "other"


def changed(settings: Any, path: tuple[str, ...]) -> Any:
    """A copy with one other setting, unchecked."""
    made = object.__new__(type(settings))
    made.__dict__.update(settings.__dict__)
    value = getattr(settings, path[0])
    made.__dict__[path[0]] = changed(value, path[1:]) if len(path) > 1 else other(value)
    return made


CASES = [(model, path) for model, config in CATALOG.items() for path in leaves(config)]


def test_any_other_setting_of_any_model_gives_another_name() -> None:
    assert len(CASES) > 300
    for model, path in CASES:
        name = named(model, changed(CATALOG[model], path))
        assert name.startswith(f"{model}, {'.'.join(path)}="), (model, path)
        assert "," not in name.removeprefix(f"{model}, ")


@pytest.mark.parametrize("model", CATALOG)
def test_the_settings_of_the_catalog_have_its_name(model: str) -> None:
    assert named(model, CATALOG[model]) == model


def test_names_by_hand() -> None:
    config = CATALOG["efficient-base"]
    assert isinstance(config.encoder.blocks, int)  # type: ignore[union-attr]
    encoder = replace(config.encoder, blocks=2)  # type: ignore[arg-type]
    assert named("efficient-base", replace(config, encoder=encoder)) == "efficient-base, encoder.blocks=2"  # type: ignore[arg-type]
    drawn = replace(config, objective=RANDOM_PROJECTION)  # type: ignore[arg-type]
    assert named("efficient-base", drawn).startswith("efficient-base, objective.")
    assert named("not of the catalog", config) == "not of the catalog"


@dataclass(frozen=True)
class Made:
    a: int = 1
    b: float = 1.0
    c: tuple[int, ...] = (1, 2)
    d: str = "x"
    e: int | None = None


def test_of_many_differences_the_first_and_a_digest_are_told() -> None:
    three = named_by_settings("m", Made(2, 0.001, (3, 4)), Made())
    assert three == "m, a=2, b=0.001, c=3x4"
    one, two = (named_by_settings("m", Made(2, 0.001, (3, 4), d), Made()) for d in ("y", "z"))
    assert one.startswith("m, a=2, b=0.001 and 2 more [")
    assert one != two
    assert named_by_settings("m", Made(e=3), Made()) == "m, e=3"


def test_an_objective_of_another_kind_is_another_thing() -> None:
    assert named_by_settings("m", Made(), replace(CATALOG["essl"])).startswith("m, =Made")

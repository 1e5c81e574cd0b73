"""Settings in one manner: a new option is one field, typed once, checked and read the same way by every command."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

import pytest
import typer
from typer.testing import CliRunner

from ssl_bench.commands.options import command
from ssl_bench.settings.comparing import CompareConfig
from ssl_bench.settings.evaluating import EvaluateConfig
from ssl_bench.settings.measuring import MeasureConfig
from ssl_bench.settings.options import Option, Settings, nested, option
from ssl_bench.settings.profiling import ProfileConfig
from ssl_bench.settings.studying import StudyConfig
from ssl_bench.settings.training import TrainAndMeasureConfig
from ssl_models.errors import BadInputError

COMMANDS = (CompareConfig, EvaluateConfig, MeasureConfig, ProfileConfig, StudyConfig, TrainAndMeasureConfig)
IN_FILES = {"clip_seconds", "inference", "checkpoint_minutes", "encoder", "objective", "optimisation"}
"""A training's option that only a file of settings can give."""


@dataclass(frozen=True)
class Inner:
    depth: int = 3


@dataclass(frozen=True, kw_only=True)
class Shared(Settings):
    device: Literal["cpu", "cuda"] = option("cpu", "Where.")


@dataclass(frozen=True)
class Toy(Shared):
    name: str = option(help="Whose.", argument=True)
    rate: float = option(0.5, "How fast.", above=0)
    sizes: tuple[int, ...] = option((), "How large.", parse=lambda text: tuple(map(int, text.split(","))))
    paths: tuple[str, ...] = option((), "Where to.", repeated=True)
    hushed: bool = option(default=True, help="No word.", flags="--hushed/--loud")
    inner: Inner = nested(Inner, depth=Option("How deep.", name="levels", least=1))
    hidden: int = 7


def run(*typed: str) -> tuple[Toy, dict[str, Any]]:
    """What a command is handed that has the toy's options and one of its own."""
    found: list[Any] = []

    def toy(settings: Toy, *, given: dict[str, Any], extra: Annotated[bool, typer.Option("--extra")] = False) -> None:
        found.extend([settings, {**given, "extra": extra}])

    app = typer.Typer()
    app.command()(command(Toy, toy))
    result = CliRunner().invoke(app, typed)
    assert result.exit_code == 0, result.output
    return found[0], found[1]


def test_defaults_are_those_of_the_fields_and_nothing_was_given() -> None:
    assert run("me") == (Toy("me"), {"name": "me", "extra": False})


def test_everything_that_is_typed_arrives() -> None:
    settings, given = run(
        "me", "--rate", "2", "--sizes", "1,2", "--paths", "a", "--paths", "b", "--loud", "--levels", "4", "--device", "cuda",
        "--extra",
    )  # fmt: skip
    assert settings == Toy("me", 2.0, (1, 2), ("a", "b"), hushed=False, inner=Inner(4), device="cuda")
    assert given == {
        "name": "me", "rate": 2.0, "sizes": (1, 2), "paths": ("a", "b"), "hushed": False, "levels": 4, "device": "cuda", "extra": True,
    }  # fmt: skip
    assert settings.changed.keys() == {"name", "rate", "sizes", "paths", "hushed", "inner", "device"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"rate": 0.0}, "--rate 0: must be more than 0"),
        ({"rate": float("nan")}, "--rate nan: must be more than 0"),
        ({"inner": Inner(0)}, "--levels 0: must be at least 1"),
        ({"device": "tpu"}, "unknown --device 'tpu'"),
    ],
)
def test_what_cannot_be_is_one_line(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        Toy("me", **given).check()


def test_settings_are_read_by_the_names_of_their_options() -> None:
    assert Toy.read({"name": "me", "levels": 2, "hidden": 1}) == Toy("me", inner=Inner(2), hidden=1)
    with pytest.raises(BadInputError, match="did you mean rate"):
        Toy.read({"name": "me", "rat": 2})


@pytest.mark.parametrize("kind", COMMANDS)
def test_every_field_is_an_option_with_help_and_a_name_of_its_own(kind: type[Settings]) -> None:
    settings = kind.settings()
    assert all(setting.option.help for setting in settings)
    assert len({setting.name for setting in settings}) == len(settings)
    known = {setting.path[0] for setting in settings} | IN_FILES
    assert {f.name for f in fields(kind)} <= known


def test_every_metered_command_shares_its_options() -> None:
    shared = [
        {
            s.name: s.option
            for s in kind.settings()
            if s.name in {"device", "precision", "country", "pue", "idle", "strict"}
        }
        for kind in (CompareConfig, EvaluateConfig, MeasureConfig, TrainAndMeasureConfig, StudyConfig)
    ]
    assert all(options == shared[0] for options in shared)

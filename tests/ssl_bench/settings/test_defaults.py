"""Defaults set outside the command line hold in their order, and never against what was typed or recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from ssl_bench.settings import defaults as module
from ssl_bench.settings.defaults import KINDS, defaults, with_defaults
from ssl_benchmarks.files.user_cache import user_cache
from ssl_models.errors import BadInputError


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A project, the user's file and the system's, none of which says anything."""
    for name in KINDS:
        monkeypatch.delenv(f"SSLBENCH_{name.upper()}", raising=False)
    inner = tmp_path / "project" / "inner"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    user, system = tmp_path / "user.toml", tmp_path / "system.toml"
    monkeypatch.setattr(module, "_user_file", lambda: user)
    monkeypatch.setattr(module, "SYSTEM", system)
    project = tmp_path / "project" / "pyproject.toml"
    project.write_text("[project]\nname = 'x'\n")
    return {"project": project, "user": user, "system": system}


def test_nearer_places_go_before_others(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    places["system"].write_text("country = 'USA'\npue = 1.4\nprice-per-gpu-hour = 3\ndevice = 'cpu'\n")
    places["user"].write_text("country = 'DEU'\npue = 1.3\nprice_per_gpu_hour = 2\n")
    places["project"].write_text("[tool.sslbench]\ncountry = 'ESP'\npue = 1.2\n")
    monkeypatch.setenv("SSLBENCH_COUNTRY", "FRA")
    found = defaults()
    assert {name: each.value for name, each in found.items()} == {
        "country": "FRA", "pue": 1.2, "price_per_gpu_hour": 2.0, "device": "cpu"
    }  # fmt: skip
    assert found["country"].source == "the environment"
    assert str(places["project"]) in found["pue"].source


def test_what_was_typed_goes_before_every_default(places: dict[str, Path]) -> None:
    places["user"].write_text("country = 'DEU'\npue = 1.3\n")
    assert with_defaults({"country": "FRA"}, {"country", "pue"}) == {"country": "FRA", "pue": 1.3}
    assert with_defaults({"grid_intensity": 50.0}, {"country", "grid_intensity"}) == {"grid_intensity": 50.0}
    assert with_defaults({}, {"model"}) == {}


def test_a_nearer_intensity_replaces_a_country(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    places["user"].write_text("country = 'DEU'\n")
    monkeypatch.setenv("SSLBENCH_GRID_INTENSITY", "50")
    assert {name: each.value for name, each in defaults().items()} == {"grid_intensity": 50.0}


@pytest.mark.parametrize(
    ("text", "said"),
    [("contry = 'FRA'", "did you mean country"), ("pue = 'high'", "not of type"), ("pue =", "not readable as TOML")],
    ids=["name", "type", "syntax"],
)
def test_a_wrong_default_is_refused_with_its_place(places: dict[str, Path], text: str, said: str) -> None:
    places["user"].write_text(text)
    with pytest.raises(BadInputError, match=said) as caught:
        defaults()
    assert str(places["user"]) in str(caught.value)


def test_a_number_in_the_environment_that_is_none_is_refused(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert places
    monkeypatch.setenv("SSLBENCH_PUE", "low")
    with pytest.raises(BadInputError, match="SSLBENCH_PUE=low"):
        defaults()


def test_a_broken_pyproject_is_not_ours_to_judge(places: dict[str, Path]) -> None:
    places["project"].write_text("[tool")
    assert defaults() == {}


def test_a_default_folder_of_caches_is_used_by_every_part(
    places: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLBENCH_CACHE", "")  # so that it is put back afterwards
    places["user"].write_text(f"cache = '{tmp_path / 'kept'}'\n")
    assert with_defaults({}, {"device"}) == {}
    assert user_cache() == tmp_path / "kept"

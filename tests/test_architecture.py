"""Limits on the code: sizes of folders, files and functions, imports that run one way, and names of our own in the wheel."""

from __future__ import annotations

import ast
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path, PurePath

import grimp
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
    "packages"
]
NAMES = [PurePath(package).name for package in PACKAGES]
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MOST_FILES, MOST_LINES, MOST_OF_A_FUNCTION, MOST_PARAMETERS = 16, 360, 70, 12


Function = ast.FunctionDef | ast.AsyncFunctionDef


def parameters(function: Function) -> int:
    """Number of parameters that a caller may give."""
    a = function.args
    return len([*a.posonlyargs, *a.args, *a.kwonlyargs]) + (a.vararg is not None) + (a.kwarg is not None)


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """A cycle of these arrows; empty if there is none."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def rooms(imports: dict[str, set[str]]) -> dict[str, dict[str, set[str]]]:
    """For each folder, its files and folders, and which of them import which others.

    A cycle of files anywhere is a cycle in the innermost folder that holds all of them.
    """
    found: dict[str, dict[str, set[str]]] = {}
    for importer, imported in imports.items():
        for other in imported:
            one, two = importer.split("."), other.split(".")
            depth = next(i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b)
            found.setdefault(".".join(one[:depth]), {}).setdefault(one[depth], set()).add(two[depth])
    return found


@pytest.fixture(scope="module")
def functions() -> list[tuple[str, Function]]:
    """Each function with its file, including methods and nested functions."""
    return [
        (str(path.relative_to(ROOT)), node)
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, Function)
    ]


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Each of our modules with those of our modules that it imports, also in functions and for type checking."""
    graph = grimp.build_graph(*NAMES, cache_dir=None)
    # A package's own file stands beside the modules in its folder.
    named = {m: f"{m}.__init__" if graph.find_children(m) else m for m in graph.modules}
    return {named[m]: {named[other] for other in graph.find_modules_directly_imported_by(m)} for m in graph.modules}


def test_no_folder_has_more_files_than_one_looks_through() -> None:
    folders = {path.parent for path in FILES}
    counts = {str(folder.relative_to(ROOT)): len(list(folder.glob("*.py"))) for folder in folders}
    assert {folder: count for folder, count in counts.items() if count > MOST_FILES} == {}


def test_no_file_is_longer_than_one_reads_at_once() -> None:
    lines = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


def test_every_function_fits_a_screen(functions: list[tuple[str, Function]]) -> None:
    lengths = {f"{path}:{f.lineno} {f.name}": (f.end_lineno or 0) - f.lineno + 1 for path, f in functions}
    assert {name: length for name, length in lengths.items() if length > MOST_OF_A_FUNCTION} == {}


def test_no_function_takes_more_than_one_keeps_in_mind(functions: list[tuple[str, Function]]) -> None:
    counts = {f"{path}:{f.lineno} {f.name}": parameters(f) for path, f in functions}
    assert {name: count for name, count in counts.items() if count > MOST_PARAMETERS} == {}


def test_neither_files_nor_folders_import_in_a_circle(imports: dict[str, set[str]]) -> None:
    assert {folder: found for folder, arrows in rooms(imports).items() if (found := circle(arrows))} == {}


def test_a_circle_is_found() -> None:
    """Two files in one folder, two folders through four files, and a package's own file with a module that it imports."""
    assert circle(rooms({"a.x": {"a.y"}, "a.y": {"a.x"}})["a"])
    assert circle(rooms({"a.b.x": {"a.c.x"}, "a.c.y": {"a.b.y"}})["a"])
    assert circle(rooms({"a.b.__init__": {"a.b.x"}, "a.b.x": {"a.b.__init__"}})["a.b"])
    assert not circle(rooms({"a.b.x": {"a.c.x"}, "a.b.y": {"a.c.y"}, "a.c.y": {"a.c.z"}})["a"])


def test_the_wheel_holds_names_of_our_own_alone() -> None:
    assert NAMES
    assert [name for name in NAMES if not name.startswith("ssl_")] == []

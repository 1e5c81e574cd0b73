"""The mutator finds what a test misses, and leaves the files unchanged."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
try:
    from mutate import AREAS, drawn, mutants
finally:
    sys.path.pop(0)

ROOT = Path(__file__).parents[1]
TOY = '''\
"""At most 95 in 100."""

LEVEL = 0.95


def within(value: float | None, low: float, high: float) -> bool:
    """Whether."""
    return value is not None and low <= value <= high


def half(low: float, high: float) -> float:
    if low > high:
        raise ValueError(f"{low + 1}")
    return (high - low) / 2
'''
TESTS = """
from toy import half, within

def test_half():
    assert half(1.0, 5.0) == 2.0
    assert half(1.0, 1.0) == 0.0
"""


def changes(source: str, folder: Path) -> set[str]:
    """The new texts of all mutants of a source."""
    path = folder / "source.py"
    path.write_text(source)
    return {mutant.new for mutant in mutants(path)}


@pytest.mark.parametrize(
    ("source", "new"),
    [
        ("x = 0.95", {repr(0.95 * 0.95), "0.475"}),
        ("x = 3", {"4"}),
        ("x = True", {"False"}),
        ("x = a < b", {"(a) <= (b)", "(a) > (b)"}),
        ("x = a + b", {"((a) - (b))", "(a)"}),
        ("x = a is None", {"(a) is not (None)"}),
        ("x = a and b", {"((a) or (b))", "((a))"}),
        ("x = not a", {"(a)"}),
        ("x = (a, b)", {"((b), (a))"}),
        ("x = f(a, b)", {"(f)((b), (a))"}),
        ("x = min(a, b)", {"max"}),
        ("x = (a, a)", set()),
        ("x = a if c else b", {"((b) if (c) else (a))"}),
        ("x += a", {"pass"}),
        ("f(a)", {"pass"}),
        ("x: 'float | None' = a", set()),
        ("def f(x: int | None = a) -> int | str: ...", set()),
        ("import a", set()),
        ('raise ValueError("x" + y)', set()),
        ('x = f"{a + 1}"', set()),
        ('x = "a text"', set()),
        ("x = é + 1", {"((é) - (1))", "(é)", "2"}),
    ],
)
def test_what_is_changed_and_what_is_not(source: str, new: set[str], tmp_path: Path) -> None:
    assert changes(source, tmp_path) == new


@pytest.mark.parametrize("area", AREAS)
def test_every_mutant_of_our_modules_is_python_and_something_else(area: str) -> None:
    for module, tests in AREAS[area].items():
        original, found = ast.dump(ast.parse((ROOT / module).read_bytes())), mutants(ROOT / module)
        assert all((ROOT / test).is_file() for test in tests)
        assert len(set(found)) == len(found) > 0
        assert all(ast.dump(ast.parse(mutant.source)) != original for mutant in found[::40])


def test_the_sample_is_drawn_by_its_seed_in_equal_shares() -> None:
    areas = {name: AREAS[name] for name in ("ratios", "projection", "masking")}
    one, same, other = (drawn(areas, 12, seed, ROOT) for seed in (1, 1, 2))
    assert one == same != other
    assert {name: len(chosen) for name, chosen in one.items()} == dict.fromkeys(areas, 4)


def test_a_mutant_is_shown_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy.py").write_text(TOY)
    monkeypatch.chdir(tmp_path)
    first, second, *_ = mutants(tmp_path / "toy.py")
    assert str(first) == "toy.py:3\n  - LEVEL = 0.95\n  + LEVEL = 0.475"
    assert second.source == TOY.replace("0.95", repr(0.95 * 0.95))


CODE = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from mutate import mutants, survivors
root = Path(sys.argv[2])
told = []
found = mutants(root / "toy.py")
left = survivors({"toy.py": ["test_toy.py"]}, [found[0], *found[-2:]], root, told.append)
print(json.dumps([[str(mutant) for mutant in left], told]))
"""


def tried(folder: Path, tests: str) -> subprocess.CompletedProcess[str]:
    """Three mutants of the toy, the first one of LEVEL and two of what `half` returns, against these tests."""
    (folder / "toy.py").write_text(TOY)
    (folder / "test_toy.py").write_text(tests)
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-c", CODE, str(ROOT / "tests"), str(folder)]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=100
    )


def test_the_survivor_of_a_toy_is_the_one_that_its_tests_miss(tmp_path: Path) -> None:
    """No test uses LEVEL; the file is unchanged."""
    left, told = json.loads(tried(tmp_path, TESTS).stdout)
    assert left == ["toy.py:3\n  - LEVEL = 0.95\n  + LEVEL = 0.475"]
    assert told == [True, False, False]
    assert (tmp_path / "toy.py").read_text() == TOY


def test_tests_that_fail_without_any_mutant_say_so(tmp_path: Path) -> None:
    failing = tried(tmp_path, "def test_it():\n    assert False\n")
    assert failing.returncode == 1
    assert "test_toy.py must pass on the source as it is" in failing.stderr

"""Mutation testing: change one thing in the source at a time, and see whether the tests of that module fail.

By hand: `make mutate` (300 mutants), `make mutate N=40 SEED=2 AREA=ratios`. Mutants are drawn with a given seed, equally
many from each area; each is run against the tests of its own area only, in a fork of a process that has imported torch. The
mutated source is handed to the import machinery of that fork: no file is changed. Exits with 1 where fewer than 90 % are
killed, with an error where tests fail on the unchanged source.

Our own code, since neither library fits: mutmut 3 leaves module constants (the 0.95 of an interval) and decorated functions
unchanged and draws no sample; cosmic-ray rewrites the file in the working tree, starts an interpreter for each mutant, and mutates
annotations.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib.machinery
import importlib.util
import math
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

SHARE_KILLED = 0.9
OWN = ("ssl_models", "ssl_benchmarks", "ssl_reports", "ssl_bench")


SENSORS = ("tests/benchmarks/energy/test_intervals.py", "tests/benchmarks/energy/sources/test_sources.py")
CLAIMS = (
    "tests/reports/claims/test_claims.py",
    "tests/reports/claims/test_needs.py",
    "tests/reports/summaries/test_study_tables.py",
)
MASKS = ("tests/models/parts/test_masking.py", "tests/models/parts/test_hidden_frames.py")
Area = Mapping[str, Sequence[str]]
"""Modules and their test files, both as paths from the root."""
AREAS: dict[str, Area] = {
    "energy": {
        "benchmarks/ssl_benchmarks/energy/sources/integral.py": SENSORS,
        "benchmarks/ssl_benchmarks/energy/sources/tick.py": (*SENSORS, "tests/benchmarks/energy/test_meter.py"),
        "benchmarks/ssl_benchmarks/energy/sources/source.py": SENSORS,
        "benchmarks/ssl_benchmarks/energy/edges.py": SENSORS,
        "benchmarks/ssl_benchmarks/energy/sources/gpu.py": SENSORS,
        "benchmarks/ssl_benchmarks/energy/sources/rapl.py": (
            "tests/benchmarks/energy/test_intervals.py",
            "tests/benchmarks/energy/sources/test_rapl.py",
        ),
    },
    "ratios": {
        "benchmarks/ssl_benchmarks/comparing/ratios.py": (
            "tests/benchmarks/comparing/test_ratios.py",
            "tests/benchmarks/comparing/test_rounds.py",
        )
    },
    "rounds": {"benchmarks/ssl_benchmarks/comparing/rounds.py": ("tests/benchmarks/comparing/test_rounds.py",)},
    "projection": {
        "benchmarks/ssl_benchmarks/comparing/projection.py": (
            "tests/benchmarks/comparing/test_life_cycle.py",
            "tests/benchmarks/comparing/test_projection.py",
        )
    },
    "life cycle": {
        "benchmarks/ssl_benchmarks/comparing/life_cycle.py": ("tests/benchmarks/comparing/test_life_cycle.py",)
    },
    "comparability": {
        "benchmarks/ssl_benchmarks/comparing/comparability.py": ("tests/benchmarks/comparing/test_comparability.py",)
    },
    "intervals": {
        "benchmarks/ssl_benchmarks/record/bootstrap.py": ("tests/benchmarks/record/test_intervals.py",),
        "benchmarks/ssl_benchmarks/record/intervals.py": ("tests/benchmarks/record/test_timing.py",),
    },
    "claims": {
        "reports/ssl_reports/claims/claims.py": CLAIMS,
        "reports/ssl_reports/claims/error_rates.py": CLAIMS,
        "reports/ssl_reports/claims/needs.py": CLAIMS,
    },
    "masking": {
        "models/ssl_models/parts/masking.py": MASKS,
        "models/ssl_models/parts/framing.py": (*MASKS, "tests/models/parts/test_framing.py"),
    },
    "FLOPs": {
        "benchmarks/ssl_benchmarks/counting/flops.py": (
            "tests/benchmarks/counting/test_flops.py",
            "tests/benchmarks/counting/test_operators.py",
        )
    },
    "operators": {"benchmarks/ssl_benchmarks/counting/operators.py": ("tests/benchmarks/counting/test_operators.py",)},
}

COMPARISONS: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<=", ">"), ast.LtE: ("<", ">="), ast.Gt: (">=", "<"), ast.GtE: (">", "<="), ast.Eq: ("!=",), ast.NotEq: ("==",),
    ast.Is: ("is not",), ast.IsNot: ("is",), ast.In: ("not in",), ast.NotIn: ("in",),
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "//", ast.Pow: "*", ast.BitOr: "&", ast.BitAnd: "|"
}  # fmt: skip
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor", "minimum": "maximum"}
COMMUTATIVE = frozenset({"min", "max", "minimum", "maximum", "hypot"})


@dataclass(frozen=True)
class Mutant:
    """A part of a file, from `start` to `end` in bytes, replaced by `new`."""

    path: Path
    start: int
    end: int
    new: str

    @property
    def source(self) -> str:
        """The whole file with the new text."""
        text = self.path.read_bytes()
        return (text[: self.start] + self.new.encode() + text[self.end :]).decode()

    def __str__(self) -> str:
        text = self.path.read_bytes()
        first, last = text.rfind(b"\n", 0, self.start) + 1, text.find(b"\n", self.end)
        old = text[first:last].decode()
        new = (text[first : self.start] + self.new.encode() + text[self.end : last]).decode()
        line = text.count(b"\n", 0, self.start) + 1
        return f"{os.path.relpath(self.path)}:{line}\n  - {old.strip()}\n  + {new.strip()}"


def mutants(path: Path) -> list[Mutant]:
    """All mutants of a file, in the order of the text."""
    text = path.read_bytes()
    begins = [0, *(i + 1 for i, byte in enumerate(text) if byte == 10)]

    def piece(node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return begins[node.lineno - 1] + node.col_offset, begins[node.end_lineno - 1] + node.end_col_offset

    def of(node: ast.expr | ast.stmt) -> str:
        start, end = piece(node)
        return f"({text[start:end].decode()})" if isinstance(node, ast.expr) else text[start:end].decode()

    found = {
        Mutant(path, *piece(node), new)
        for node in _executed(ast.parse(text))
        for new in _changes(node, of)
        if not isinstance(node, ast.expr) or _parsed(new) != _parsed(of(node))
    }
    return sorted(found, key=lambda mutant: (mutant.start, mutant.end, mutant.new))


def _parsed(expression: str) -> str:
    return ast.dump(ast.parse(f"({expression})"))


def _executed(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Nodes that run: no annotations, decorators, texts, imports or error messages."""
    unread = {"annotation", "returns", "decorator_list", "type_params"}
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if name in unread or isinstance(child, ast.JoinedStr | ast.Raise | ast.Import | ast.ImportFrom):
                continue
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.expr | ast.stmt):
                yield child
            if isinstance(child, ast.AST):
                yield from _executed(child)


def _changes(node: ast.expr | ast.stmt, of: Callable[[ast.expr | ast.stmt], str]) -> Iterator[str]:
    """Replacements for a node."""
    match node:
        case ast.Constant(value=bool() as value):
            yield str(not value)
        case ast.Constant(value=int() | float() as value):
            yield from _numbers(value)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield f"({of(orelse)} if {of(test)} else {of(body)})"
        case ast.Tuple(elts=[first, second], ctx=ast.Load()) if _plain(first, second):
            yield f"({of(second)}, {of(first)})"
        case ast.Call(func=function, args=[first, second], keywords=[]) if _plain(first, second):
            if ast.unparse(function).rpartition(".")[2] not in COMMUTATIVE:
                yield f"{of(function)}({of(second)}, {of(first)})"
        case ast.Name(id=name) if name in CALLS:
            yield CALLS[name]
        case ast.AugAssign() | ast.Expr(value=ast.Call()):
            yield "pass"
        case _:
            yield from _operators(node, of)


def _operators(node: ast.expr | ast.stmt, of: Callable[[ast.expr | ast.stmt], str]) -> Iterator[str]:
    """Replace an operator by another, or by one of its terms."""
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            yield from (f"{of(left)} {other} {of(right)}" for other in COMPARISONS[type(op)])
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            yield f"({of(left)} {ARITHMETIC[type(op)]} {of(right)})"
            if isinstance(op, ast.Add | ast.Sub):
                yield of(left)
        case ast.BoolOp(op=op, values=values):
            word, other = (" or ", " and ") if isinstance(op, ast.Or) else (" and ", " or ")
            yield f"({other.join(of(value) for value in values)})"
            yield f"({word.join(of(value) for value in values[:-1])})"
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield of(operand)


def _plain(*nodes: ast.expr) -> bool:
    """Whether nodes may be swapped."""
    return not any(isinstance(node, ast.Starred | ast.Slice) for node in nodes)


def _numbers(value: float) -> Iterator[str]:
    """One more; for a fraction 5 % less, which turns 95 % into 90 %, and half."""
    if isinstance(value, int):
        yield str(value + 1)
    else:
        yield from (repr(value * 0.95), repr(value / 2)) if value else ("1.0",)


def drawn(areas: Mapping[str, Area], count: int, seed: int, root: Path) -> dict[str, list[Mutant]]:
    """About `count` mutants in total, the same number per area, fewer from an area that has fewer."""
    draw = random.Random(seed)  # noqa: S311 - a sample that can be drawn again
    each = math.ceil(count / len(areas))
    sample = {}
    for name, area in areas.items():
        known = [mutant for module in area for mutant in mutants(root / module)]
        sample[name] = draw.sample(known, min(each, len(known)))
    return sample


class Finder:
    """Import hook that gives one module a different source."""

    def __init__(self, mutant: Mutant, root: Path) -> None:
        self.path, self.source = mutant.path, mutant.source
        parts = mutant.path.relative_to(root).with_suffix("").parts
        self.name = ".".join(parts[1:] if parts[1:2] and parts[1] in OWN else parts)

    def find_spec(self, name: str, path: object = None, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=Loader(self.source, name, str(self.path)))


class Loader(importlib.machinery.SourceFileLoader):
    """Loader that runs a source other than the file's."""

    def __init__(self, source: str, name: str, path: str) -> None:
        super().__init__(name, path)
        self.source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.source, self.path, "exec")


def passes(mutant: Mutant | None, tests: Sequence[str], root: Path, limit_s: float) -> bool:
    """Whether tests pass, in a fork of this process with its own process group; a hanging fork is killed and does not pass."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os.setpgid(0, 0)
            signal.alarm(math.ceil(limit_s))
            os._exit(_outcome(mutant, tests, root))
        os._exit(70)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    return code == 0


def _outcome(mutant: Mutant | None, tests: Sequence[str], root: Path) -> int:
    import pytest

    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    os.chdir(root)
    if mutant is not None:
        sys.meta_path.insert(0, Finder(mutant, root))  # type: ignore[arg-type]
    sys.path.insert(0, str(root))
    # Asserts of a library imported before the fork are not rewritten.
    options = f"-W ignore::pytest.PytestAssertRewriteWarning -x -q -p no:cacheprovider --rootdir={root}".split()
    return int(pytest.main([*options, "-m", "not slow", *(str(root / test) for test in tests)]))


def survivors(area: Area, sample: Sequence[Mutant], root: Path, report: Callable[[bool], None]) -> list[Mutant]:
    """The mutants that pass the tests of their modules; `report` is called with whether each one did.

    Raises:
        RuntimeError: where the tests fail without any mutant.
    """
    limits: dict[tuple[str, ...], float] = {}
    left = []
    for mutant in sample:
        tests = tuple(area[str(mutant.path.relative_to(root))])
        if tests not in limits:
            begun = time.monotonic()
            if not passes(None, tests, root, 600):
                raise RuntimeError(f"{' '.join(tests)} must pass on the source as it is")
            limits[tests] = 10 + 5 * (time.monotonic() - begun)
        survived = passes(mutant, tests, root, limits[tests])
        report(survived)
        left += [mutant] if survived else []
    return left


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=300, help="number of mutants (default: 300)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")
    parser.add_argument("--area", choices=AREAS, action="append", help="only this area; may be repeated")
    options = parser.parse_args()
    root = Path(__file__).parents[1]
    areas = {name: AREAS[name] for name in options.area or AREAS}
    sample = drawn(areas, options.count, options.seed, root)
    _import_what_takes_long()
    lived: list[Mutant] = []
    for name, chosen in sample.items():
        left = survivors(areas[name], chosen, root, lambda survived: _say("S" if survived else "."))
        _say(f" {name}: {len(chosen) - len(left)} of {len(chosen)} killed\n", *(f"{mutant}\n" for mutant in left))
        lived += left
    tried = sum(map(len, sample.values()))
    killed = 1 - len(lived) / tried
    _say(f"{tried} mutants (seed {options.seed}): {tried - len(lived)} killed, {len(lived)} survived, {killed:.0%}\n")
    sys.exit(killed < SHARE_KILLED)


def _say(*words: str) -> None:
    sys.stdout.write("".join(words))
    sys.stdout.flush()


def _import_what_takes_long() -> None:
    """Import libraries in the process that is forked, but none of our own modules, which each fork imports anew."""
    import pytest  # noqa: F401
    from hypothesis import strategies  # noqa: F401
    from warm import WANTED

    for name in WANTED:
        if name.partition(".")[0] not in OWN:
            __import__(name)


if __name__ == "__main__":
    main()

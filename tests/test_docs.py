"""The pages of docs/: their commands are understood by the real parser, their Python compiles, and they build without a warning."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import typing
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from ssl_bench.app import app
from ssl_benchmarks.record.quantity import METHODS
from ssl_benchmarks.record.record import PHASES, SCOPES
from ssl_models.errors import BadInputError

sys.path.insert(0, str(Path(__file__).parent))
try:
    from fences import ROOT, Fence, fences, of_page
finally:
    sys.path.pop(0)

DOCS = ROOT / "docs"
MADE = {DOCS / "_build", DOCS / "reference" / "generated"}
PAGES = sorted(path for path in DOCS.rglob("*.md") if not MADE & set(path.parents))
ENDS = {"|", "||", "&&", ";", ">", ">>"}


def of_pages(language: str) -> list[Fence]:
    return [fence for path in PAGES for fence in of_page(path) if fence.language == language]


def commands(fence: Fence) -> Iterator[list[str]]:
    """The words of each `sslbench` command, without its name, up to what a shell does with it."""
    for line in fence.body.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;>")
        lexer.whitespace_split = True
        words = list(lexer)
        if words[:1] == ["sslbench"]:
            yield words[1 : next((i for i, word in enumerate(words) if word in ENDS), None)]


def understood(words: list[str]) -> None:
    """Parse a command as the command line does, values included; nothing is run."""
    group: Any = typer.main.get_command(app)
    context = group.make_context("sslbench", list(words))
    name, command, rest = group.resolve_command(context, list(words))
    given = command.make_context(name, rest, parent=context).params
    settings = import_docs("generate").SETTINGS.get(name)
    for setting in settings.settings() if settings else ():
        value = given.get(setting.name)
        if value in (None, [], ()):
            continue
        if setting.option.parse is not None:
            setting.option.parse(value)
        elif typing.get_origin(setting.kind) is typing.Literal:
            setting.check(value)


def import_docs(name: str) -> ModuleType:
    """A script of the build."""
    if str(DOCS) not in sys.path:
        sys.path.insert(0, str(DOCS))
    return import_module(name)


SHELL = [
    pytest.param(words, id=f"{fence.page}: {' '.join(words)[:60]}")
    for fence in of_pages("sh")
    for words in commands(fence)
]


@pytest.mark.parametrize("words", SHELL)
def test_a_command_is_understood(words: list[str]) -> None:
    understood(words)


def test_every_command_has_a_page_that_shows_it() -> None:
    names = set(import_docs("generate").subcommands())
    assert {parameters.values[0][0] for parameters in SHELL} == names
    assert {path.stem for path in (DOCS / "guides").iterdir()} >= names


@pytest.mark.parametrize(
    "wrong",
    ["measure hubert-base --phaze training", "measure hubert-base --phase trainin", "compare --precision-target 2x",
     "study --models hubert", "evaluate x --tasks asr,words", "profil x"],
)  # fmt: skip
def test_a_wrong_command_is_noticed(wrong: str) -> None:
    with pytest.raises(Exception, match=r".") as found:
        understood(shlex.split(wrong))
    assert isinstance(found.value, BadInputError) or hasattr(found.value, "format_message")  # typer's usage errors


def test_fences_are_found_with_their_marks() -> None:
    text = "<!-- not run: no network -->\n```sh\nsslbench a | jq\n```\n\n1. x\n\n   ```sh\n   sslbench b \\\n     --c  # d\n   ```\n"
    first, second = fences(text, "page")
    assert (first.reason, second.reason) == ("no network", "")
    assert [list(commands(each)) for each in (first, second)] == [[["a"]], [["b", "--c"]]]


@pytest.mark.parametrize("fence", of_pages("python"), ids=lambda fence: fence.page)
def test_python_compiles(fence: Fence) -> None:
    compile(fence.body, fence.page, "exec")


def test_every_variable_that_is_read_is_named() -> None:
    read = re.compile(r"environ(?:\.get\(|\.setdefault\(|\.pop\(|\[)\"([A-Z_]+)\"")
    folders = [ROOT / name for name in ("ssl_bench", "models", "benchmarks", "reports")]
    found = {name for folder in folders for path in folder.rglob("*.py") for name in read.findall(path.read_text())}
    page = (DOCS / "reference" / "environment.md").read_text(encoding="utf-8")
    assert len(found) >= 4
    assert {name for name in found if f"`{name}`" not in page} == set()


def test_every_word_of_a_record_is_explained() -> None:
    glossary = (DOCS / "glossary.md").read_text(encoding="utf-8")
    page = (DOCS / "reference" / "metrics.md").read_text(encoding="utf-8")
    assert [word for word in METHODS if f"\n### {word}\n" not in glossary] == []
    assert [word for word in (*PHASES, *SCOPES) if f"| `{word}` |" not in page] == []


def test_the_reference_has_every_option_and_its_default() -> None:
    generate = import_docs("generate")
    pages = generate.commands().split("\n## sslbench ")
    by_name = {page.removeprefix("## sslbench ").partition("\n")[0]: page for page in pages}
    for name, kind in generate.SETTINGS.items():
        options = [setting for setting in kind.settings() if not setting.option.argument]
        assert [s.flag for s in options if f"| `{s.flag}`" not in by_name[name]] == []
    row = next(line for line in by_name["compare"].splitlines() if line.startswith("| `--minutes`"))
    assert "| 10 |" in row


def test_every_key_of_a_row_has_a_meaning() -> None:
    row = import_docs("generate").record().split("## A row of measurements")[1].partition("\n## ")[0]
    keys = [[cell.strip() for cell in line.split("|")[1:-1]] for line in row.splitlines() if line.startswith("| `")]
    assert len(keys) >= 25
    assert [key for key, *_, meaning in keys if not meaning] == []


def test_every_piece_is_written(tmp_path: Path) -> None:
    """The long ones by the build, which includes them; the short ones stand in their pages."""
    generate = import_docs("generate")
    generate.write_pieces(tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == set(generate.PIECES)
    texts = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    included, filled = (
        set(re.findall(mark, texts)) for mark in (r"generated/([\w-]+)\.md", r"<!-- generated: ([\w-]+) -->")
    )
    assert not included & filled
    assert included | filled == set(generate.PIECES)
    assert [path.name for path in tmp_path.iterdir() if path.read_text(encoding="utf-8").count("\n") < 5] == []


def test_the_tables_in_the_pages_are_those_of_the_code() -> None:
    """Else: `python docs/fill.py`, and read what it wrote."""
    fill = import_docs("fill")
    pages = fill.pages()
    assert len(pages) >= 3
    assert [path.name for path, text in pages.items() if fill.filled(text) != text] == []
    torn = "<!-- generated: tasks -->\nold\n<!-- end -->"
    assert fill.filled(torn) == f"<!-- generated: tasks -->\n{import_docs('generate').tasks()}<!-- end -->"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Sum.\n\nAttributes:\n    a: one\n        more.\n    b, c: two.\n", {"a": "one more.", "b": "two.", "c": "two."}),
        ("Sum.\n\nAttributes:\n    a: one.\n\nRaises:\n    E: no.\n", {"a": "one."}),
        ("Sum.", {}),
    ],
)  # fmt: skip
def test_attributes_of_a_docstring(text: str, found: dict[str, str]) -> None:
    assert import_docs("described").attributes(text) == found


def test_a_cell_of_a_table_ends_nothing() -> None:
    assert import_docs("described").cell("a | b\n`(?P<x>y)` <z>") == r"a \| b `(?P<x>y)` &lt;z>"


def test_broken_links_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<a href="b.html#here">b</a><a href="b.html#gone">b</a><a href="https://x.org/y">y</a>'
    )
    (tmp_path / "b.html").write_text('<p id="here"></p><img src="c.png"><a href="#here">h</a>')
    found = import_docs("internal_links").broken(tmp_path)
    assert found == ["a.html: b.html#gone (no such place)", "b.html: c.png (no such file)"]


@pytest.mark.slow
def test_the_pages_build_without_a_warning_and_their_links_hold(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "--builder", "html"]
    run = [[*build, "--doctree-dir", str(tmp_path / "doctrees"), str(DOCS), str(tmp_path / "html")]]
    run.append([sys.executable, str(DOCS / "internal_links.py"), str(tmp_path / "html")])
    for command in run:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "html" / "guides" / "measure.html").is_file()

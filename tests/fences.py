"""The fenced blocks of a page of Markdown, each with the reason why it is not run, where the page gives one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
FENCE = re.compile(
    r"(?:^ *<!-- not run: (?P<reason>.+?) -->\n)?^(?P<indent> *)```(?P<language>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)


class Fence(NamedTuple):
    """A fenced block; its language is empty for what a command printed."""

    page: str
    language: str
    body: str
    reason: str


def fences(text: str, page: str) -> Iterator[Fence]:
    """Those of a page, in order, without the indentation of the list that they stand in."""
    for found in FENCE.finditer(text):
        lines = [line.removeprefix(found["indent"]) for line in found["body"].splitlines(keepends=True)]
        yield Fence(page, found["language"], "".join(lines), found["reason"] or "")


def of_page(path: Path) -> list[Fence]:
    return list(fences(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))))

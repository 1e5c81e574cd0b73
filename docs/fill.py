"""The small tables of the reference, kept in their pages so that these can be read without a build: `python docs/fill.py` writes them anew.

A block `<!-- generated: NAME -->` to `<!-- end -->` holds what the function NAME of `generate.PIECES` makes.
"""

from __future__ import annotations

import re
from pathlib import Path

from generate import PIECES

HERE = Path(__file__).parent
BLOCK = re.compile(r"(?P<head><!-- generated: (?P<name>[\w-]+) -->\n)(?P<body>.*?)(?P<end><!-- end -->)", re.DOTALL)


def pages() -> dict[Path, str]:
    """The pages with such blocks, and their text."""
    texts = {
        path: path.read_text(encoding="utf-8")
        for part in ("guides", "reference")
        for path in (HERE / part).glob("*.md")
    }
    return {path: text for path, text in texts.items() if BLOCK.search(text)}


def filled(text: str) -> str:
    """A page with every block made anew."""
    return BLOCK.sub(lambda match: match["head"] + PIECES[match["name"]]() + match["end"], text)


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(filled(text), encoding="utf-8")

"""Hold every link inside the built pages against what they lead to: `python docs/internal_links.py docs/_build/html`.

Exits 1 and names each link whose file or place in a page is missing. Links to other sites are not looked at.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Page:
    """What a page refers to, and the places in it that can be referred to."""

    links: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    """Collects links and places."""

    def __init__(self) -> None:
        super().__init__()
        self.page = Page()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and (name == "id" or (tag == "a" and name == "name")):
                self.page.places.add(value)
            elif value and name in {"href", "src"}:
                self.page.links.add(value)


def read_pages(folder: Path) -> dict[Path, Page]:
    """Every page below a folder."""
    found = {}
    for path in sorted(folder.rglob("*.html")):
        reader = _Reader()
        reader.feed(path.read_text(encoding="utf-8"))
        found[path.resolve()] = reader.page
    return found


def broken(folder: Path) -> list[str]:
    """A line for every link that leads nowhere."""
    pages = read_pages(folder)
    return [
        f"{path.relative_to(folder.resolve())}: {link} ({reason})"
        for path, page in pages.items()
        for link in sorted(page.links)
        if (reason := _lacking(path, link, pages))
    ]


def _lacking(path: Path, link: str, pages: dict[Path, Page]) -> str:
    """What a link lacks, empty where nothing."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return "no such file"
    place = unquote(parts.fragment)
    return "no such place" if place and target in pages and place not in pages[target].places else ""


def main() -> int:
    """Print what is broken; returns the exit code."""
    folder = Path(sys.argv[1])
    pages, found = len(read_pages(folder)), broken(folder)
    for line in found:
        sys.stderr.write(f"{line}\n")
    sys.stdout.write(f"{pages} pages, {len(found)} broken links\n")
    return 1 if found or not pages else 0


if __name__ == "__main__":
    sys.exit(main())

"""Text, data and code inside one HTML file: whatever a record says stays text."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterable, Sequence
from html import escape


def element(tag: str, text: object, **attributes: str) -> str:
    """One element around text; an attribute's name is written with `_` for `-`, and one after it where Python has the word."""
    return nested(tag, escape(str(text)), **attributes)


def nested(tag: str, *inner: str, **attributes: str) -> str:
    """One element around HTML that is whole already."""
    said = "".join(f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    return f"<{tag}{said}>{''.join(inner)}</{tag}>"


def table(name: str, columns: Sequence[str], rows: Iterable[str]) -> str:
    """A table that keys can scroll, of rows that are HTML already; its name is heard, not seen."""
    head = nested("tr", *(element("th", column, scope="col") for column in columns))
    caption = element("caption", name, class_="quiet")
    inner = nested("table", caption, nested("thead", head), nested("tbody", *rows))
    return nested("div", inner, class_="scroll", role="region", tabindex="0", aria_label=name)


def packed(text: str) -> str:
    """Gzip in base64, the same bytes each time; a browser's `atob` and `DecompressionStream` give the text back.

    Nothing in it can end the element that holds it, and plotly with a thousand runs stays under 6 MB.
    """
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


def digest(script: str) -> str:
    """What a content security policy names a script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode('ascii')}'"

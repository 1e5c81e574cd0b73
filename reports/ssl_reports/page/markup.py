"""Text, data and code inside one HTML file; any text from a record remains text."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterable, Sequence
from html import escape


def element(tag: str, text: object, **attributes: str) -> str:
    """An element around text; in attribute names write `_` for `-`, and append one to Python keywords (`class_`)."""
    return nested(tag, escape(str(text)), **attributes)


def nested(tag: str, *inner: str, **attributes: str) -> str:
    """An element around finished HTML."""
    said = "".join(f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    return f"<{tag}{said}>{''.join(inner)}</{tag}>"


def table(name: str, columns: Sequence[str], rows: Iterable[str]) -> str:
    """A table, scrollable by keyboard, of rows that are HTML already; its name is for screen readers only."""
    head = nested("tr", *(element("th", column, scope="col") for column in columns))
    caption = element("caption", name, class_="quiet")
    inner = nested("table", caption, nested("thead", head), nested("tbody", *rows))
    return nested("div", inner, class_="scroll", role="region", tabindex="0", aria_label=name)


def packed(text: str) -> str:
    """Gzip in base64, always the same bytes; a browser's `atob` and `DecompressionStream` restore the text.

    Nothing in it can close the enclosing element, and plotly with a thousand runs stays under 6 MB.
    """
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


def digest(script: str) -> str:
    """The hash by which a content security policy allows a script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode('ascii')}'"

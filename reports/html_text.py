"""Text, data and code inside one HTML file: whatever a record says stays text."""

from __future__ import annotations

import base64
import gzip
import hashlib
from html import escape


def element(tag: str, text: object, **attributes: str) -> str:
    """One element around text; an attribute's name may end in `_`, where Python keeps the word for itself."""
    said = "".join(f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    return f"<{tag}{said}>{escape(str(text))}</{tag}>"


def packed(text: str) -> str:
    """Gzip in base64, the same bytes each time; a browser's `atob` and `DecompressionStream` give the text back.

    Nothing in it can end the element that holds it, and plotly with a thousand runs stays under 6 MB.
    """
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


def digest(script: str) -> str:
    """What a content security policy names a script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode('ascii')}'"

"""Data and scripts inside one HTML file."""

from __future__ import annotations

import base64
import gzip
import hashlib


def packed(text: str) -> str:
    """Gzip in base64, always the same bytes; a browser's `atob` and `DecompressionStream` restore the text.

    Nothing in it can close the enclosing element, and plotly with a thousand runs stays under 6 MB.
    """
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


def digest(script: str) -> str:
    """The hash by which a content security policy allows a script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode('ascii')}'"

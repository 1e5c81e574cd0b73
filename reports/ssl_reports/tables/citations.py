"""Citations within plain text, which LaTeX sets as references and every other form leaves out."""

from __future__ import annotations

import re

CITED = re.compile("⟦([a-z0-9,-]+)⟧")


def cite(*keys: str) -> str:
    """A citation, to stand behind a word."""
    return f"⟦{','.join(keys)}⟧"


def uncited(text: str) -> str:
    """The text without citations."""
    return CITED.sub("", text)

"""The references of a paper made with this tool; their entries for BibTeX are in `references.bib`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

ENTRIES = Path(__file__).with_name("references.bib")
ENTRY = re.compile(r"^@\w+\{([\w-]+),\n.*?^\}\n", re.MULTILINE | re.DOTALL)
CITATION = re.compile(r"\\cite\{([^}]*)\}")


@dataclass(frozen=True)
class Reference:
    """A reference as records and pages name it.

    Attributes:
        cited: its unique name in notes.
        url: of the work; empty if it has none.
    """

    cited: str
    url: str


def _arxiv(number: str) -> Reference:
    return Reference(f"arXiv:{number}", f"https://arxiv.org/abs/{number}")


REFERENCES = {
    "baevski2020wav2vec": _arxiv("2006.11477"),
    "baevski2022data2vec": _arxiv("2202.03555"),
    "chen2021wavlm": _arxiv("2110.13900"),
    "chiu2022bestrq": _arxiv("2202.01855"),
    "codecarbon": Reference("CodeCarbon", "https://github.com/mlco2/codecarbon"),
    "essl": Reference("Orange-OpenSource/essL", "https://github.com/Orange-OpenSource/essL"),
    "hsu2021hubert": _arxiv("2106.07447"),
    "lin2022melhubert": _arxiv("2211.09944"),
    "lugo2024sustainable": _arxiv("2406.07696"),
    "panayotov2015librispeech": Reference("openslr.org/12", "https://www.openslr.org/12"),
    "smyth2004linear": Reference("Smyth 2004", "https://doi.org/10.2202/1544-6115.1027"),
    "spidr2025": _arxiv("2512.20308"),
    "sslbench": Reference("sslbench", ""),
    "summarymixing2024": _arxiv("2407.13377"),
    "warden2018commands": _arxiv("1804.03209"),
    "whetten2024bestrq": _arxiv("2405.04296"),
    "yang2023fasthubert": _arxiv("2309.13860"),
}


def bibtex(texts: Iterable[str]) -> str:
    r"""`references.bib`: the entries of all works that these LaTeX texts `\cite`, sorted by key."""
    return "\n".join(_entries()[key] for key in sorted(cited(texts) & _entries().keys()))


def cited(texts: Iterable[str]) -> set[str]:
    r"""The keys of all works that LaTeX texts `\cite`."""
    groups = (keys for text in texts for keys in CITATION.findall(text))
    return {key.strip() for keys in groups for key in keys.split(",")}


@cache
def _entries() -> dict[str, str]:
    """The entry of each key, that of this tool with its version."""
    text = ENTRIES.read_text(encoding="utf-8").replace("VERSION", version("sslbench"))
    return {match[1]: match[0] for match in ENTRY.finditer(text)}

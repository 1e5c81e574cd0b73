"""What others publish agrees with the recipes that the catalogue holds, and every figure has its reference."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from ssl_models.recipes import RECIPES
from ssl_reports.reading.published import published_claims, published_rows, reference_of
from ssl_reports.reading.references import ENTRIES, REFERENCES, bibtex


def test_hours_agree_with_the_catalog() -> None:
    """Two places hold these: the recipes that projections use, and the table that reports cite."""
    compared = 0
    for row in published_rows():
        recipe = RECIPES.get(row.model)
        told = (
            None
            if recipe is None
            else {"audio_hours_seen": recipe.audio_hours, "device_hours": recipe.device_hours}.get(row.metric)
        )
        if told is not None:
            assert row.quantity.value is not None
            assert row.quantity.value == pytest.approx(told, rel=1e-4), row
            compared += 1
    assert compared >= 9


def test_hours_by_hand() -> None:
    hours = {row.model: row.quantity.value for row in published_rows() if row.metric == "device_hours"}
    assert hours["Fast-HuBERT"] == round(8 * 1.1 * 24)
    assert hours["wav2vec2-base"] == round(64 * 1.6 * 24)
    assert hours["wav2vec2-large"] == round(128 * 5.2 * 24)
    assert hours["wav2vec2-large (960 h)"] == pytest.approx(128 * 2.3 * 24)
    assert hours["hubert-base"] == pytest.approx(32 * 6.5 * 9.5)


def test_every_row_is_published_and_cited() -> None:
    rows = published_rows()
    assert {row.quantity.method for row in rows} == {"published"}
    assert all(reference_of(row) is not None for row in rows)
    assert sum(row.metric == "wer" for row in rows) == 10
    assert all(0.03 < (row.quantity.value or 0) < 0.16 for row in rows if row.metric == "wer")
    assert [claim.id for claim in published_claims()] == ["C1", "C2", "C3", "C4", "C5", "C6"]
    assert {each.reference for each in published_claims()} <= set(REFERENCES)


def test_citations_are_told_apart() -> None:
    """`reference_of` goes by the beginning of a note."""
    cited = [entry.cited for entry in REFERENCES.values()]
    assert not [(a, b) for a in cited for b in cited if a is not b and b.startswith(a)]


def test_every_reference_has_an_entry_and_only_those_cited_are_written() -> None:
    written = bibtex([rf"a~\cite{{{key}}}" for key in REFERENCES])
    assert re.findall(r"^@\w+\{([\w-]+),$", written, re.MULTILINE) == sorted(REFERENCES)
    assert written.count("{") == written.count("}")
    assert "VERSION" not in written
    assert " others" not in written, "every list of authors is whole"
    some = bibtex([r"x \cite{essl, hsu2021hubert} y", r"\cite{nobody2000nothing}"])
    assert re.findall(r"^@\w+\{([\w-]+),$", some, re.MULTILINE) == ["essl", "hsu2021hubert"]
    assert bibtex([""]) == ""


def test_entries_agree_with_what_notes_cite() -> None:
    """The number of a preprint stands in the entry and in the code."""
    text = ENTRIES.read_text(encoding="utf-8")
    preprints = {entry.cited for entry in REFERENCES.values() if entry.cited.startswith("arXiv")}
    assert {f"arXiv:{number}" for number in re.findall(r"eprint = \{([\d.]+)\}", text)} == preprints
    for entry in text.split("\n@")[1:]:
        fields = set(re.findall(r"^  (\w+) =", entry, re.MULTILINE))
        assert {"author", "key"} & fields, entry
        assert {"journal", "booktitle", "howpublished"} & fields, entry


@pytest.mark.pdflatex
def test_bibtex_sets_every_entry(tmp_path: Path) -> None:
    """Without an error or a warning about an entry."""
    (tmp_path / "references.bib").write_text(bibtex([rf"\cite{{{key}}}" for key in REFERENCES]), encoding="utf-8")
    (tmp_path / "x.aux").write_text("\\citation{*}\n\\bibdata{references}\n\\bibstyle{plain}\n")
    done = subprocess.run(["bibtex", "x"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "Warning" not in done.stdout, done.stdout
    assert (tmp_path / "x.bbl").read_text().count("\\bibitem") == len(REFERENCES)

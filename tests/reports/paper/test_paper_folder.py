"""A report takes the place of a report, and of nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ssl_models.errors import BadInputError
from ssl_reports.paper.folder import write_whole


def page(folder: Path) -> None:
    (folder / "tables").mkdir()
    (folder / "tables" / "a.csv").write_text("1")
    (folder / "main.tex").write_text("x")


def test_a_failure_leaves_the_old_one(tmp_path: Path) -> None:
    out = tmp_path / "paper"
    assert write_whole(out, page) == ["main.tex", "sslbench-report.json", "tables/a.csv"]

    def broken(folder: Path) -> None:
        (folder / "main.tex").write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_whole(out, broken)
    assert (out / "main.tex").read_text() == "x"
    assert [path.name for path in tmp_path.iterdir()] == ["paper"]


def test_a_folder_of_the_user_s_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "paper"
    out.mkdir()
    write_whole(out, page)
    (out / "main.log").write_text("of pdflatex")
    (out / "main.bbl").write_text("of bibtex")
    write_whole(out, page)
    assert not (out / "main.log").exists()
    (out / "mine.tex").write_text("x")
    with pytest.raises(BadInputError, match=r"contains mine\.tex"):
        write_whole(out, page)
    (out / "mine.tex").unlink()
    (out / "main.tex").write_text("edited")
    with pytest.raises(BadInputError, match=r"main\.tex was changed"):
        write_whole(out, page)
    assert (out / "main.tex").read_text() == "edited"
    (out / "sslbench-report.json").write_text("{")
    with pytest.raises(BadInputError, match="broken"):
        write_whole(out, page)
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(BadInputError, match="not a folder"):
        write_whole(file, page)

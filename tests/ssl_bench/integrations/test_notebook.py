"""A cell of a real IPython shell, metered by its magic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from ssl_bench import read_run


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A shell that has loaded the extension, and keeps no history."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)
    shell = InteractiveShell(colors="nocolor")
    shell.history_manager.enabled = False
    shell.run_line_magic("load_ext", "ssl_bench")
    yield shell
    shell.history_manager.end_session()
    shell.restore_sys_module_state()


def test_a_cell_leaves_a_run(shell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell_magic(
        "sslbench", "--name 'my cell' --audio-hours 2 --no-idle --grid-intensity 50 --out run", "x = 6 * 7\nprint(x)"
    )
    said = capsys.readouterr().out
    assert said.startswith("42\nsslbench: my cell ran through: ")
    assert "next: sslbench table run" in said
    assert shell.user_ns["x"] == 42
    record = read_run(tmp_path / "run")
    assert (record.kind, record.status) == ("meter", "finished")
    assert {m.model for m in record.measurements} == {"my cell"}
    hours = record.find("audio_hours_seen", "training")
    assert hours is not None
    assert hours.value == 2


@pytest.mark.parametrize(("cell", "ended"), [("1 / 0", "ZeroDivisionError"), ("1 +", "SyntaxError")])
def test_a_cell_that_fails_has_its_bill(
    shell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], cell: str, ended: str
) -> None:
    """Its error is shown once, by the shell."""
    shell.run_cell_magic("sslbench", "--no-idle --out run", cell)
    assert read_run(tmp_path / "run").details["ended"] == f"ended by {ended}"
    assert sum(line.startswith(f"{ended}: ") for line in capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [("--nome x", "--nome"), ("--name 'x", "quotation"), ("--audio-hours many", "many"), ("--phase play", "play"), ("--pid 1", "--pid")],
)  # fmt: skip
def test_a_wrong_option_is_a_line_and_runs_nothing(
    shell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    shell.run_cell_magic("sslbench", line, "ran = True")
    said = capsys.readouterr().out
    assert said.startswith("sslbench: ")
    assert words in said
    assert len(said.splitlines()) == 1
    assert "ran" not in shell.user_ns
    assert not (tmp_path / "runs").exists()

"""`sslbench profile`: one document or tables, one line for bad input, and nothing heavy before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ssl_bench.app import app
from ssl_benchmarks.profile.profile import CountError
from ssl_benchmarks.profile.superb import SAMPLES
from ssl_benchmarks.record.record import Measurement
from ssl_models.efficient.closed_form import encoder_macs
from ssl_models.efficient.config import EFFICIENT

Run = Callable[..., subprocess.CompletedProcess[str]]
QUICK = ("--seconds", "1", "--no-second-opinion")
OWN = """\
import helper
from torch import nn

print("a user's file may print")

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(160, helper.WIDTH)

    def forward(self, waveforms, lengths):
        print("and so may its forward")
        return self.linear(waveforms.unfold(1, 160, 160))
"""


def refused(done: subprocess.CompletedProcess[str], code: int = 2) -> str:
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("sslbench: ")
    return lines[0]


def test_one_document(sslbench: Run, tmp_path: Path) -> None:
    """From a folder that holds nothing, which stays so."""
    done = sslbench("profile", "efficient-tiny", "--json", "--seconds", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "sslbench.profile/1"
    rows = [Measurement.from_row(row) for row in document["measurements"]]
    found = {(row.metric, row.phase, row.conditions.clip_seconds): row.quantity.value for row in rows}
    assert found["macs", "inference", 1.0] == encoder_macs(EFFICIENT["efficient-tiny"].encoder, 16_000)
    assert document["second_opinion"]["by"] == "fvcore"
    assert list(tmp_path.iterdir()) == []


def test_a_users_file_among_foreign_packages(sslbench: Run, foreign: Path) -> None:
    """Its folder has models/, benchmarks/ and reports/ of its own; what it prints does not break the document.

    SUPERB's sum is there too: so many frames of 160 samples in each of its utterances, each 160 by 16.
    """
    (foreign / "own.py").write_text(OWN)
    (foreign / "helper.py").write_text("WIDTH = 16\n")
    done = sslbench("profile", "own.py:Net", "--json", "--superb", *QUICK, cwd=foreign, fresh=True)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["counts"][0]["macs"] == 100 * 160 * 16
    (superb,) = (row["value"] for row in document["measurements"] if row["metric"] == "superb_macs")
    assert superb == sum(samples // 160 * 160 * 16 for samples in SAMPLES)
    assert "no objective" in document["missing"]["training"]
    assert "a user's file may print" in done.stderr


@pytest.mark.slow
def test_tables_for_people(sslbench: Run, tmp_path: Path) -> None:
    done = sslbench("profile", "hubert-base", *QUICK, cwd=tmp_path, fresh=True)
    assert done.returncode == 0, done.stderr
    for words in (
        "6.911 G",
        "0.000 %",
        "training fits on a 24 GB card",
        "next: sslbench measure hubert-base",
        "94.4 M",
    ):
        assert words in done.stdout, words


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("hubert-bse",), ("hubert-bse", "did you mean hubert-base")),
        (("own.py",), ("own.py", "own.py:build")),
        (("hf:nowhere",), ("hf:nowhere", "no such folder")),
        (("gone.py:build",), ("gone.py", "no such file")),
        (("efficient-tiny", "--seconds", "1,x"), ("--seconds 1,x", "1,10,30")),
        (("efficient-tiny", "--precision", "float8"), ("--precision", "float8", "bfloat16")),
        (("efficient-tiny", "--device", "tpu"), ("--device", "tpu", "cpu")),
        (("efficient-tiny", "--clip-seconds", "0"), ("--clip-seconds", "more than 0")),
        (("efficient-tiny", "--card", "nan"), ("--card", "more than 0")),
        ((), ("missing argument", "model")),  # typer writes the name in capitals or not, by its version
    ],
    ids=" ".join,
)
def test_bad_input_is_one_line(
    sslbench: Run, tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    line = refused(sslbench("profile", *arguments, cwd=tmp_path))
    assert all(word.lower() in line.lower() for word in words), line


def test_a_user_file_that_leaves_is_one_line(sslbench: Run, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text("import sys\nsys.exit('arguments\\nmissing')\n")
    assert "SystemExit: arguments missing" in refused(sslbench("profile", "own.py:build", cwd=tmp_path))


def test_a_wrong_count_ends_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With 1, one line on stderr, and no figure."""

    def wrong(model: str, setting: object) -> None:
        del setting
        raise CountError(f"{model}: 2 counted, 1 by the closed form")

    monkeypatch.setattr("ssl_benchmarks.profile.profile.profile", wrong)
    done = CliRunner().invoke(app, ["profile", "efficient-tiny"])
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr == "sslbench: efficient-tiny: 2 counted, 1 by the closed form\n"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("arguments", [("profile", "--help"), ("profile", "hubert-bse")], ids=" ".join)
def test_nothing_heavy_is_imported_to_help_or_to_refuse(
    arguments: tuple[str, ...], tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    script = (
        "import sys\nfrom ssl_bench.cli import run\nsys.argv = ['sslbench', *sys.argv[1:]]\n"
        "run()\n"
        "heavy = {'torch', 'numpy', 'pandas', 'transformers', 'fvcore', 'scipy', 'pynvml'}\n"
        "found = heavy & set(sys.modules)\nassert not found, found\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, *arguments],
        cwd=tmp_path, env=clean_environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

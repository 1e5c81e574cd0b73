"""The command line starts fast, finds its own packages, and answers bad use with one line and exit code 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

Run = Callable[..., subprocess.CompletedProcess[str]]
TRAIN = "train-and-measure"


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a refused command says: exit code 2, nothing on stdout, one line on stderr."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("sslbench: ")
    return lines[0]


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("train-and-measure", "--help"), ("export", "--help"), ("models", "--help"), ("--version",), ("models",), ("models", "--json")],
    ids=" ".join,
)  # fmt: skip
def test_looking_around_imports_nothing_heavy(
    arguments: tuple[str, ...], tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    script = (
        "import sys\nfrom ssl_bench.cli import run\nsys.argv = ['sslbench', *sys.argv[1:]]\n"
        "code = run()\nassert not code, code\n"
        "heavy = {'torch', 'numpy', 'pandas', 'sklearn', 'codecarbon', 'matplotlib', 'scipy', 'pynvml',\n"
        "  'mlflow', 'tensorboard', 'wandb', 'pyarrow'}\n"
        "found = heavy & set(sys.modules)\nassert not found, found\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, *arguments],
        cwd=tmp_path, env=clean_environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((TRAIN, "--model", "efficient-tinny"), ("efficient-tinny", "did you mean efficient-tiny")),
        ((TRAIN, "--model", "xyz"), ("xyz", "efficient-small", "efficient-base")),
        ((TRAIN, "--device", "tpu"), ("--device", "tpu", "cpu")),
        ((TRAIN, "--precision", "float23"), ("--precision", "float23", "float32")),
        ((TRAIN, "--stepps", "3"), ("--stepps", "--steps")),
        ((TRAIN, "--steps", "three"), ("--steps", "integer")),
        ((TRAIN, "leftover"), ("leftover",)),
        ((TRAIN, "--steps"), ("--steps", "argument")),
        ((TRAIN, "--models", "essl,essl"), ("--models", "twice")),
        ((TRAIN, "--model", "essl", "--models", "essl"), ("--model", "--models", "not both")),
        ((TRAIN, "--seeds", "0"), ("--seeds", "at least 1")),
        ((TRAIN, "--budget", "3"), ("--budget", "--equal")),
        ((TRAIN, "--equal", "joules", "--budget", "3", "--steps", "4"), ("--equal", "--steps")),
        ((TRAIN, "--models", "essl", "--labels", "10min"), ("--labels", "--tasks")),
        ((TRAIN, "--tasks", "pr", "--data", "."), ("--tasks", "--eval-data")),
        ((TRAIN, "--tasks", "pr", "--no-evaluate"), ("--no-evaluate", "--tasks")),
        (("trian",), ("trian",)),
        (("models", "efficient-huge"), ("efficient-huge", "did you mean efficient-")),
        (("models", "./nowhere"), ("nowhere",)),
        (("measure", "hubert-base", "--pretrained", "/nowhere/x"), ("--pretrained", "no such folder")),
        (("measure", "essl", "--pretrained", "."), ("--pretrained", "only models from transformers")),
        (("evaluate", "best-rq-base", "--pretrained", "."), ("--pretrained", "only models from transformers")),
        ((TRAIN, "--model", "wav2vec2-base", "--pretrained", "no/where/x"), ("--pretrained", "no such folder")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value[0], str) else "",
)
def test_a_typo_is_one_line(sslbench: Run, tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    line = one_line(sslbench(*arguments, cwd=tmp_path))
    assert all(word in line for word in words), line
    assert list(tmp_path.iterdir()) == []


def broken(folder: Path, content: bytes | None) -> Path:
    folder.mkdir()
    if content is not None:
        (folder / "x.wav").write_bytes(content)
    return folder


def test_settings_that_cannot_be_read_are_one_line(sslbench: Run, tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    for content, words in {
        "steps = = 3": ("x.toml", "not readable as TOML"),
        "stepz = 3": ("x.toml", "stepz", "steps"),
        "steps = 'three'": ("x.toml", "steps", "three"),
    }.items():
        path.write_text(content)
        line = one_line(sslbench(TRAIN, "--config", path, cwd=tmp_path))
        assert all(word in line for word in words), line
    assert "gone.toml" in one_line(sslbench(TRAIN, "--config", tmp_path / "gone.toml", cwd=tmp_path))


def test_a_folder_without_speech_is_one_line_and_leaves_nothing(sslbench: Run, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    broken(tmp_path / "empty", None)
    broken(tmp_path / "text", b"dear diary\n" * 99)
    for name, words in {
        "empty": ("empty", "no audio files"),
        "text": ("none of its 1 audio files can be read", "x.wav", "not audio"),
    }.items():
        line = one_line(sslbench(TRAIN, "--data", tmp_path / name, cwd=tmp_path / "work"))
        assert all(word in line for word in words), line
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.slow
def test_too_little_speech_for_the_targets_is_one_line_and_leaves_nothing(
    sslbench: Run, tmp_path: Path, small_toml: Path
) -> None:
    """A tenth of a second has five frames of 20 ms, and eight clusters are asked for."""
    (tmp_path / "data").mkdir()
    soundfile.write(tmp_path / "data" / "x.wav", np.random.default_rng(0).normal(0, 0.1, 1_600), 16_000)
    done = sslbench(TRAIN, "--config", small_toml, "--data", tmp_path / "data", "--out", tmp_path / "run", cwd=tmp_path)
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("sslbench: ")
    assert "too few for 8 clusters" in last
    assert not (tmp_path / "run").exists()


def test_a_run_that_cannot_be_written_is_one_line(
    sslbench: Run, tmp_path: Path, speech: Path, small_toml: Path
) -> None:
    """A file where the folder's parent should be stops root too."""
    (tmp_path / "file").touch()
    done = sslbench(TRAIN, "--config", small_toml, "--data", speech, "--out", tmp_path / "file" / "run", cwd=tmp_path)
    line = one_line(done)
    assert "cannot write a run there" in line
    assert "--out" in line


@pytest.mark.slow
def test_there_is_nothing_to_resume(sslbench: Run, tmp_path: Path) -> None:
    assert "no unfinished run below runs/" in one_line(sslbench(TRAIN, "--resume", cwd=tmp_path))


def test_foreign_packages_in_the_working_folder_do_not_matter(sslbench: Run, foreign: Path) -> None:
    done = sslbench("models", cwd=foreign)
    assert done.returncode == 0, done.stderr
    assert "efficient-tiny" in done.stdout


def test_foreign_packages_on_pythons_path_do_not_matter(sslbench: Run, foreign: Path, tmp_path: Path) -> None:
    done = sslbench("models", cwd=tmp_path, env={"PYTHONPATH": str(foreign)}, fresh=True)
    assert done.returncode == 0, done.stderr
    assert "efficient-tiny" in done.stdout


def test_as_a_module_it_runs_beside_foreign_packages(foreign: Path, clean_environment: dict[str, str]) -> None:
    """`python -m` puts the working folder first."""
    done = subprocess.run(
        [sys.executable, "-m", "ssl_bench", "models"],
        cwd=foreign, env=clean_environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "efficient-base" in done.stdout, done.stderr


def test_models_lists_the_catalog_with_the_sizes_of_the_issue(sslbench: Run, tmp_path: Path) -> None:
    document = json.loads(sslbench("models", "--json", cwd=tmp_path).stdout)
    assert document["schema"] == "sslbench.models/1"
    sizes = {model["name"]: model["parameters"] / 1e6 for model in document["models"]}
    known = {"efficient-tiny": 2, "efficient-small": 28, "efficient-base": 57, "essl": 90.8, "hubert-xlarge": 964}
    assert {name: sizes[name] for name in known} == pytest.approx(known, rel=0.05)
    text = sslbench("models", cwd=tmp_path).stdout
    assert len(sizes) == 20
    assert all(name in text for name in sizes)


def test_a_closed_pipe_is_no_traceback(tmp_path: Path, clean_environment: dict[str, str]) -> None:
    """`sslbench models | head -0`."""
    script = Path(sys.executable).with_name("sslbench")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [str(script), "models"], cwd=tmp_path, env=clean_environment, stdout=writing, stderr=subprocess.PIPE,
        text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["", "measure", "train-and-measure", "compare", "table", "report", "env"])
def test_no_switch_looks_as_if_it_took_a_value(sslbench: Run, tmp_path: Path, command: str) -> None:
    shown = sslbench(*command.split(), "-h", cwd=tmp_path).stdout
    assert "bool" not in shown.lower()
    assert "--help" in shown


def test_a_shell_completes_commands(sslbench: Run, tmp_path: Path) -> None:
    asked = {"_SSLBENCH_COMPLETE": "complete_bash", "COMP_WORDS": "sslbench mea", "COMP_CWORD": "1"}
    assert sslbench(cwd=tmp_path, env=asked).stdout.split() == ["measure"]


def test_quiet_says_nothing_but_results(sslbench: Run, tmp_path: Path) -> None:
    asked = ("measure", "efficient-tiny", "--clip-seconds", "0.5", "--minutes", "0.02", "--no-idle")
    done = sslbench(*asked, "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "next:" in done.stdout


def test_a_default_of_the_project_holds_for_what_is_measured_and_not_for_finished_runs(
    sslbench: Run, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.sslbench]\ngrid-intensity = 100\n")
    asked = ("measure", "efficient-tiny", "--clip-seconds", "0.5", "--minutes", "0.02", "--no-idle")
    done = sslbench(*asked, "--out", "run", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["details"]["grid"]["g_per_kwh"] == 100
    (tmp_path / "pyproject.toml").write_text("[tool.sslbench]\ngrid-intensity = 900\n")
    rows = json.loads(sslbench("table", "run", "--json", cwd=tmp_path).stdout)
    assert "900 g/kWh" not in json.dumps(rows)
    (tmp_path / "pyproject.toml").write_text("[tool.sslbench]\ngrid_intensty = 900\n")
    wrong = sslbench(*asked, cwd=tmp_path)
    assert (wrong.returncode, "did you mean grid_intensity" in wrong.stderr) == (2, True)

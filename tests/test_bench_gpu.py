"""`make bench-gpu`, tried whole on the CPU: every part leaves its record, a killed call is resumed, and what is to be committed is clean."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

from ssl_bench.data.corpus import read_corpus
from ssl_benchmarks.record.record import read_record
from ssl_models.catalog import CATALOG
from ssl_models.families import FAMILIES, family_of

ROOT = Path(__file__).parents[1]
BENCH = ROOT / "tests" / "gpu_bench"
sys.path.insert(0, str(BENCH))
try:
    import pack
    from plan import FULL, PARTS, Bench, compare_jobs, env_jobs, joules_jobs, report_jobs, smoke_jobs
    from running import Job, run_jobs
    from speech import link_speech
finally:
    sys.path.pop(0)
sys.path.insert(0, str(ROOT / "tests"))
try:
    from test_docs import understood
finally:
    sys.path.pop(0)

RESULTS = ROOT / "docs" / "results"


def started(*words: object) -> subprocess.Popen[str]:
    """The command as make starts it, from another folder."""
    command = [sys.executable, str(BENCH), "--device", "cpu", "--tiny", "--limit", "1500", *map(str, words)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/"
    )


MISSING = """
import runpy, sys
for name in ("soundfile", "jiwer"):
    sys.modules[name] = None  # what cannot be imported
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_each_missing_package_is_a_line_with_its_purpose(warm: Callable[..., Any], tmp_path: Path) -> None:
    done = warm(BENCH, "--out", tmp_path / "run", cwd=tmp_path, env=dict(os.environ), code=MISSING).finish()
    lines = done.stdout.splitlines()
    assert done.returncode == 2, done.stderr
    assert [line.split(":")[0] for line in lines[1:]] == ["soundfile", "jiwer (and rapidfuzz)"]
    assert "reading speech" in lines[1]
    assert not (tmp_path / "run").exists()


def test_every_family_trains_and_the_efficient_model_also_eagerly() -> None:
    models = [entry.partition(" ")[0] for entry in FULL.smoke]
    assert {id(family_of(CATALOG[model])) for model in models} == {id(family) for family in FAMILIES}
    assert {"wav2vec2", "hubert", "wavlm"} <= {model.partition("-")[0] for model in models}  # one class of settings
    assert [entry for entry in FULL.smoke if entry.endswith(" eager")] == [f"{FULL.compared[0]} eager"]


def test_the_commands_on_a_gpu_give_the_evidence_that_claims_need(tmp_path: Path) -> None:
    """Understood by the command line; bfloat16, clips as in the recipes, the baseline and a large model; only the study and one training are eager by choice."""
    bench = Bench(tmp_path, tmp_path / "results", "cuda", tiny=False)
    jobs = [*smoke_jobs(bench), *compare_jobs(bench), *joules_jobs(bench)]
    for job in [*env_jobs(bench), *jobs, *report_jobs(bench)]:
        understood(list(job.words))
    words = {job.name: dict(zip(job.words, (*job.words[1:], ""), strict=True)) for job in jobs}
    assert {each["--precision"] for each in words.values()} == {"bfloat16"}
    assert [name for name, each in words.items() if "--no-compile" in each] == ["smoke-efficient-small-eager", "joules"]
    compared = words["compare"]
    assert abs(float(compared["--clip-seconds"]) / 15.36 - 1) < 0.1
    assert {"efficient-small", "essl", "hubert-large"} <= set(compared["--models"].split(","))
    assert compared["--baseline"] == "essl"
    assert 60 * float(compared["--minutes"]) * 1.2 + 15 <= PARTS["compare"].seconds  # its latest end, after its start


def test_speech_is_of_other_speakers_in_the_test(small_librispeech: Path, tmp_path: Path) -> None:
    for name, given in (("sample", None), ("given", small_librispeech)):
        (tmp_path / name).mkdir()
        link_speech(given, tmp_path / name, tiny=False)
        found = {
            part: set(read_corpus(tmp_path / name / "speech" / part).speakers) for part in ("train", "test", "few")
        }
        assert found["few"] <= found["train"]
        assert not found["train"] & found["test"]
    with pytest.raises(FileNotFoundError, match="train-clean-5"):
        link_speech(tmp_path, tmp_path, tiny=False)


@pytest.mark.slow
def test_commands_that_fail_or_run_out_of_time_are_named_and_stop_nothing_else(tmp_path: Path) -> None:
    """A wrong option, then a long sleep that is interrupted; the last one finds no time left."""
    jobs = [Job("wrong", ("env", "--no-such-option")), Job("long", ("meter", "--out", "long", "--", "sleep", "600"))]
    with (tmp_path / "lock").open("w") as lock:
        ended = run_jobs([*jobs, Job("late", ("env",))], tmp_path, lock.fileno(), at_once=1, seconds=20.0)
    of = {each.job.name: each for each in ended}
    assert of["wrong"].code == 2
    assert "no-such-option" in of["wrong"].fault
    assert of["long"].fault.startswith("long: out of time")
    assert of["late"].fault == "late: no time left"


@pytest.fixture(scope="module")
def renew() -> ModuleType:
    """The script that renews what is committed."""
    sys.path.insert(0, str(RESULTS))
    try:
        found = importlib.util.spec_from_file_location("renew_for_bench", RESULTS / "renew.py")
        assert found is not None
        assert found.loader is not None
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return module


@pytest.mark.slow
@pytest.mark.ci
def test_all_parts_leave_what_is_to_be_committed(renew: ModuleType, tmp_path: Path) -> None:
    process = started("--out", tmp_path / "run")
    shown = process.communicate()[0]
    assert process.returncode == 0, shown
    for part in PARTS:
        assert f"\n{part}: exit 0, " in shown
    assert "3 of 3 models trained 3 steps with finite losses" in shown
    results = tmp_path / "run" / "results"
    clean(results, tmp_path)
    as_report_makes_it(results, renew, tmp_path)
    page = (results / "report.md").read_text()
    assert all(f"| {part} | 0 |" in page for part in PARTS)
    again = started("--out", tmp_path / "run", "--parts", "env,smoke,compare,joules")
    assert again.communicate()[0].count("finished earlier, skipped") == 4


def clean(results: Path, tmp_path: Path) -> None:
    """Finished records of every part, no weights, nothing long, no path of this machine."""
    records = {path.parent.relative_to(results).as_posix(): read_record(path) for path in results.glob("**/run.json")}
    assert {record.status for record in records.values()} == {"finished"}
    assert {"compare", "joules", "joules/evaluation", "smoke/efficient-tiny", "smoke/hubert-tiny"} <= set(records)
    assert records["joules"].settings.seeds == 1
    assert json.loads((results / "env.json").read_text())["environment"]["cores"]
    files = [path for path in results.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".jsonl", ".md", ".png", ".svg", ".gz", ".csv", ".tex"}
    assert max(path.stat().st_size for path in files) < 2**20
    for path in (path for path in files if path.suffix in {".json", ".jsonl", ".md", ".csv", ".tex"}):
        for folder in (tmp_path, ROOT, Path.home()):
            assert str(folder) not in path.read_text(), path


def as_report_makes_it(results: Path, renew: ModuleType, tmp_path: Path) -> None:
    """What tests/test_results.py holds of a committed folder."""
    for path in results.glob("*/run.json"):
        record = read_record(path)
        renew.WRITERS[record.kind](record, tmp_path)
        assert (tmp_path / "report.md").read_text() == (path.parent / "report.md").read_text()
    renew.paper(results, tmp_path / "paper")
    tables = sorted((results / "tables").iterdir())
    assert {"claims.md", "claims-by-size.md", "efficiency.md"} <= {path.name for path in tables}
    for path in tables:
        assert path.read_text() == (tmp_path / "paper" / "tables" / path.name).read_text(), path.name
    assert {path.suffix for path in (results / "figures").iterdir()} == {".png", ".svg"}


@pytest.mark.slow
def test_it_is_killed_in_every_part_and_resumed(tmp_path: Path) -> None:
    """Killed, not interrupted: what the part runs ends by itself, and the next call begins with that part."""
    out = tmp_path / "run"
    logs = {"env": "env", "smoke": "smoke-hubert-tiny", "compare": "compare", "joules": "joules", "report": "report"}
    for part in PARTS:
        process = started("--out", out)
        log = out / "logs" / f"{logs[part]}.log"
        while not (log.is_file() and psutil.Process(process.pid).children()):
            assert process.poll() is None
            time.sleep(0.05)
        if part in {"compare", "joules"}:  # in the middle of it
            while not (out / part / "run.json").is_file():
                assert process.poll() is None
                time.sleep(0.05)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        shown = process.communicate()[0]
        assert not psutil.wait_procs(children, timeout=60)[1]
        assert shown.count("finished earlier, skipped") == max(0, list(PARTS).index(part) - 1)  # the one before ran now
    process = started("--out", out)
    shown = process.communicate()[0]
    assert process.returncode == 0, shown
    assert shown.count("finished earlier, skipped") == 4


@pytest.mark.slow
def test_ctrl_c_ends_the_part_and_names_the_command_that_goes_on(tmp_path: Path) -> None:
    process = started("--out", tmp_path / "run", "--parts", "compare,report")
    while not (tmp_path / "run" / "compare" / "run.json").is_file():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    shown = process.communicate()[0]
    assert process.returncode == 1, shown
    assert "compare: stopped by the user" in shown
    assert "--parts compare,report" in shown.splitlines()[-1]
    assert read_record(tmp_path / "run" / "compare" / "run.json").status == "unfinished"


def packed(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["pack.py", "--no-wheels", *map(str, words)])
    return pack.main()


def test_the_pack_holds_the_project_and_speech(
    small_librispeech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert packed(monkeypatch, "--to", tmp_path / "pack", "--speech", small_librispeech) == 0
    *_, line = capsys.readouterr().out.splitlines()
    assert line == "copy the folder, then: cd pack && python3 tests/gpu_bench --speech speech"
    for name in ("Makefile", "ssl_bench/cli.py", "models/ssl_models/catalog.py", "tests/gpu_bench/__main__.py"):
        assert (tmp_path / "pack" / name).read_bytes() == (ROOT / name).read_bytes()
    speech = {part: len(read_corpus(tmp_path / "pack" / "speech" / part).speakers) for part in pack.SPEAKERS}
    assert speech == {"train-clean-5": 12, "dev-clean": 4}
    assert not (tmp_path / "pack" / ".git").exists()


def test_a_pack_too_large_or_in_the_wrong_place_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    assert packed(monkeypatch, "--to", tmp_path / "mine") == 2
    assert (tmp_path / "mine" / "thesis.tex").is_file()
    assert packed(monkeypatch, "--to", tmp_path / "pack", "--speech", tmp_path) == 2
    monkeypatch.setattr(pack, "MOST", 2**20)
    assert packed(monkeypatch, "--to", tmp_path / "pack") == 1
    assert "too large: at most 1 MiB" in capsys.readouterr().out

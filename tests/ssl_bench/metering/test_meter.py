"""A metered command is the command itself to its caller, and its bill is in the record however it ends."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from ssl_bench import metered, read_run
from ssl_models.errors import BadInputError

METER = (sys.executable, "-m", "ssl_bench", "meter", "--no-idle")
PYTHON = sys.executable


@pytest.fixture
def start(clean_environment: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start `sslbench meter` on a command, in a folder of its own."""

    def started(*words: str, **how: Any) -> subprocess.Popen[str]:
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([*METER, *words], cwd=tmp_path, **{"env": clean_environment, **streams, **how})

    return started


def record(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "run.json").read_text()))


def value(document: dict[str, Any], metric: str, scope: str | None = None) -> Any:
    rows = [row for row in document["measurements"] if (row["metric"], row["scope"]) == (metric, scope)]
    assert len(rows) == 1, (metric, scope)
    return rows[0]["value"]


ENDS = [
    ("true", 0),
    ("exit 1", 1),
    ("exit 2", 2),
    ("exit 77", 77),
    ("exit 255", 255),
    ("kill -TERM $$", -signal.SIGTERM),
    ("kill -INT $$", -signal.SIGINT),
    ("kill -HUP $$", -signal.SIGHUP),
    ("kill -SEGV $$", -signal.SIGSEGV),
    ("kill -KILL $$", 128 + signal.SIGKILL),
    ("kill -PIPE $$", -signal.SIGPIPE),
]


@pytest.mark.parametrize(("script", "code"), ENDS, ids=[script for script, _ in ENDS])
def test_the_end_of_the_command_is_the_end_of_the_meter(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, script: str, code: int
) -> None:
    process = start("--out", "run", "--", "sh", "-c", script)
    out, _ = process.communicate(timeout=120)
    assert (process.returncode, out) == (code, "")
    document = record(tmp_path / "run")
    assert (document["kind"], document["status"]) == ("meter", "finished")
    assert document["details"]["exit_code"] == (code if code >= 0 else 128 - code)


@pytest.mark.parametrize(
    ("word", "code"), [("no-such-program", 127), ("/etc/hostname", 126)], ids=["missing", "no program"]
)
def test_a_command_that_cannot_start_leaves_nothing(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, word: str, code: int
) -> None:
    process = start("--out", "run", "--", word, "-x")
    _, said = process.communicate(timeout=120)
    assert process.returncode == code
    assert said.startswith(f"sslbench: {word}: ")
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_streams_and_arguments_are_the_command_s(start: Callable[..., subprocess.Popen[str]]) -> None:
    """Bytes go through; options behind the command are not the meter's."""
    code = (
        "import sys; sys.stdout.write(sys.stdin.read().upper() + repr(sys.argv[1:])); sys.stderr.write('to stderr\\n')"
    )
    process = start("--quiet", "--out", "run", PYTHON, "-c", code, "--name", "x y", "--", "--json", "")
    out, said = process.communicate("some text\n", timeout=120)
    assert out == "SOME TEXT\n['--name', 'x y', '--', '--json', '']"
    assert said == "to stderr\n"


WAITING = "import os, signal\nsignal.signal(signal.{0}, lambda *_: (os.write(1, b'{0}\\n'), os._exit(5)))\nprint('ready', flush=True)\nwhile True: signal.pause()"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT"])
def test_a_signal_to_the_meter_is_one_to_the_command(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path, name: str
) -> None:
    process = start("--out", "run", "--", PYTHON, "-c", WAITING.format(name))
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.Signals[name])
    out, said = process.communicate(timeout=120)
    assert out == f"{name}\n", said
    assert process.returncode == 5
    assert record(tmp_path / "run")["status"] == "finished"


def test_a_key_of_the_terminal_reaches_the_command_once(clean_environment: dict[str, str], tmp_path: Path) -> None:
    """Ctrl-C goes to the whole foreground group, so the meter must not pass it on a second time."""
    code = (
        "import signal, sys, time\nseen = []\nsignal.signal(signal.SIGINT, lambda *_: seen.append(1))\n"
        "print('tty', sys.stdin.isatty(), sys.stdout.isatty(), flush=True)\nend = time.monotonic() + 60\n"
        "while time.monotonic() < end and not seen: time.sleep(0.05)\ntime.sleep(0.5)\nprint('seen', len(seen), flush=True)"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execvpe(METER[0], [*METER, "--out", "run", "--", PYTHON, "-c", code], clean_environment)  # noqa: S606
    text = ""
    while "tty" not in text or not text.endswith("\n"):
        text += os.read(terminal, 1000).decode()
    os.write(terminal, b"\x03")
    while "seen" not in text:
        text += os.read(terminal, 1000).decode()
    while True:
        try:
            more = os.read(terminal, 1000)
        except OSError:
            break
        text += more.decode()
        if not more:
            break
    _, status = os.waitpid(pid, 0)
    assert "tty True True" in text
    assert "seen 1" in text
    assert os.waitstatus_to_exitcode(status) == 0
    assert record(tmp_path / "run")["details"]["exit_code"] == 0


def test_what_was_spent_is_in_the_record(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    """A second of work on 200 MB, in a grandchild."""
    work = "x = bytearray(200_000_000); import time; time.sleep(3)"
    process = start("--name", "ours", "--audio-hours", "2", "--grid-intensity", "100", "--pue", "1.5", "--out", "run", "--", "sh", "-c", f"{PYTHON} -c '{work}'; true")  # fmt: skip
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    document = record(tmp_path / "run")
    assert {row["model"] for row in document["measurements"]} == {"ours"}
    seconds, joules = value(document, "duration"), value(document, "energy", "machine")
    assert seconds >= 3
    assert value(document, "device_hours") == pytest.approx(seconds / 3600)
    assert value(document, "co2e", "machine") == pytest.approx(joules / 3.6e6 * 1.5 * 100)
    assert value(document, "energy_per_audio_hour", "machine") == pytest.approx(joules / 2)
    assert value(document, "audio_seconds_per_second") == pytest.approx(7200 / seconds)
    assert 200e6 < value(document, "peak_memory") < 2e9
    assert (tmp_path / "run" / "power.csv.gz").is_file()
    hours = next(row for row in document["measurements"] if row["metric"] == "audio_hours_seen")
    assert (hours["value"], hours["method"]) == (2, "stated")


def test_a_process_that_outlives_the_command_is_named(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = start(
        "--out",
        "run",
        "--",
        "sh",
        "-c",
        "sleep 60 >/dev/null 2>&1 & until grep -q sleep /proc/$!/comm; do :; done; exit 0",
    )
    _, said = process.communicate(timeout=120)
    (left,) = record(tmp_path / "run")["details"]["outlived"]
    assert left.startswith("sleep (")
    assert f"still running: {left}" in said
    os.kill(int(left.removeprefix("sleep (").rstrip(")")), signal.SIGKILL)


def test_a_killed_meter_has_its_record(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    process = start("--out", "run", "--", PYTHON, "-c", "print('ready', flush=True); import time; time.sleep(60)")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    while not (tmp_path / "run" / "run.json").is_file():
        time.sleep(0.02)
    left = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    for each in left:
        each.kill()
    process.communicate(timeout=120)
    found = read_run(tmp_path / "run")
    assert found.status == "unfinished"
    assert all(m.quantity.flaw for m in found.measurements if m.quantity.value is not None)


def test_a_running_process_is_joined(start: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    sleeper = subprocess.Popen([PYTHON, "-c", "import time; time.sleep(6)"])
    process = start("--pid", str(sleeper.pid), "--name", "joined", "--out", "run")
    sleeper.wait()
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    document = record(tmp_path / "run")
    assert document["details"]["ended"].startswith(f"process {sleeper.pid} ended")
    assert value(document, "peak_memory") > 1e6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give a command after --"),
        (("--pid", "1", "--", "true"), "give a command after --"),
        (("--pid", "999999999"), "no such process"),
        (("--interval", "0", "--", "true"), "more than 0"),
        (("--phase", "trainig", "--", "true"), "did you mean training"),
        (("--country", "FRA", "--grid-intensity", "3", "--", "true"), "not both"),
        (("--audio-hours", "-1", "--", "true"), "--audio-hours"),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_line(
    sslbench: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = sslbench("meter", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_block_of_code_leaves_the_same_record(tmp_path: Path) -> None:
    with metered("mine", out=str(tmp_path / "run"), grid_intensity=50.0) as run:
        with run.window("training"):
            run.audio(7200.0)
            time.sleep(0.3)
        with run.window("evaluation"):
            run.metric("wer", 0.05, ci95=(0.04, 0.06))
    found = read_run(run.path)
    assert (found.kind, found.status, found.settings.model) == ("meter", "finished", None)
    wer = found.find("wer", "evaluation")
    assert wer is not None
    assert (wer.value, wer.ci95, wer.method) == (0.05, (0.04, 0.06), "stated")
    seen = found.find("audio_hours_seen", "training")
    assert seen is not None
    assert seen.value == 2.0


def test_a_block_that_fails_has_its_record_and_its_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), metered("mine", out=str(tmp_path / "run")):
        _ = 1 / 0
    assert read_run(tmp_path / "run").details["ended"] == "ended by ZeroDivisionError"


def test_a_decorated_function_is_metered(tmp_path: Path) -> None:
    @metered("mine", out=str(tmp_path / "run"))
    def work() -> int:
        return 7

    assert work() == 7
    assert read_run(tmp_path / "run").status == "finished"


def test_unknown_phases_metrics_and_options_are_refused(tmp_path: Path) -> None:
    with metered("mine", out=str(tmp_path / "run")) as run:
        with pytest.raises(BadInputError, match="did you mean training"), run.window("trainin"):
            pass
        with pytest.raises(BadInputError, match="wer"):
            run.metric("werr", 0.1)
    with pytest.raises(BadInputError, match="audio_hours"), metered("mine", audio_hour=3):
        pass


def test_a_metered_command_stands_in_a_table(
    sslbench: Callable[..., subprocess.CompletedProcess[str]],
    start: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
) -> None:
    for name, seconds in (("one", "0.6"), ("two", "1.2")):
        process = start("--name", name, "--audio-hours", "3", "--country", "FRA", "--out", name, "--", "sleep", seconds)
        process.communicate(timeout=120)
    done = sslbench("table", "one", "two", "--baseline", "one", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = {row["Model"]: row for row in json.loads(done.stdout)["rows"]}
    seconds = [value(record(tmp_path / name), "duration") for name in ("one", "two")]
    assert rows["two"]["Pretraining"]["ratio"] == pytest.approx(seconds[1] / seconds[0])
    assert "CO2e" in rows["one"]
    compared = sslbench("compare", "one", "two", "--out", "compared", "--json", cwd=tmp_path)
    assert compared.returncode == 0, compared.stderr
    ratios = {each["metric"]: each["ratio"]["value"] for each in json.loads(compared.stdout)["details"]["ratios"]}
    assert ratios["audio_seconds_per_second"] == pytest.approx(seconds[0] / seconds[1])
    report = sslbench("report", "one", "two", "--out", "paper", cwd=tmp_path)
    assert report.returncode == 0, report.stderr
    assert "one" in (tmp_path / "paper" / "tables" / "efficiency.md").read_text()


@pytest.mark.cc
def test_a_gpu_is_metered_by_its_counter(
    sslbench: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, scripted_driver: Path
) -> None:
    """200 W for about two seconds, within the interval that the record states."""
    script = {"LD_LIBRARY_PATH": str(scripted_driver), "SCRIPT_POWER": "200", "SCRIPT_TICK": "0.05", "SCRIPT_T0": "0"}
    done = sslbench("meter", "--gpus", "0", "--out", "run", "--", "sleep", "2", cwd=tmp_path, env=script)
    assert done.returncode == 0, done.stderr
    found = read_run(tmp_path / "run")
    energy, seconds = found.find("energy", "training", "gpu"), found.find("duration", "training")
    assert energy is not None
    assert seconds is not None
    assert (energy.method, found.machine.gpus[0].name) == ("measured", "Scripted GPU")
    assert energy.ci95 is not None
    assert energy.ci95[0] <= 200 * (seconds.value or 0) <= energy.ci95[1]
    assert found.settings.device == "cuda"


HEAVY = ("numpy", "pandas", "codecarbon", "torch", "transformers", "lightning", "matplotlib")
"""What a meter on a machine that it knows does without: half a second and some hundred megabytes."""


def test_a_meter_is_light(
    start: Callable[..., subprocess.Popen[str]], clean_environment: dict[str, str], tmp_path: Path
) -> None:
    """From the second one on: the first asks CodeCarbon about the machine and keeps the answer."""
    own = {**clean_environment, "SSLBENCH_CACHE": str(tmp_path / "cache"), "PYTHONPROFILEIMPORTTIME": "1"}
    start("--out", "first", "--", "true", env=own).communicate(timeout=120)
    process = start("--out", "run", "--", "sh", "-c", "grep VmHWM /proc/$PPID/status", env=own)
    out, said = process.communicate(timeout=120)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in said.splitlines()}
    assert {"ssl_bench", "psutil"} <= loaded
    assert loaded.isdisjoint(HEAVY)
    assert value(record(tmp_path / "run"), "duration") > 0
    assert int(out.split()[1]) < 100_000, "kB, of the meter itself"


@pytest.mark.cc
def test_a_gpu_s_joules_are_within_their_interval(
    start: Callable[..., subprocess.Popen[str]],
    clean_environment: dict[str, str],
    scripted_driver: Path,
    tmp_path: Path,
) -> None:
    """Of a scripted GPU that draws 150 W all the time, whose counter is updated every 100 ms."""
    script = {"SCRIPT_POWER": "150", "SCRIPT_TICK": "0.1", "LD_LIBRARY_PATH": str(scripted_driver)}
    process = start("--out", "run", "--", "sleep", "2", env={**clean_environment, **script})
    process.communicate(timeout=120)
    found = read_run(tmp_path / "run")
    energy, seconds = found.find("energy", "training", "gpu"), found.find("duration", "training")
    assert energy is not None
    assert energy.ci95 is not None
    assert seconds is not None
    assert energy.method == "measured"
    assert energy.ci95[0] <= 150 * (seconds.value or 0) <= energy.ci95[1] < 1.2 * (energy.value or 0)


@pytest.mark.cc
def test_gpu_memory_of_the_command_is_the_headline(
    start: Callable[..., subprocess.Popen[str]],
    clean_environment: dict[str, str],
    scripted_driver: Path,
    tmp_path: Path,
) -> None:
    """By the real binding: the driver lists a child of the command with 3 GiB, and a neighbour with 8."""
    processes = tmp_path / "processes"
    script = f"sleep 2 & echo $! {3 << 30} > {processes}; echo 1 {8 << 30} >> {processes}; wait"
    own = {**clean_environment, "LD_LIBRARY_PATH": str(scripted_driver), "SCRIPT_PROCESSES": str(processes)}
    process = start("--out", "run", "--", "sh", "-c", script, env=own)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    document = record(tmp_path / "run")
    assert value(document, "peak_memory") == 3 << 30
    assert 0 < value(document, "peak_host_memory") < 1 << 30
    row = next(row for row in document["measurements"] if row["metric"] == "peak_memory")
    assert (row["method"], row["flaw"]) == ("measured", "of whole processes")


def test_of_the_tasks_of_a_node_the_first_meters(
    start: Callable[..., subprocess.Popen[str]], clean_environment: dict[str, str], tmp_path: Path
) -> None:
    """As `srun` starts them: on two nodes, two tasks each."""
    for node in ("0", "1"):
        for local in ("0", "1"):
            own = {**clean_environment, "SLURM_LOCALID": local, "SLURM_NODEID": node, "SLURM_JOB_NUM_NODES": "2"}
            process = start("--name", "job", "--out", "run", "--", "sh", "-c", "echo out; exit 3", env=own)
            out, said = process.communicate(timeout=120)
            assert (process.returncode, out) == (3, "out\n")
            assert bool(said) == (local == "0")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["node-1", "node-2"]
    names = {row["model"] for node in (1, 2) for row in record(tmp_path / "run" / f"node-{node}")["measurements"]}
    assert names == {"job (node 1 of 2)", "job (node 2 of 2)"}


def test_a_later_task_s_command_that_cannot_start_is_a_line(
    start: Callable[..., subprocess.Popen[str]], clean_environment: dict[str, str], tmp_path: Path
) -> None:
    process = start("--out", "run", "--", "no-such-program", env={**clean_environment, "SLURM_LOCALID": "1"})
    _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (127, "sslbench: no-such-program: No such file or directory\n")
    assert not (tmp_path / "run").exists()

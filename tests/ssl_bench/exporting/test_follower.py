"""A follower sends each thing once, in spite of a tracker that fails meanwhile; a run is never ended or held up by it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from ssl_bench.exporting import follower as module
from ssl_bench.exporting.figures import Moment
from ssl_bench.exporting.follow import AGAIN_S, Following
from ssl_bench.exporting.follower import Follower, TrackerError
from ssl_bench.exporting.tracked import tracked
from ssl_bench.sessions.run_folder import RunFolder
from ssl_bench.settings.exporting import Destination
from ssl_benchmarks.record.record import Record
from ssl_models.errors import BadInputError

Run = Callable[..., "subprocess.CompletedProcess[str]"]


class Scripted:
    """A tracker that keeps what it gets; it fails while `down`."""

    def __init__(self) -> None:
        self.place, self.down, self.opened = "here", False, 0
        self.steps: list[int] = []
        self.names: list[str] = []
        self.closed: list[str] = []

    def log(self, moments: Sequence[Moment]) -> None:
        if self.down:
            raise ConnectionRefusedError(111, "Connection refused")
        of_curve = [moment for moment in moments if moment.figures[0].name.startswith("training/")]
        self.steps += [moment.step for moment in of_curve]
        self.names += [figure.name for moment in moments if moment not in of_curve for figure in moment.figures]

    def close(self, record: Record, folder: Path) -> None:
        self.closed.append(record.status)


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    found = Scripted()

    def opened(destination: Destination, record: Record, folder: Path) -> Scripted:
        if found.down:
            raise ConnectionRefusedError(111, "Connection refused")
        found.opened += 1
        return found

    monkeypatch.setattr(module, "opened", opened)
    return found


@pytest.fixture
def follower(run: Path, tracker: Scripted) -> Follower:
    return Follower(Destination("tensorboard"), run)


def add(run: Path, step: int) -> None:
    line = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    RunFolder(run).add_metrics({**line, "first_step": step - 4, "step": step})


def test_each_line_and_each_row_is_sent_once(run: Path, follower: Follower, tracker: Scripted) -> None:
    follower.look()
    rows = len(follower.record.measurements) if follower.record else 0
    assert (tracker.steps, len(tracker.names)) == ([5, 10, 15, 20], rows)
    follower.look()
    add(run, 25)
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 30, "lo')  # half a line
    follower.look()
    assert (tracker.steps, len(tracker.names)) == ([5, 10, 15, 20, 25], rows)


def test_of_a_later_record_only_what_changed_is_sent(run: Path, follower: Follower, tracker: Scripted) -> None:
    follower.look()
    folder = RunFolder(run)
    record = folder.read()
    first, *rest = record.measurements
    folder.write(replace(record, measurements=(replace(first, quantity=first.quantity.scaled(2.0, "1")), *rest)))
    tracker.names.clear()
    follower.look()
    assert tracker.names == ["efficient-tiny/inference/parameters"]


def test_what_could_not_be_sent_is_sent_later(run: Path, follower: Follower, tracker: Scripted) -> None:
    tracker.down = True
    for _ in range(2):
        with pytest.raises(TrackerError, match=r"^tensorboard: Connection refused$"):
            follower.look()
    tracker.down = False
    follower.look()
    tracker.down = True
    add(run, 25)
    with pytest.raises(TrackerError):
        follower.look()
    tracker.down = False
    add(run, 30)
    follower.close()
    assert (tracker.opened, tracker.steps, tracker.closed) == (1, [5, 10, 15, 20, 25, 30], ["finished"])


def test_steps_that_a_resumed_run_rewrote_are_those_that_led_to_the_model(
    run: Path, follower: Follower, tracker: Scripted
) -> None:
    add(run, 15)
    add(run, 20)
    follower.close()
    assert tracker.steps == [5, 10, 15, 20]


def test_a_folder_without_a_record_is_waited_for(tmp_path: Path, tracker: Scripted) -> None:
    follower = Follower(Destination("tensorboard"), tmp_path)
    follower.look()
    follower.close()
    assert (tracker.opened, follower.place) == (0, "")


def test_a_broken_record_is_bad_input(run: Path, follower: Follower) -> None:
    (run / "run.json").write_text("{")
    with pytest.raises(BadInputError, match="not valid JSON"):
        follower.look()


def test_trouble_is_said_once_and_tried_again_after_a_while(
    follower: Follower, tracker: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    now = [0.0]
    monkeypatch.setattr("ssl_bench.exporting.follow.time.monotonic", lambda: now[0])
    following = Following(follower, said.append)
    tracker.down = True
    for seconds in (0.0, 1.0, AGAIN_S + 1, 3 * AGAIN_S):
        now[0] = seconds
        following.look()
    assert len(said) == 1
    assert "Connection refused; the run goes on" in said[0]
    tracker.down = False
    now[0] += 1.0
    following.look()
    assert tracker.steps == [], "not before a while has passed"
    now[0] += AGAIN_S
    following.look()
    assert (following.trouble, tracker.steps, said[1:]) == ("", [5, 10, 15, 20], ["tracked: here"])


def followers() -> list[psutil.Process]:
    """The processes that follow a folder for this one, which may have other children."""
    return [each for each in psutil.Process().children() if "ssl_bench.exporting.follow" in each.cmdline()]


def test_a_process_follows_a_folder_and_ends_with_the_block(run: Path) -> None:
    with tracked("tensorboard", run):
        add(run, 25)
        (child,) = followers()
        assert os.getpgid(child.pid) != os.getpgid(0), "no signal of the terminal reaches it"
    assert not psutil.pid_exists(child.pid)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(run / "tensorboard"), size_guidance={"tensors": 0}).Reload()
    assert [each.step for each in found.Tensors("training/loss")] == [5, 10, 15, 20, 25]
    assert found.Tensors("measurements")


def test_a_killed_follower_ends_nothing(run: Path) -> None:
    with tracked("tensorboard", run):
        (child,) = followers()
        child.kill()
        add(run, 25)
    assert not psutil.pid_exists(child.pid)


def test_a_follower_that_cannot_be_started_is_one_line(
    run: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ssl_bench.exporting.tracked.sys.executable", "/nowhere/python")
    with tracked("tensorboard", run):
        pass
    said = "sslbench: --track tensorboard: cannot be started (No such file or directory); the run goes on\n"
    assert capfd.readouterr().err == said


def test_nothing_is_started_without_a_tracker(run: Path) -> None:
    with tracked(None, run):
        assert followers() == []


@pytest.mark.slow
def test_a_training_goes_on_without_its_server(tmp_path: Path, sslbench: Run, speech: Path, small_toml: Path) -> None:
    """Port 1 refuses connections: one warning, one line at the end that says how to send it later, and a whole run."""
    uri = "mlflow:http://localhost:1"
    done = sslbench(
        "train-and-measure", "--config", small_toml, "--data", speech, "--steps", 20, "--no-evaluate", "--out", "run",
        "--track", uri, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("sslbench:")]
    assert len(lines) == 2, done.stderr
    assert "Connection refused; the run goes on" in lines[0]
    assert lines[1].endswith("to send what is missing: sslbench export run --to mlflow --uri http://localhost:1")
    record = RunFolder(tmp_path / "run").read()
    assert (record.status, record.config["track"]) == ("finished", uri)
    assert len(RunFolder(tmp_path / "run").metrics()) == 4


@pytest.mark.slow
def test_an_interrupted_training_is_tracked_to_its_end(
    tmp_path: Path,
    start_sslbench: Callable[..., subprocess.Popen[str]],
    wait_for: Callable[..., None],
    speech: Path,
    small_toml: Path,
) -> None:
    process = start_sslbench(
        "train-and-measure",
        "--config",
        small_toml,
        "--data",
        speech,
        "--out",
        "run",
        "--track",
        "tensorboard:logs",
        cwd=tmp_path,
    )
    wait_for(lambda: len(RunFolder(tmp_path / "run").metrics()) > 3, process)
    process.terminate()
    assert process.wait(60) == 1
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(tmp_path / "logs" / "run"), size_guidance={"tensors": 0}).Reload()
    steps = [each.step for each in found.Tensors("training/loss")]
    assert steps == [line["step"] for line in RunFolder(tmp_path / "run").metrics()]
    with suppress(psutil.Error):
        assert not [p for p in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(p.info["cmdline"] or [])]

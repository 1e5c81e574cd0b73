"""What sacct reports comes in as Slurm accounts for it; the files are the output of a real Slurm (files/README.md)."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ssl_bench.importing.recorded import Recorded
from ssl_bench.importing.run import import_runs
from ssl_bench.importing.sacct import read_job
from ssl_bench.settings.importing import ImportConfig
from ssl_benchmarks.record.flaws import STOPPED, WHOLE, WHOLE_NODES
from ssl_models.errors import BadInputError

FILES = Path(__file__).with_name("files")


def job(number: str, file: str) -> Recorded:
    (found,) = read_job(number, FILES / f"sacct-{file}.txt")
    return found


def test_a_job_has_its_time_its_gpus_and_the_memory_of_its_largest_task() -> None:
    found = job("1", "no-plugin")
    assert (found.name, found.seconds.value, found.seconds.method) == ("wav2vec2", 4.0, "measured")
    assert found.gpus == ("GPU not recorded",) * 2
    assert found.device == "2 x GPU not recorded on 1 node"
    assert found.figures["device_hours", None].value == pytest.approx(8 / 3600)
    memory = found.others["peak_host_memory", None]
    assert (memory.value, memory.method, memory.flaw) == (307_800 * 1024, "sampled", WHOLE)
    assert job("2", "cpu").others["peak_memory", None].value == 10_800 * 1024
    assert (found.created, found.flaw) == ("2026-11-29T06:16:25", "")


@pytest.mark.parametrize("file", ["no-plugin", "cpu"], ids=["blank", "zero"])
def test_no_energy_is_unavailable_and_not_zero(file: str) -> None:
    found = job("1" if file == "no-plugin" else "2", file)
    assert found.energy["machine"].value is None
    assert "as where no plugin for energy is configured" in found.energy["machine"].note


def test_a_batch_script_has_the_energy_of_its_node() -> None:
    """A scripted node of 250 W for some 4.9 s: in the batch step, and blank in the job's own line."""
    energy = job("4", "batch").energy
    assert (energy["machine"].value, energy["machine"].method) == (1222.0, "sampled")
    assert energy["machine"].flaw == WHOLE_NODES
    assert "of its node, by a plugin of Slurm that it does not name" in energy["machine"].note
    assert energy["gpu"].value is None
    assert job("4", "batch").gpus == ("a100", "a100")


def test_steps_on_one_node_are_within_its_batch_script() -> None:
    """The job's line, 2,269 J, is the sum of its three steps; the batch script has what lies between them too."""
    assert job("5", "steps").energy["machine"].value == 2298.0


def test_a_job_without_a_batch_script_or_on_several_nodes_is_the_sum_of_its_steps(tmp_path: Path) -> None:
    assert job("6", "several").energy["machine"].value == 773.0
    wider = tmp_path / "wider.txt"  # the real output, with another number of nodes
    wider.write_text((FILES / "sacct-steps.txt").read_text().replace("node=1|1|", "node=4|4|"))
    (found,) = read_job("5", wider)
    assert found.energy["machine"].value == 2269.0
    assert "of the nodes of its steps" in found.energy["machine"].note
    wider.write_text(wider.read_text().replace("|2269|", "||"))
    assert read_job("5", wider)[0].energy["machine"].value == 748 + 756 + 765


def test_a_job_that_failed_or_goes_on_is_marked() -> None:
    assert (job("7", "several").flaw, job("7", "several").seconds.note) == (STOPPED, "imported from sacct; FAILED")
    assert (job("14", "running").flaw, job("14", "running").seconds.value) == (STOPPED, 5.0)
    assert job("7", "several").device == "1 CPUs on 1 node"


def test_the_tasks_of_an_array_are_runs(tmp_path: Path) -> None:
    config = ImportConfig(tool="sacct", source="8", saved=str(FILES / "sacct-array.txt"), out=str(tmp_path / "run"))
    _, record = import_runs(config, "sslbench import")
    assert {m.model for m in record.measurements} == {"arr 8_0", "arr 8_1"}
    assert job("8_1", "array").energy["machine"].value == 508.0


def test_the_headline_is_the_energy_of_the_node(tmp_path: Path) -> None:
    """Slurm does not say what the GPUs alone took."""
    config = ImportConfig(tool="sacct", source="4", saved=str(FILES / "sacct-batch.txt"), out=str(tmp_path / "run"))
    _, record = import_runs(config, "sslbench import")
    assert record.settings.device == "cpu"
    assert record.details["file"] == "sacct-batch.txt"
    energy = record.find("energy", "training", "machine")
    assert energy is not None
    assert energy.flaw == WHOLE_NODES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not parsable output of sacct with JobID"),
        ('{"jobs": []}', "make it by: sacct --parsable2 --format JobID,"),
        ("JobID|State\n1|COMPLETED\n", "with ElapsedRaw"),
        (None, "no job 9"),
        ("1|COMPLETED\n", "line 2: fewer cells than columns"),
        ("1|COMPLETED|x|now||1||||name\n", "ElapsedRaw 'x' is not a number"),
        ("1|PENDING|0|now||1|||name\n", "job 1 has not run .PENDING."),
        ("1|COMPLETED|3|now||1|nan||name\n", "ConsumedEnergyRaw nan is not a finite"),
        ("1|COMPLETED|3|now||1||12Q|name\n", "MaxRSS '12Q' is not a number"),
    ],
    ids=["empty", "JSON", "columns", "another job", "cut", "text", "pending", "nan", "size"],
)
def test_other_output_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "saved.txt"
    real = (FILES / "sacct-batch.txt").read_text()
    head = real.partition("\n")[0] + "\n"
    path.write_text(real if text is None else head + text if text.startswith("1|") else text)
    with pytest.raises(BadInputError, match=said):
        read_job("9" if text is None else "1", path)


def test_a_name_may_hold_the_separator(tmp_path: Path) -> None:
    path = tmp_path / "saved.txt"
    path.write_text((FILES / "sacct-batch.txt").read_text().replace("|hubert", "|hu|bert"))
    assert read_job("4", path)[0].name == "hu|bert"


def test_jobs_are_numbers_and_sacct_may_be_missing_or_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInputError, match=r"'\$\(id\)' is no job"):
        read_job("$(id)", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInputError, match=r"no sacct here; where there is: sacct .* 7 > 7.txt, then --file 7.txt"):
        read_job("7", None)
    stand_in = tmp_path / "sacct"
    stand_in.write_text("#!/bin/sh\necho 'sacct: error: no cluster' >&2\nexit 1\n")
    stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(BadInputError, match="sacct: sacct: error: no cluster"):
        read_job("7", None)


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.slurm
def test_a_job_of_a_real_slurm_comes_in(
    slurm: dict[str, str], sslbench: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """As in the saved files: a job with two GPUs, without a plugin for energy."""
    script = "python3 -c 'import time; x = bytearray(100_000_000); time.sleep(2)'"
    asked = ["sbatch", "--wait", "--job-name", "real", "--gres", "gpu:2", "--output", "/dev/null", "--wrap", script]
    said = subprocess.run(asked, env=slurm, check=True, capture_output=True, text=True, timeout=120).stdout
    number = said.split()[-1]
    done = sslbench("import", "sacct", number, "--audio-hours", "1", "--out", "run", cwd=tmp_path, env=slurm)
    assert done.returncode == 0, done.stderr
    assert "imported: 1 run of sacct" in done.stdout
    assert "as where no plugin for energy is configured" in done.stdout
    unknown = sslbench("import", "sacct", "4711", cwd=tmp_path, env=slurm)
    assert (unknown.returncode, unknown.stderr) == (2, "sslbench: sacct: no job 4711\n")

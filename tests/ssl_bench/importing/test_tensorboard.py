"""TensorBoard's own reader finds what torch's writer wrote; powers are integrated only where the user names them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from torch.utils.tensorboard import SummaryWriter

from ssl_bench.importing.recorded import Recorded
from ssl_bench.importing.tensorboard import read_events
from ssl_bench.settings.importing import Naming, mapped
from ssl_benchmarks.record.flaws import PARTLY_SAMPLED
from ssl_models.errors import BadInputError

BEGAN = 1_700_000_000.0


def written(folder: Path, *, gap: float = 0.0, last: float = 0.42) -> Path:
    """Eleven steps of 10 s at 200 W on one GPU and 100 W on another, a pause of `gap` s after the fifth."""
    with SummaryWriter(str(folder)) as writer:
        for step in range(11):
            moment = BEGAN + 10 * step + (gap if step > 5 else 0.0)
            writer.add_scalar("loss", 1 / (step + 1), step, moment)
            writer.add_scalar("gpu/0", 200.0, step, moment)
            writer.add_scalar("gpu/1", 0.1, step, moment)
            writer.add_scalar("eval/wer", last if step == 10 else 0.9, step, moment)
    return folder


def read(folder: Path, *texts: str) -> list[Recorded]:
    return read_events(folder, Naming(mapped(texts, ("power",)), "stated"))


def test_wall_times_are_the_duration_and_nothing_else_is_guessed(tmp_path: Path) -> None:
    (found,) = read(written(tmp_path / "tiny"))
    assert (found.name, found.created) == ("tiny", "2023-11-14T22:13:20+00:00")
    assert (found.seconds.value, found.seconds.method) == (pytest.approx(100.0), "measured")
    assert found.energy["gpu"].note == "imported from TensorBoard: name a scalar of power or energy by --map"
    assert found.figures["device_hours", None].value is None
    assert found.others == {}
    assert found.remarks == ("not imported without --map: eval/wer, gpu/0, gpu/1, loss",)
    assert found.hardware == ()


def test_named_powers_are_integrated_and_named_values_are_the_last(tmp_path: Path) -> None:
    (found,) = read(written(tmp_path), "power.gpu=gpu/0", "power.gpu=gpu/1:kW", "wer=eval/wer")
    gpu, wer = found.energy["gpu"], found.others["wer", None]
    assert (gpu.value, gpu.method, gpu.flaw) == (pytest.approx(30_000.0), "sampled", "")
    assert "11 samples of each of 2 devices, 10 s apart" in gpu.note
    assert (wer.value, wer.method) == (pytest.approx(0.42), "stated")
    assert wer.note == "imported from TensorBoard: the last value logged as eval/wer"
    assert found.hardware == ("GPU not recorded",)


def test_a_pause_adds_nothing_and_is_marked(tmp_path: Path) -> None:
    (found,) = read(written(tmp_path, gap=500.0), "power.gpu=gpu/0")
    assert found.energy["gpu"].value == pytest.approx(200 * 100.0)
    assert found.energy["gpu"].flaw == PARTLY_SAMPLED
    assert found.seconds.value == pytest.approx(600.0)


def test_folders_below_are_runs_and_several_files_of_one_are_one_run(tmp_path: Path) -> None:
    for name in ("a", "b/c", "b/c"):
        written(tmp_path / name)
    found = read(tmp_path)
    assert [each.name for each in found] == ["a", "b/c"]
    assert [each.seconds.note.endswith("with the pauses between its files") for each in found] == [False, True]


def test_a_value_that_is_no_number_or_a_name_that_was_not_logged_is_refused(tmp_path: Path) -> None:
    written(tmp_path, last=float("nan"))
    with pytest.raises(BadInputError, match="eval/wer: a value must be finite"):
        read(tmp_path, "wer=eval/wer")
    with pytest.raises(BadInputError, match="unknown logged figure 'eval/werr'; did you mean eval/wer"):
        read(tmp_path, "wer=eval/werr")


def test_an_energy_that_the_user_names_takes_its_scope(tmp_path: Path) -> None:
    (found,) = read(written(tmp_path), "energy=gpu/1:kWh")
    assert found.energy["machine"].value == pytest.approx(0.36e6, rel=1e-6)
    assert found.energy["gpu"].value is None


def test_broken_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such folder"):
        read(tmp_path / "gone")
    with pytest.raises(BadInputError, match="holds no event file"):
        read(tmp_path)
    (tmp_path / "events.out.tfevents.1.x").write_bytes(b"")
    with pytest.raises(BadInputError, match="holds no scalars"):
        read(tmp_path)
    (tmp_path / "events.out.tfevents.1.x").write_bytes(b"\xff" * 400)
    with pytest.raises(BadInputError, match="holds no scalars"):
        read(tmp_path)


def test_events_after_a_torn_one_are_not_read(tmp_path: Path) -> None:
    """As after a full disk: the reader stops there, and what came before stays."""
    (path,) = written(tmp_path).iterdir()
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    (found,) = read(tmp_path)
    assert 30.0 <= (found.seconds.value or 0) <= 60.0


def test_tensorflow_is_not_needed(tmp_path: Path) -> None:
    written(tmp_path)
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from pathlib import Path\n"
        "from ssl_bench.importing.tensorboard import read_events\n"
        "from ssl_bench.settings.importing import Naming\n"
        f"print(read_events(Path({str(tmp_path)!r}), Naming((), 'stated'))[0].seconds.value)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, "100.0"), done.stderr

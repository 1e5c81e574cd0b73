"""What `ssl_bench` gives to Python: each name works, whatever else was imported, and costs nothing before it is used."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module, resources
from pathlib import Path

import pytest

import ssl_bench
from ssl_benchmarks.record.quantity import Quantity
from ssl_models.errors import BadInputError


def test_every_public_name_is_there() -> None:
    assert sorted(ssl_bench.__all__) == ssl_bench.__all__ == dir(ssl_bench)
    assert all(getattr(ssl_bench, name) is not None for name in ssl_bench.__all__)


@pytest.mark.parametrize("package", ["ssl_bench", "ssl_reports", "ssl_benchmarks", "ssl_models"])
def test_type_checkers_may_read_our_hints(package: str) -> None:
    assert resources.files(package).joinpath("py.typed").is_file()


def test_commands_are_functions_and_settings_are_checked_by_them() -> None:
    """The modules behind them have names of their own, so that no import of one hides a function."""
    for command in ("compare", "measure"):
        import_module(f"ssl_bench.commands.{command}")
    from ssl_bench import CompareConfig, MeasureConfig, compare, measure

    with pytest.raises(BadInputError, match="did you mean efficient-tiny"):
        compare(CompareConfig(models=("efficient-tinny",)))
    with pytest.raises(BadInputError, match="--duration"):
        measure(MeasureConfig("efficient-tiny", duration=-1.0))


def test_nothing_heavy_is_imported_before_it_is_used(clean_environment: dict[str, str], tmp_path: Path) -> None:
    script = "import sys; from ssl_bench import CompareConfig, MeasureConfig; CompareConfig(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-P", "-c", script], cwd=tmp_path, env=clean_environment, check=True)


@pytest.mark.slow
def test_a_model_is_measured_and_compared_from_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Progress goes to stderr, and the record is the one on disk."""
    from ssl_bench import CompareConfig, MeasureConfig, compare, measure

    run, record = compare(
        CompareConfig(
            models=("efficient-tiny",), phases=("inference",), clip_seconds=1.0, device="cpu", minutes=0.01, idle=False,
            out=str(tmp_path / "compared"),
        )
    )  # fmt: skip
    alone, other = measure(
        MeasureConfig(
            "efficient-tiny", clip_seconds=1.0, duration=0.3, repeats=1, device="cpu", idle=False,
            out=str(tmp_path / "measured"),
        )
    )  # fmt: skip
    for folder, found in ((run, record), (alone, other)):
        speed = found.find("audio_seconds_per_second", "inference")
        assert isinstance(speed, Quantity)
        assert (speed.value or 0) > 1
        assert folder.read().measurements == found.measurements
    assert (record.command, other.command) == ("ssl_bench.compare", "ssl_bench.measure")
    said = capsys.readouterr()
    assert said.out == ""
    assert "round 1, cell 1 of 1" in said.err

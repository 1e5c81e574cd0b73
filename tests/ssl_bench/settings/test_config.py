"""Settings: a file over the defaults, the command line over the file, and every mistake in one line."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_bench.settings.documents import read_toml
from ssl_bench.settings.training import TrainAndMeasureConfig, clip_shape
from ssl_models.efficient.config import EFFICIENT
from ssl_models.errors import BadInputError


def read(path: Path) -> dict[str, Any]:
    return read_toml(path, TrainAndMeasureConfig)


def toml(folder: Path, content: str) -> Path:
    path = folder / "x.toml"
    path.write_text(content, encoding="utf-8")
    return path


def test_a_file_may_write_keys_as_the_options_are_written(tmp_path: Path) -> None:
    settings = read(
        toml(tmp_path, 'batch-seconds = 60\nclip_seconds = 4.5\neval-data = "x"\ncompile = true\nsteps = 7\n')
    )
    assert settings == {"batch_seconds": 60, "clip_seconds": 4.5, "eval_data": "x", "compile": True, "steps": 7}


def test_tables_are_put_over_the_named_models_own_settings(tmp_path: Path) -> None:
    settings = read(
        toml(
            tmp_path,
            'model = "efficient-small"\n[encoder]\nblocks = 3\n[objective]\nclusters = 9\nmasked-share = 0.4\n'
            "[optimisation]\nbetas = [0.8, 0.9]\nclip = 2\n",
        )
    )
    config = TrainAndMeasureConfig(**settings).model_config()
    small = EFFICIENT["efficient-small"]
    assert (config.encoder.blocks, config.encoder.width) == (3, small.encoder.width)
    assert (config.objective.clusters, config.objective.span_frames) == (9, small.objective.span_frames)
    assert (config.optimisation.betas, config.optimisation.clip) == ((0.8, 0.9), 2)
    assert config.objective.masked_share == 0.4
    assert config.optimisation.warmup == small.optimisation.warmup


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("minuts = 3\n", r"x\.toml: unknown setting 'minuts'; did you mean .*minutes"),
        ("steps = 1.5\n", r"x\.toml: steps = 1\.5 is not of type int"),
        ("steps = true\n", r"steps = True is not of type int"),
        ("pue = true\n", r"pue = True is not of type float"),
        ('minutes = "3"\n', r"minutes = '3' is not of type float"),
        ("evaluate = 1\n", r"evaluate = 1 is not of type bool"),
        ("encoder = 3\n", r"encoder = 3 is not of type"),
        ('device = "tpu"\n', r"device = 'tpu' is not of type .*cuda"),
        ("steps = \n", r"x\.toml: not readable as TOML \(Invalid value"),
        ("[encoder\n", r"x\.toml: not readable as TOML"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message) as caught:
        read(toml(tmp_path, content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_of_a_windows_editor_is_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "x.toml").write_bytes("seed = 3\r\n[encoder]\r\nwidth = 32\r\n".encode(encoding))
    assert read(tmp_path / "x.toml") == {"seed": 3, "encoder": {"width": 32}}


def test_a_file_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    for name, reason in {
        "gone.toml": "No such file or directory",
        ".": "Is a directory",
        "binary.toml": "neither UTF-8 nor UTF-16 text",
    }.items():
        with pytest.raises(BadInputError, match=f"not readable as TOML .*{reason}"):
            read(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[encoder]\nwidht = 3\n", r"\[encoder\]: unknown setting 'widht'; did you mean width"),
        ("[encoder]\nwidht = 3\n", r"^\[encoder\]: unknown"),
        ("[encoder]\nwidth = 33\n", r"\[encoder\]: width 33 must split into 3 heads of even width"),
        ("[encoder]\nheads = 0\n", r"\[encoder\]: .*heads"),
        ("[encoder]\nblocks = 0\n", r"\[encoder\]: .*blocks"),
        ("[encoder]\nhidden = -4\n", r"\[encoder\]: .*hidden"),
        ("[objective]\nclusters = 0\n", r"\[objective\]: .*clusters"),
        ("[objective]\nspan_frames = 0\n", r"\[objective\]: .*span_frames"),
        ("[objective]\nmasked_share = 1.5\n", r"\[objective\]: .*masked_share"),
        ("[objective]\nfit_hours = -1\n", r"\[objective\]: .*fit_hours"),
        ("[optimisation]\nbetas = [0.9]\n", r"\[optimisation\]: betas = \[0\.9\] is not of type"),
        ("[optimisation]\nbetas = [0.9, 1.5]\n", r"\[optimisation\]: .*betas"),
        ("[optimisation]\nclip = 0\n", r"\[optimisation\]: .*clip"),
        ("[optimisation]\npeak_learning_rate = -1\n", r"\[optimisation\]: .*peak_learning_rate"),
        ("[optimisation]\nwarmup = 1\n", r"\[optimisation\]: .*warmup"),
        ('[optimisation]\nclip = "1"\n', r"\[optimisation\]: clip = '1' is not of type float"),
        ("seed = -1\n", r"--seed -1"),
        ("pue = 0.5\n", r"PUE|--pue"),
        ("pue = nan\n", r"PUE|--pue"),
        ("minutes = 0\n", r"--minutes 0: must be more than 0"),
        ("minutes = nan\n", r"--minutes nan: must be more than 0"),
        ("audio-hours = inf\n", r"--audio-hours inf: must be more than 0"),
        ("kwh = -1\n", r"--kwh -1: must be more than 0"),
        ("steps = 0\n", r"--steps 0: must be more than 0"),
        ("batch-seconds = 0\n", r"--batch-seconds 0: must be more than 0"),
        ("clip-seconds = 0.1\n", r"clip_seconds 0\.1: must be at least 0\.32"),
        ('device = "cuda"\n', r"--device cuda: torch finds no CUDA GPU"),
        ('country = "FRA"\ngrid-intensity = 5\n', r"--country or --grid-intensity, not both"),
        ('model = "efficient-tiney"\n', r"unknown model 'efficient-tiney'; did you mean efficient-tiny"),
        ('model = "xyz"\n', r"unknown model 'xyz'; known: efficient-tiny, "),
    ],
)
def test_a_value_that_cannot_be_is_one_line_before_anything_is_done(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message) as caught:
        TrainAndMeasureConfig(**read(toml(tmp_path, content))).resolved(cuda=False)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "gpu"}, "give --device cuda"),
        ({"device": "cuda:0"}, "CUDA_VISIBLE_DEVICES"),
        ({"device": "tpu"}, r"unknown --device 'tpu'"),
        ({"precision": "fp16"}, "float16 is not offered"),
        ({"precision": "float23"}, "float32"),
    ],
)
def test_choices_are_offered(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        TrainAndMeasureConfig(**settings).check()
    TrainAndMeasureConfig(device="cpu").check()


def test_defaults_on_a_cpu_and_on_a_gpu() -> None:
    cpu, gpu = (TrainAndMeasureConfig().resolved(cuda=cuda) for cuda in (False, True))
    assert (cpu.model, cpu.device, cpu.precision, cpu.minutes, cpu.compile) == (
        "efficient-tiny", "cpu", "float32", 2.0, False,
    )  # fmt: skip
    assert (gpu.model, gpu.device, gpu.precision, gpu.minutes, gpu.compile) == (
        "efficient-small", "cuda", "bfloat16", 30.0, True,
    )  # fmt: skip
    assert cpu.batch_seconds == pytest.approx(30.72)
    assert gpu.batch_seconds == pytest.approx(491, rel=0.03)


def test_what_is_given_stays() -> None:
    given = TrainAndMeasureConfig(device="cpu", precision="bfloat16", steps=3, compile=True, batch_seconds=30.0)
    config = given.resolved(cuda=True)
    assert (config.model, config.device, config.precision) == ("efficient-tiny", "cpu", "bfloat16")
    assert (config.minutes, config.steps) == (None, 3), "any limit replaces the default one"
    assert (config.compile, config.batch_seconds) == (True, 30.0)
    assert config.resolved(cuda=True) == config, "once is enough"


def test_a_config_comes_back_from_the_record() -> None:
    """A resumed run builds its settings from JSON."""
    config = TrainAndMeasureConfig(encoder={"blocks": 2}, kwh=0.5).resolved(cuda=False)
    assert TrainAndMeasureConfig(**json.loads(json.dumps(asdict(config)))) == config


@given(st.floats(0.32, 60), st.floats(0.01, 2_000))
def test_batches_are_whole_frames_and_about_as_long_as_asked(clip: float, batch: float) -> None:
    config = TrainAndMeasureConfig(clip_seconds=clip, batch_seconds=batch).resolved(cuda=False)
    clips, samples = clip_shape(config)
    assert clips >= 1
    assert samples % 640 == 0
    assert samples >= 8 * 640
    assert abs(samples - min(clip, max(batch, 0.32)) * 16_000) <= 320
    if clips > 1:
        assert abs(clips * samples - batch * 16_000) <= samples / 2 + 1


def test_the_default_batch_is_two_clips_of_a_quarter_minute() -> None:
    """30.72 s = 2 x 15.36 s, and 15.36 s = 384 frames of 40 ms."""
    assert clip_shape(TrainAndMeasureConfig().resolved(cuda=False)) == (2, 384 * 640)

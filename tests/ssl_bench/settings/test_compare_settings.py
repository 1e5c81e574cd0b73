"""The settings of `sslbench compare`, and what it refuses in one line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ssl_bench.settings.comparing import (
    ON_CPU,
    ON_GPU,
    CompareConfig,
    chosen_weights,
    parse_phases,
    parse_share,
)
from ssl_bench.settings.options import parse_names
from ssl_models.errors import BadInputError


@pytest.mark.parametrize(("text", "share"), [("2%", 0.02), ("0.5 %", 0.005), ("0.02", 0.02), (" 10% ", 0.1)])
def test_shares(text: str, share: float) -> None:
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["2", "0", "100%", "-1%", "nan", "two", "2%x", ""])
def test_no_shares(text: str) -> None:
    with pytest.raises(BadInputError, match="--precision-target"):
        parse_share(text)


def test_names_and_phases() -> None:
    assert parse_names(" a, b,,c ") == ("a", "b", "c")
    assert parse_names(None) == ()
    assert parse_phases("training,inference") == ("inference", "training")
    with pytest.raises(BadInputError, match="unknown phase 'train'"):
        parse_phases("train")
    with pytest.raises(BadInputError, match="--phases"):
        parse_phases(",")


def test_weights_of_all_models_or_of_some() -> None:
    """One place is of every catalogue model; names go to theirs alone, and a run or a model of one's own takes none."""
    models = ("hubert-base", "essl", "mine.py:build", "./run")
    assert chosen_weights(None, models) == {}
    assert chosen_weights("/a,b/hubert", models) == {"hubert-base": "/a,b/hubert", "essl": "/a,b/hubert"}
    assert chosen_weights("essl=/x=1, hubert-base=o/h", models) == {"essl": "/x=1", "hubert-base": "o/h"}
    with pytest.raises(BadInputError, match="unknown --pretrained 'hubert'"):
        chosen_weights("hubert=/x", models)
    with pytest.raises(BadInputError, match="only catalogue models take published weights"):
        chosen_weights("./run=/x", models)


def test_the_device_decides_what_is_left_open() -> None:
    cpu = CompareConfig().resolved(cuda=False)
    assert (cpu.models, cpu.clip_seconds, cpu.batch_seconds, cpu.baseline) == (ON_CPU, 5.0, 5.0, ON_CPU[0])
    gpu = CompareConfig().resolved(cuda=True)
    assert (gpu.models, gpu.clip_seconds, gpu.batch_seconds, gpu.precision) == (ON_GPU, 15.0, 240.0, "bfloat16")
    assert gpu.shape == (15.0, 16)
    assert CompareConfig(clip_seconds=7.0).resolved(cuda=False).batch_seconds == 7.0


@pytest.mark.parametrize("cuda", [False, True])
def test_a_window_is_as_long_as_its_device_needs(*, cuda: bool) -> None:
    """A GPU's window holds a hundred ticks of 100 ms; the kernel's account of a CPU's neighbours needs half a second."""
    protocol = CompareConfig().resolved(cuda=cuda).protocol
    assert protocol.duration == (10.0 if cuda else 0.6)
    assert protocol.repeats == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--models", "efficient-tinny,essl"), "did you mean efficient-tiny"),
        (("--models", "essl,essl"), "a model is given twice"),
        (("--models", "essl", "--baseline", "hubert"), "--baseline"),
        (("--models", "essl", "--pretrained", "hubert-base=x"), "unknown --pretrained 'hubert-base'"),
        (("--precision-target", "2"), "such as 2% or 0.02"),
        (("--minutes", "-1"), "--minutes -1"),
        (("--price-per-gpu-hour", "-2"), "--price-per-gpu-hour"),
        (("--clip-seconds", "0.01"), "--clip-seconds"),
        (("--device", "tpu"), "unknown --device 'tpu'"),
        (("--pue", "0.5"), "--pue"),
        (("--mark-differences",), "--mark-differences"),
        (("--allow-mixed",), "--mark-differences"),
        (("somewhere", "--models", "essl"), "not both"),
        (("somewhere",), "no such file; a run folder contains a run.json"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    sslbench: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = sslbench("compare", *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert words in line
    assert list(tmp_path.iterdir()) == []

"""The settings of `measure` become cells, and bad ones are one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ssl_bench.sessions.run_folder import folder_name
from ssl_bench.settings.measuring import MeasureConfig, Shape, parse_sweep
from ssl_models.errors import BadInputError

TINY = MeasureConfig("efficient-tiny")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("clip-seconds=1,2,5", ("clip-seconds", (1.0, 2.0, 5.0))),
        ("clip_seconds= 1, 0.5", ("clip-seconds", (1.0, 0.5))),
        ("batch-seconds=240", ("batch-seconds", (240.0,))),
    ],
)
def test_a_sweep_is_a_key_and_its_values(text: str, wanted: tuple[str, tuple[float, ...]]) -> None:
    assert parse_sweep(text) == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("clip-seconds", "KEY=V1,V2"),
        ("clip-secs=1", "did you mean clip-seconds"),
        ("precision=1", "known: clip-seconds, batch-seconds"),
        ("clip-seconds=", "not a list of numbers"),
        ("clip-seconds=1,two", "not a list of numbers"),
        ("clip-seconds=1,0", "more than 0"),
        ("clip-seconds=1,inf", "more than 0"),
        ("clip-seconds=nan", "more than 0"),
        ("clip-seconds=1,1.0", "twice"),
    ],
)
def test_a_sweep_that_is_none_is_one_line(text: str, words: str) -> None:
    with pytest.raises(BadInputError, match=words) as caught:
        parse_sweep(text)
    assert "\n" not in str(caught.value)


def test_defaults_of_a_cpu_and_of_a_gpu() -> None:
    cpu, gpu = TINY.resolved(cuda=False), TINY.resolved(cuda=True)
    assert (cpu.device, cpu.precision, cpu.repeats, cpu.duration) == ("cpu", "float32", 5, 5.0)
    assert cpu.shapes == [Shape(15.0, 1, "clip-seconds=15")], "one clip a batch"
    assert (gpu.device, gpu.precision, gpu.repeats) == ("cuda", "bfloat16", 5)
    assert gpu.shapes == [Shape(15.0, 16, "clip-seconds=15")], "240 s of audio"
    given = replace(TINY, repeats=2, precision="bfloat16", batch_seconds=31.0).resolved(cuda=False)
    assert (given.repeats, given.precision, given.shapes[0].clips) == (2, "bfloat16", 2)
    with pytest.raises(BadInputError, match="no CUDA GPU"):
        replace(TINY, device="cuda").resolved(cuda=False)


def test_cells_of_a_sweep() -> None:
    """On a CPU a batch is one clip whatever its length; on a GPU 240 s are cut into clips; a batch holds a clip at least."""
    sweep = replace(TINY, sweep=("clip-seconds", (1.0, 30.0)))
    assert [(s.clip_seconds, s.clips) for s in sweep.resolved(cuda=False).shapes] == [(1.0, 1), (30.0, 1)]
    assert [(s.clip_seconds, s.clips) for s in sweep.resolved(cuda=True).shapes] == [(1.0, 240), (30.0, 8)]
    batches = replace(TINY, sweep=("batch-seconds", (5.0, 60.0)))
    assert batches.resolved(cuda=False).shapes == [
        Shape(15.0, 1, "batch-seconds=5"),
        Shape(15.0, 4, "batch-seconds=60"),
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pue": 0.9}, "--pue 0.9"),
        ({"pue": float("nan")}, "--pue nan"),
        ({"seed": -1}, "--seed -1"),
        ({"repeats": 0}, "--repeats 0"),
        ({"duration": 0.0}, "--duration 0"),
        ({"duration": float("inf")}, "--duration inf"),
        ({"batch_seconds": 0.0}, "--batch-seconds 0"),
        ({"clip_seconds": 0.1}, "--clip-seconds 0.1"),
        ({"sweep": ("clip-seconds", (1.0, 9999.0))}, "--clip-seconds 9999"),
        ({"country": "FRA", "grid_intensity": 50.0}, "not both"),
        ({"data": "./nowhere"}, "no such folder"),
        ({"model": "efficient-tinny"}, "did you mean efficient-tiny"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_torch_is_needed(changes: dict[str, object], words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        replace(TINY, **changes).check()  # type: ignore[arg-type]


def test_settings_that_can_be_are_not(tmp_path: Path) -> None:
    replace(TINY, data=str(tmp_path), country="FRA", sweep=("clip-seconds", (0.32, 3600.0))).check()
    (tmp_path / "mine.py").write_text("")
    replace(TINY, model=f"{tmp_path}/mine.py:make").check()


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("efficient-tiny", "efficient-tiny-measure"),
        ("runs/ten/", "ten-measure"),
        ("hf:/a/b/hubert-base-ls960", "hubert-base-ls960-measure"),
        ("lab/net.py:make", "net-py-make-measure"),
        ("..", "model-measure"),
    ],
)
def test_a_run_is_named_after_its_model(model: str, name: str) -> None:
    assert folder_name(model, "measure") == name

"""The systems of an evaluation: models, their own architectures with random weights, log-mel."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ssl_bench.evaluating.subject import System
from ssl_bench.evaluating.systems import LOG_MEL, systems_of
from ssl_models.catalog import load_model, named
from ssl_models.efficient.config import EFFICIENT, EfficientConfig, EncoderConfig
from ssl_models.families import family_of
from ssl_models.loading.checkpoints import save_pretraining

MakeRun = Callable[..., str]


def narrow(width: int) -> EfficientConfig:
    """Settings of efficient-tiny, except its encoder."""
    return replace(EFFICIENT["efficient-tiny"], encoder=EncoderConfig(width, 1, 2, 64))


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """A run's folder with a checkpoint of random weights and a record that names its seed."""

    def make(folder: str, seed: int, *, width: int = 32, steps: int = 9) -> str:
        config = narrow(width)
        path = tmp_path / folder / "checkpoints" / "step-000000009"
        path.mkdir(parents=True)
        torch.manual_seed(100 + seed)
        save_pretraining(family_of(config).pretraining(config), "efficient-tiny", config, path)
        record = {
            "schema": "sslbench.run/1", "id": folder, "created": "", "status": "finished", "command": "",
            "config": {"seed": seed, "steps": steps, "out": folder, "encoder": {"width": width}},
            "environment": {}, "measurements": [], "artifacts": {}, "details": {},
        }  # fmt: skip
        (tmp_path / folder / "run.json").write_text(json.dumps(record))
        return str(tmp_path / folder)

    return make


def shown(systems: list[System]) -> list[tuple[str, int, str]]:
    return [(s.name, s.seed, s.control) for s in systems]


def weights(module: Any) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])


TINY, RANDOM = "efficient-tiny", "efficient-tiny (untrained)"
OURS, WIDE = (named(TINY, narrow(width)) for width in (32, 64))
"""What the runs are called: no model of the catalogue."""
TWIN = f"{OURS} (untrained)"


def test_a_catalog_name_is_random_weights_and_log_mel_only() -> None:
    """Each seed draws new weights; the same seed gives the same."""
    systems = systems_of([TINY], [4, 5], None)
    assert shown(systems) == [(RANDOM, 4, ""), (RANDOM, 5, ""), (LOG_MEL, 4, ""), (LOG_MEL, 5, "")]
    state = torch.random.get_rng_state()
    first, again, other = (weights(systems[i].build()) for i in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(state, torch.random.get_rng_state())
    assert not systems[0].build().training


def test_a_model_twice_is_one() -> None:
    assert shown(systems_of([TINY, TINY], [0], None)) == [(RANDOM, 0, ""), (LOG_MEL, 0, "")]


def test_published_weights_make_a_catalog_name_a_trained_system() -> None:
    systems = systems_of(["hubert-base"], [0], "/somewhere")
    assert shown(systems)[0] == ("hubert-base", 0, "hubert-base (untrained)")


def test_runs_that_differ_in_their_seed_alone_make_one_row(make_run: MakeRun) -> None:
    """Each is evaluated once, with its own seed and weights, however many seeds are asked of the others."""
    runs = [make_run("a", 3), make_run("b", 7)]
    systems = systems_of([*runs, TINY], [0, 1], None)
    assert shown(systems) == [
        (OURS, 3, TWIN), (OURS, 7, TWIN),
        (TWIN, 3, ""), (TWIN, 7, ""), (RANDOM, 0, ""), (RANDOM, 1, ""),
        (LOG_MEL, 3, ""), (LOG_MEL, 7, ""), (LOG_MEL, 0, ""), (LOG_MEL, 1, ""),
    ]  # fmt: skip
    for run, system in zip(runs, systems, strict=False):
        assert torch.equal(weights(system.build()), weights(load_model(run)))


def test_one_run_and_several_seeds_is_several_heads_on_it(make_run: MakeRun) -> None:
    """From its own seed on."""
    systems = systems_of([make_run("a", 3)], [10, 11, 12], None)
    assert [s[:2] for s in shown(systems)] == [
        (name, seed) for name in (OURS, TWIN, LOG_MEL) for seed in (3, 4, 5)
    ]  # fmt: skip


def test_runs_of_other_settings_have_rows_of_their_own(make_run: MakeRun) -> None:
    """Longer training shares the untrained twin, another width has its own, of its own size."""
    systems = systems_of([make_run("a", 3), make_run("long", 3, steps=99), make_run("wide", 3, width=64)], [0], None)
    assert shown(systems)[:5] == [
        (OURS, 3, TWIN), (f"{OURS} (long)", 3, TWIN), (WIDE, 3, f"{WIDE} (untrained)"),
        (TWIN, 3, ""), (f"{WIDE} (untrained)", 3, ""),
    ]  # fmt: skip
    for trained, twin in ((0, 3), (1, 3), (2, 4)):
        assert len(weights(systems[trained].build())) == len(weights(systems[twin].build()))
        assert not torch.equal(weights(systems[trained].build()), weights(systems[twin].build()))


def test_two_runs_of_one_seed_are_told_apart(make_run: MakeRun) -> None:
    systems = systems_of([make_run("a", 3), make_run("b", 3)], [0], None)
    assert shown(systems)[:3] == [(OURS, 3, TWIN), (f"{OURS} (b)", 3, TWIN), (TWIN, 3, "")]


def test_folders_of_one_name_are_told_apart_by_those_that_hold_them(make_run: MakeRun) -> None:
    runs = [make_run("one/run", 3), make_run("two/run", 3, steps=99), make_run("three/run", 3, width=64)]
    trained = [name for name, _, control in shown(systems_of(runs, [0], None)) if control]
    assert trained == [OURS, f"{OURS} (two/run)", WIDE]


def test_a_function_of_the_users_brings_its_own_control(tmp_path: Path) -> None:
    name = f"{tmp_path}/mine.py:build"
    assert shown(systems_of([name], [2], None)) == [(name, 2, ""), (LOG_MEL, 2, "")]


def test_a_transformers_folder_has_its_architecture_with_random_weights() -> None:
    assert shown(systems_of(["hf:somewhere"], [2], None)) == [
        ("hf:somewhere", 2, "hf:somewhere (untrained)"), ("hf:somewhere (untrained)", 2, ""), (LOG_MEL, 2, ""),
    ]  # fmt: skip

"""The systems of an evaluation: each model, its own architecture with random weights, and log-mel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ssl_bench.evaluating.subject import System
from ssl_benchmarks.downstream.features import LogMelControl
from ssl_benchmarks.record.record import Record, read_record
from ssl_benchmarks.record.run_names import told_apart
from ssl_models.catalog import described, is_foreign, is_run, load_model
from ssl_models.errors import BadInputError

LOG_MEL = "log-mel"


def untrained(name: str) -> str:
    """The name in rows of a model with random weights."""
    return f"{name} (untrained)"


def systems_of(models: Sequence[str], seeds: Sequence[int], pretrained: str | None) -> list[System]:
    """All systems of an evaluation, the controls last.

    Runs that share a row are its seeds: each is evaluated once, with the seed it was trained with.

    Raises:
        BadInputError: for a run that cannot be read.
    """
    trained: list[System] = []
    controls: dict[tuple[str, int], System] = {}
    names = named(models)
    twins, rows = _twins(names), Counter(names.values())
    for model, name in names.items():
        own, twin = _own_seed(model), twins[model]
        shape = partial(load_model, model, weights=False)
        for seed in seeds if own is None else [own] if rows[name] > 1 else [own + seed - seeds[0] for seed in seeds]:
            if is_run(model) or is_foreign(model) or pretrained is not None:
                trained.append(System(name, seed, partial(load_model, model, pretrained=pretrained), shape, twin))
            if twin:
                controls.setdefault(
                    (twin, seed), System(twin, seed, partial(_seeded, model, seed), shape, is_control=True)
                )
    drawn = dict.fromkeys(system.seed for system in (*trained, *controls.values()))
    log_mel = [System(LOG_MEL, seed, LogMelControl, LogMelControl, is_control=True) for seed in drawn]
    return [*trained, *controls.values(), *log_mel]


OWN = frozenset({"seed", "out", "strict", "idle", "evaluate", "inference", "checkpoint_minutes"})
"""Settings in which runs of one model may differ and still share a row."""


def named(models: Sequence[str]) -> dict[str, str]:
    """Each model's name in rows: runs that differ only in their seed share a name, others have their folder added."""
    names: dict[str, str] = {}
    kinds: dict[str, object] = {}
    seeds: set[tuple[str, int | None]] = set()
    folders = folder_names(models)
    for model in dict.fromkeys(models):
        name, kind, seed = shown_name(model), _kind(model), _own_seed(model)
        if kinds.setdefault(name, kind) != kind or (name, seed) in seeds:
            name = f"{name} ({folders[model]})"
        seeds.add((name, seed))
        names[model] = name
    return names


def folder_names(models: Sequence[str]) -> dict[str, str]:
    """A distinct name for the folder of each run."""
    folders = [Path(model).resolve() for model in dict.fromkeys(models)]
    return dict(zip(dict.fromkeys(models), told_apart([folder.name for folder in folders], folders), strict=True))


def names_side_by_side(models: Sequence[str]) -> dict[str, str]:
    """Each model's name where none share a row: a run is named after its model, with its folder in brackets."""
    folders = folder_names([model for model in models if is_run(model)])
    return {model: f"{_model_of(model)} ({folders[model]})" if model in folders else model for model in models}


def _model_of(run: str) -> str:
    """The catalogue name of a run's model; "run" where it holds no model."""
    try:
        return described(run)[0]
    except BadInputError:
        return "run"


def _kind(model: str) -> object:
    """What runs of one row have in common; a model that is not a run shares with none."""
    record = record_of(model)
    return model if record is None else {key: value for key, value in record.config.items() if key not in OWN}


def shown_name(model: str) -> str:
    """The name in rows: the catalogue name of a run's model, else the name given."""
    return described(model)[0] if is_run(model) else model


def record_of(model: str) -> Record | None:
    """The record of a run; None for anything else, and for a checkpoint without one.

    Raises:
        BadInputError: for a record that cannot be read.
    """
    path = Path(model) / "run.json"
    return read_record(path) if is_run(model) and path.is_file() else None


def _own_seed(model: str) -> int | None:
    """The seed of a run, from its record; None for anything else."""
    record = record_of(model)
    return None if record is None else record.settings.seed


def _twins(names: Mapping[str, str]) -> dict[str, str]:
    """Names of the models' architectures with random weights; empty for a user's function, which brings its own weights."""
    found: dict[str, str] = {}
    shapes: dict[str, object] = {}
    for model, name in names.items():
        shown, shape = shown_name(model), None if is_foreign(model) else described(model)[1].encoder
        found[model] = untrained(shown if shapes.setdefault(shown, shape) == shape else name)
        if is_foreign(model) and not model.startswith("hf:"):
            found[model] = ""
    return found


def _seeded(model: str, seed: int) -> Any:  # noqa: ANN401 - a module that is an Encoder
    """The model with random weights determined by the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return load_model(model, weights=False)

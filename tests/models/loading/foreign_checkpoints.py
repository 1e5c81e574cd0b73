"""Checkpoints in the layouts of other tools, written by torch with the objects that those tools put into them.

None of these tools can be installed beside this torch, and no published weights are at hand without a network: the weights
are random ones of a small HuBERT, under the names, keys and classes that the tools use (fairseq's `save_state`, s3prl's
`convert.py` and its pretraining, torchaudio's published state dictionaries). argparse and omegaconf are the real ones;
fairseq's `Dictionary` is a stand-in of the same name.
"""

from __future__ import annotations

import sys
import types
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from torch import Tensor

Weights = dict[str, Tensor]


class Dictionary:
    """Has the name and the attributes of fairseq's class of units."""

    def __init__(self) -> None:
        self.symbols, self.count = ["<s>", "<pad>", "0", "1"], [1, 1, 5, 7]
        self.indices = {symbol: number for number, symbol in enumerate(self.symbols)}


Dictionary.__module__ = "fairseq.data.dictionary"


@contextmanager
def fairseq_importable() -> Iterator[None]:
    """With modules of fairseq's names that hold the stand-in, as pickling a class looks it up."""
    modules = {name: types.ModuleType(name) for name in ("fairseq", "fairseq.data", "fairseq.data.dictionary")}
    vars(modules["fairseq.data.dictionary"])["Dictionary"] = Dictionary
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]


def optimiser_state(weights: Weights) -> dict[str, Any]:
    """Of Adam, as fairseq keeps it for continuing."""
    state = {
        n: {"step": 5, "exp_avg": torch.zeros_like(w), "exp_avg_sq": w.square()} for n, w in enumerate(weights.values())
    }
    return {"state": state, "param_groups": [{"lr": 5e-4, "betas": (0.9, 0.98), "params": list(state)}]}


def heads(weights: Weights) -> Weights:
    """The encoder with the parts that HuBERT's pretraining adds."""
    return {
        **weights,
        "label_embs_concat": torch.ones(4, 8),
        "final_proj.weight": torch.ones(8, 16),
        "final_proj.bias": torch.ones(8),
    }


def fairseq_namespace(path: Path, weights: Weights, *, normalise: bool, older: bool = False) -> None:
    """As fairseq wrote it in 2020: settings as argparse left them; `older` is torch's format before 1.6."""
    arguments = Namespace(arch="hubert", task="audio_pretraining", normalize=normalise, encoder_layers=2, lr=[5e-4])
    history = [
        {
            "criterion_name": "HubertCriterion",
            "optimizer_name": "FairseqAdam",
            "lr_scheduler_state": {"best": 2.5},
            "num_updates": 5,
        }
    ]
    document = {
        "args": arguments, "model": heads(weights), "optimizer_history": history,
        "extra_state": {"train_iterator": {"epoch": 3}, "val_loss": 2.5}, "last_optimizer_state": optimiser_state(weights),
    }  # fmt: skip
    torch.save(document, path, _use_new_zipfile_serialization=not older)


def fairseq_omegaconf(path: Path, weights: Weights, *, normalise: bool) -> None:
    """As fairseq has written it since 2021: settings of omegaconf, and the units of the task."""
    settings = OmegaConf.create({
        "_name": None, "common": {"seed": 1, "fp16": True},
        "task": {"_name": "hubert_pretraining", "normalize": normalise, "labels": ["km"], "label_rate": 100.0},
        "model": {"_name": "hubert", "encoder_layers": 2, "conv_feature_layers": "[(8,10,5)] + [(8,3,2)]", "label_rate": "${task.label_rate}"},
    })  # fmt: skip
    document = {
        "args": None, "cfg": settings, "model": heads(weights), "criterion": None, "optimizer_history": [], "extra_state": {},
        "task_state": {"dictionaries": [Dictionary()]}, "last_optimizer_state": optimiser_state(weights),
    }  # fmt: skip
    with fairseq_importable():
        torch.save(document, path)


def s3prl_converted(path: Path, weights: Weights, *, normalise: bool) -> None:
    """As s3prl rewrites fairseq's, with plain settings."""
    document = {
        "task_cfg": {"_name": "hubert_pretraining", "normalize": normalise}, "model_cfg": {"_name": "hubert", "encoder_layers": 2},
        "model_weight": heads(weights), "dictionaries_symbols": [["<s>", "0", "1"]],
    }  # fmt: skip
    torch.save(document, path)


def s3prl_pretraining(path: Path, weights: Weights) -> None:
    """As s3prl writes it while it distils: its arguments, its settings and the optimiser beside the model."""
    arguments = Namespace(upstream="distiller", upstream_config="config.yaml", device="cuda", seed=1337)
    document = {
        "Optimizer": optimiser_state(weights), "Step": 5, "Args": arguments, "Config": {"distiller": {"encoder_layers": 2}},
        "Distiller": weights | {"output_layer.0.weight": torch.ones(4, 16)},
    }  # fmt: skip
    torch.save(document, path)


def torchaudio_state(path: Path, weights: Weights) -> None:
    """As torchaudio publishes it: the state dictionary alone."""
    torch.save(weights, path)

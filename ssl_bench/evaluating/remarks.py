"""Remarks that a reader of rates needs: untrained weights, and test speakers that were heard in pretraining."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ssl_bench.evaluating.systems import LOG_MEL, named, record_of
from ssl_benchmarks.record.details.common import SAMPLE, Details
from ssl_benchmarks.record.details.training import TrainingDetails
from ssl_models.baselines.data2vec.config import Data2VecConfig
from ssl_models.baselines.wav2vec2.config import Wav2Vec2FamilyConfig
from ssl_models.catalog import CATALOG

if TYPE_CHECKING:
    from ssl_bench.evaluating.speech import EvaluationSpeech
    from ssl_bench.evaluating.subject import System
    from ssl_benchmarks.record.record import Record

RANDOM = "random weights: nothing was trained"
OF_LIBRISPEECH = (
    "the sample is a part of LibriSpeech train-clean-100; weights pretrained on that have heard its test speakers"
)


def remarked(
    systems: Sequence[System], models: Sequence[str], pretrained: str | None, speech: EvaluationSpeech
) -> tuple[list[System], list[str]]:
    """The systems, each with its remark, and a line for each model that has one."""
    lines = [untrained_line(model) for model in dict.fromkeys(models) if model in CATALOG and pretrained is None]
    names = named(models)
    empty = [model for model in names if _is_empty(model)]
    lines += [f"{model} has settings but no weights: random weights are rated" for model in empty]
    if speech.tested_on == SAMPLE:
        published = [m for m in names if m not in empty and (m.startswith("hf:") or (m in CATALOG and pretrained))]
        lines += [f"{model}: {OF_LIBRISPEECH}" for model in published]
    remarks: dict[tuple[str, int | None], str] = {}
    for model, name in names.items():
        record = record_of(model)
        if record is not None and (remark := heard(record, speech)):
            remarks[name, record.settings.seed] = remark
            lines.append(f"{model}: {remark}; give speech that it has not heard with --train and --test")
    beside, random = {system.control for system in systems}, {names[model] for model in empty}
    found = []
    for system in systems:
        bare = system.name in random or (system.is_control and system.name not in {*beside, LOG_MEL})
        remark = RANDOM if bare else "" if system.is_control else remarks.get((system.name, system.seed), "")
        found.append(replace(system, remark=remark))
    return found, lines


def _is_empty(model: str) -> bool:
    """Whether a model is a local transformers folder with settings only."""
    folder = Path(model.removeprefix("hf:"))
    if not model.startswith("hf:") or not folder.is_dir():
        return False
    from ssl_models.parts.transformers_encoder import holds_weights

    return not holds_weights(folder)


def untrained_line(model: str) -> str:
    """Say that a catalogue model has no weights, and how to get some."""
    config = CATALOG[model]
    ways = [f"train it first (sslbench train-and-measure --model {model})"] if config.objective is not None else []
    if isinstance(config, Wav2Vec2FamilyConfig | Data2VecConfig):
        ways.append("give published ones with --pretrained")
    return f"{model} has no trained weights: random weights are rated; {', or '.join(ways)}"


def heard(record: Record, speech: EvaluationSpeech) -> str:
    """Remark on how many test speakers a run was pretrained on; empty if none."""
    details = record.told(Details)
    if not isinstance(details, TrainingDetails) or not details.data.folder or not speech.parts:
        return ""
    # As it was written, for a folder's name need not be text.
    spared, root = set(details.held_out.speakers), Path(record.details["data"]["folder"]).resolve()
    chapters = _chapters(root, {(u.speaker or "", u.session) for u in speech.test_utterances})
    known = {
        u.speaker
        for u in speech.test_utterances
        if u.path.resolve().is_relative_to(root) or (u.speaker, u.session) in chapters
    }
    tested = {u.speaker for u in speech.test_utterances}
    return f"{len(known - spared)} of {len(tested)} test speakers were heard in pretraining" if known - spared else ""


def _chapters(root: Path, wanted: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of LibriSpeech's chapters, by speaker and number, that another folder holds too, itself or in a part of it.

    The sample is such a copy of a part of LibriSpeech.
    """
    with suppress(OSError):
        parts = [root, *(path for path in root.iterdir() if path.is_dir())]
        return {
            (speaker, session)
            for speaker, session in wanted
            if speaker and session and any((part / speaker / session).is_dir() for part in parts)
        }
    return set()

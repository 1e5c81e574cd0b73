"""A profile as rows of the long table, and as a document with what no row can hold."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import torch

from benchmarks.flops import FlopCount
from benchmarks.profile import OPINION_SECONDS, PhaseCount, Profile
from benchmarks.quantity import Quantity, unavailable
from benchmarks.record import Conditions, Measurement

COUNTED = "matrix products and convolutions, 1 MAC = 2 FLOPs"


def profile_rows(profile: Profile) -> list[Measurement]:
    """Every figure of a profile; what is missing stands with its reason."""
    held = Conditions(attention=profile.attention, torch=torch.__version__)
    rows = [*_size_rows(profile, held)]
    for counted in profile.counts:
        rows += _count_rows(profile, counted, held)
    for phase, reason in profile.missing.items():
        rows.append(Measurement(profile.model, "flops", unavailable("FLOP", reason), phase, None, held))
    if profile.superb is not None:
        note = "sum over SUPERB's 32 utterances of LibriSpeech test-clean, one at a time"
        macs = Quantity(float(profile.superb), "MAC", "analytic", n=32, note=note)
        rows.append(Measurement(profile.model, "superb_macs", macs, "inference", None, held))
    return rows + _memory_rows(profile, held)


def _size_rows(profile: Profile, held: Conditions) -> list[Measurement]:
    sizes = profile.parameters
    note = f"encoder, {sizes['trainable']} of them trainable"
    rows = [Measurement(profile.model, "parameters", _exact(sizes["encoder"], "1", note), "inference", None, held)]
    if "pretraining" in sizes:
        whole = _exact(sizes["pretraining"], "1", "all that training holds, head and teacher included")
        rows.append(Measurement(profile.model, "parameters", whole, "training", None, held))
    return rows


def _exact(value: float, unit: str, note: str) -> Quantity:
    return Quantity(float(value), unit, "analytic", note=note)


def _count_rows(profile: Profile, counted: PhaseCount, held: Conditions) -> list[Measurement]:
    seconds, count = counted.seconds, counted.count
    note = COUNTED
    if counted.closed_form is not None:
        note += f"; closed form {counted.closed_form:.6g} MAC"
    if count.hardware_flops != count.flops:
        note += f"; {count.hardware_flops} FLOPs in hardware, with what gradient checkpointing computes twice"
    values = {
        "macs": (count.macs, "MAC"),
        "flops": (count.flops, "FLOP"),
        "macs_per_audio_second": (count.flops / 2 / seconds, "MAC/s"),
        "flops_per_audio_second": (count.flops / seconds, "FLOP/s"),
    }
    at = replace(held, clip_seconds=seconds)
    return [
        Measurement(profile.model, metric, _exact(value, unit, note), counted.phase, None, at)
        for metric, (value, unit) in values.items()
    ]


def _memory_rows(profile: Profile, held: Conditions) -> list[Measurement]:
    setting = profile.setting
    batch = setting.clips * setting.clip_seconds
    held = replace(
        held, device=setting.device, dtype=setting.precision, clip_seconds=setting.clip_seconds, batch_seconds=batch
    )
    rows = []
    for phase, forecast in profile.memory.items():
        parts = {
            "predicted_peak_memory": forecast.peak,
            "memory_weights": forecast.weights,
            "memory_gradients": forecast.gradients,
            "memory_optimizer": forecast.optimizer,
            "memory_activations": forecast.activations,
            "bytes_moved": forecast.bytes_moved,
        }
        rows += [Measurement(profile.model, metric, size, phase, None, held) for metric, size in parts.items() if size]
    for phase, reason in profile.missing.items():
        rows.append(Measurement(profile.model, "predicted_peak_memory", unavailable("B", reason), phase, None, held))
    return rows


def profile_document(profile: Profile) -> dict[str, Any]:
    """What `--json` prints beside the schema."""
    return {
        "model": profile.model,
        "setting": asdict(profile.setting),
        "parameters": profile.parameters,
        "closed_form": None if profile.form is None else profile.form.source,
        "counts": [_count_document(counted) for counted in profile.counts],
        "missing": profile.missing,
        "second_opinion": _opinion_document(profile),
        "measurements": [row.row() for row in profile_rows(profile)],
    }


def _count_document(counted: PhaseCount) -> dict[str, Any]:
    count: FlopCount = counted.count
    return {
        "phase": counted.phase,
        "seconds": counted.seconds,
        "macs": count.macs,
        "flops": count.flops,
        "hardware_flops": count.hardware_flops,
        "closed_form_macs": counted.closed_form,
        "apart": counted.apart,
        "flops_by_module": count.by_module(depth=4),
        "flops_by_operator": count.by_operator,
        "uncounted_calls": count.uncounted,
        "suspects": count.suspects,
    }


def _opinion_document(profile: Profile) -> dict[str, Any] | None:
    opinion = profile.opinion
    if opinion is None or isinstance(opinion, str):
        return None if opinion is None else {"unavailable": opinion}
    return {
        "by": "fvcore",
        "seconds": OPINION_SECONDS,
        "macs": opinion.macs,
        "our_macs": profile.opinion_macs,
        "of_which_norms": opinion.norms,
        "missed_calls": opinion.missed,
        "macs_by_module": {row.module: row.macs for row in opinion.modules},
    }

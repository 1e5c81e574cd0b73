"""A profile as rows of the long table, and as a document with whatever does not fit into rows."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import torch

from ssl_benchmarks.counting.counted import COUNTED, counted
from ssl_benchmarks.counting.flops import FlopCount
from ssl_benchmarks.profile.profile import OPINION_SECONDS, PhaseCount, Profile
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement


def profile_rows(profile: Profile) -> list[Measurement]:
    """Every figure of a profile; a missing one has its reason."""
    held = Conditions(attention=profile.attention, torch=torch.__version__)
    rows = [*_size_rows(profile, held)]
    for phase_count in profile.counts:
        rows += _count_rows(profile, phase_count, held)
    for phase, reason in profile.missing.items():
        rows.append(Measurement(profile.model, "flops", unavailable("FLOP", reason), phase, None, held))
    if profile.superb is not None:
        rows.append(
            Measurement(profile.model, "superb_macs", _superb(profile, profile.superb), "inference", None, held)
        )
    return rows + _memory_rows(profile, held)


def _superb(profile: Profile, macs: int) -> Quantity:
    """The sum over SUPERB's utterances; unavailable if the encoder's count is a lower bound."""
    if missed := next((c.count.missed for c in profile.counts if c.phase == "inference"), ""):
        return unavailable("MAC", f"lower bound: at least {macs:.6g} MAC, since {missed}")
    note = "sum over SUPERB's 32 utterances of LibriSpeech test-clean, one at a time"
    return Quantity(float(macs), "MAC", "analytic", n=32, note=note)


def _size_rows(profile: Profile, held: Conditions) -> list[Measurement]:
    sizes = profile.parameters
    note = f"encoder, {sizes['trainable']} of them trainable"
    note += f", {sizes['packed']} packed by quantised layers" if "packed" in sizes else ""
    rows = [Measurement(profile.model, "parameters", _exact(sizes["encoder"], "1", note), "inference", None, held)]
    if "pretraining" in sizes:
        whole = _exact(sizes["pretraining"], "1", "all parameters of training, including head and teacher")
        rows.append(Measurement(profile.model, "parameters", whole, "training", None, held))
    return rows


def _exact(value: float, unit: str, note: str) -> Quantity:
    return Quantity(float(value), unit, "analytic", note=note)


def _count_rows(profile: Profile, phase: PhaseCount, held: Conditions) -> list[Measurement]:
    seconds, count = phase.seconds, phase.count
    note = COUNTED
    if phase.closed_form is not None:
        note += f"; closed form {phase.closed_form:.6g} MAC"
    if count.hardware_flops != count.flops:
        note += f"; {count.hardware_flops} FLOPs in hardware, including what gradient checkpointing computes twice"
    at = replace(held, clip_seconds=seconds)
    return [
        Measurement(profile.model, metric, quantity, phase.phase, None, at)
        for metric, quantity in counted(count, seconds, note).items()
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
    for phase, reason in (profile.missing | profile.unpredicted).items():
        rows.append(Measurement(profile.model, "predicted_peak_memory", unavailable("B", reason), phase, None, held))
    return rows


def profile_document(profile: Profile) -> dict[str, Any]:
    """The document that `--json` prints besides the schema."""
    return {
        "model": profile.model,
        "setting": asdict(profile.setting),
        "parameters": profile.parameters,
        "closed_form": None if profile.form is None else profile.form.source,
        "counts": [_count_document(phase) for phase in profile.counts],
        "missing": profile.missing,
        "unpredicted": profile.unpredicted,
        "second_opinion": _opinion_document(profile),
        "measurements": [row.row() for row in profile_rows(profile)],
    }


def _count_document(phase: PhaseCount) -> dict[str, Any]:
    count: FlopCount = phase.count
    return {
        "phase": phase.phase,
        "seconds": phase.seconds,
        "macs": count.macs,
        "flops": count.flops,
        "hardware_flops": count.hardware_flops,
        "closed_form_macs": phase.closed_form,
        "apart": phase.apart,
        "flops_by_module": count.by_module(depth=4),
        "flops_by_operator": count.by_operator,
        "uncounted_calls": count.uncounted,
        "suspects": count.suspects,
        "lower_bound": bool(count.suspects),
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

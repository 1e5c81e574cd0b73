"""What counts and predicted memory say of a training step in the recipes, for claims that no GPU has decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from ssl_benchmarks.record.quantity import Quantity
from ssl_models.catalog import CATALOG, HEADLINE
from ssl_models.efficient.config import EFFICIENT

CLIPS, CLIP_SECONDS = 16, 15.36
"""The batch in the recipes that the claims are about, here as clips of equal length."""
ERROR = 0.05
"""How far a predicted peak may be off: those of four eager steps of HuBERT and WavLM, as transformers has them, were within
1.4 % of an H100's (docs/method/memory.md), but no step of our own models has been measured on a GPU."""
STEP = f"an eager (uncompiled) step in bfloat16 on a GPU, {CLIPS} clips of {CLIP_SECONDS:g} s"
SIZES = (HEADLINE, *(name for name in EFFICIENT if name != HEADLINE))
"""The efficient models, the headline first."""
BASELINE = "essl"
LARGE = ("wav2vec2-large", "hubert-large", "wavlm-large")
"""What the claims compare them with."""


@dataclass(frozen=True)
class Prediction:
    """A training step of a catalogue model with the recipes' batch.

    Attributes:
        parameters: of the encoder.
        flops: counted, per second of audio.
        peak: predicted memory in B, with its error.
    """

    parameters: int
    flops: Quantity
    peak: Quantity


Predictions = Mapping[str, Prediction]
NONE: Predictions = {}


def predictions(models: Iterable[str]) -> dict[str, Prediction]:
    """Predictions of the efficient models, and of those they are compared with that are among the `models` of some runs.

    Nothing is predicted for runs without any of the efficient models. Imports torch; takes a second per model.
    """
    known = set(models)
    if not known & set(SIZES):
        return {}
    return {model: predicted(model) for model in (*SIZES, *(other for other in (BASELINE, *LARGE) if other in known))}


@cache
def predicted(model: str) -> Prediction:
    """Count a training step of a catalogue model, and predict its peak memory."""
    from ssl_benchmarks.profile.profile import ProfileSetting, profile

    if model not in CATALOG:
        raise ValueError(f"{model} is not in the catalogue")
    batch = CLIPS * CLIP_SECONDS
    setting = ProfileSetting((CLIP_SECONDS,), CLIP_SECONDS, batch, "bfloat16", "cuda", opinion=False)
    found = profile(model, setting)
    counted, peak = found.at("training", CLIP_SECONDS), found.memory["training"].peak
    if counted is None or peak.value is None:
        raise ValueError(f"{model} has no training step")
    flops = Quantity(counted.count.flops / CLIP_SECONDS, "FLOP/s", "analytic", note="counted for these claims")
    ends = (peak.value * (1 - ERROR), peak.value * (1 + ERROR))
    note = f"predicted for {STEP}; taken to be within {100 * ERROR:g} %"
    return Prediction(found.parameters["encoder"], flops, Quantity(peak.value, "B", "modelled", ends, note=note))

"""The published recipe of each catalog model: the audio it was trained on, and the hardware and time that took."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How a model was pretrained by its authors; None where the publication does not say, or could not be consulted.

    Attributes:
        batch_hours: hours of audio per optimiser step.
        steps: optimiser steps, all iterations added up.
        learning_rate: peak learning rate.
        audio_hours: hours of audio seen in total, including repeats.
        device_hours: hours of the authors' GPUs, from their number and the reported time.
        hardware: those GPUs and that time.
        source: where these figures are from.
        published: whether the recipe was published; our own settings were not.
    """

    batch_hours: float | None
    steps: int | None
    learning_rate: float
    audio_hours: float | None
    device_hours: float | None
    hardware: str
    source: str
    published: bool = True


def _recipe(
    batch_hours: float,
    steps: int,
    rate: float,
    source: str,
    *,
    device_hours: float | None = None,
    on: str = "not reported",
) -> Recipe:
    return Recipe(batch_hours, steps, rate, batch_hours * steps, device_hours, on, source)


OURS = "our own settings; the audio hours are those of the baseline (essL's 15,000 steps of 1.2 h)"
WAV2VEC2 = "arXiv 2006.11477, section 4.2"
HUBERT = "arXiv 2106.07447, section IV"
DATA2VEC = "arXiv 2202.03555 and the authors' settings in fairseq"

RECIPES = {
    "efficient-tiny": Recipe(491.52 / 3600, None, 4e-3, 18_000.0, None, "not published", OURS, published=False),
    "efficient-small": Recipe(491.52 / 3600, None, 2e-3, 18_000.0, None, "not published", OURS, published=False),
    "efficient-base": Recipe(491.52 / 3600, None, 2e-3, 18_000.0, None, "not published", OURS, published=False),
    "essl": _recipe(1.2, 15_000, 3e-4, "settings published by the authors (Orange-OpenSource/essL)"),
    "wav2vec2-base": _recipe(1.6, 400_000, 5e-4, WAV2VEC2, device_hours=2_458.0, on="64 V100 x 1.6 d"),
    "wav2vec2-large": _recipe(
        2.7, 600_000, 3e-4, f"{WAV2VEC2}, on 60,000 h", device_hours=15_974.0, on="128 V100 x 5.2 d"
    ),
    # 87.5 s per GPU on 32 GPUs: 250,000 steps on MFCC units, then 400,000 on units of the sixth layer.
    "hubert-base": _recipe(
        32 * 87.5 / 3600, 650_000, 5e-4, HUBERT, device_hours=1_976.0, on="32 GPUs, 9.5 h for 100,000 steps"
    ),
    "hubert-large": _recipe(128 * 56.25 / 3600, 400_000, 1.5e-3, HUBERT, on="128 GPUs, time not reported"),
    "hubert-xlarge": _recipe(256 * 22.5 / 3600, 400_000, 3e-3, HUBERT, on="256 GPUs, time not reported"),
    "wavlm-base": Recipe(
        None, None, 5e-4, None, None, "unavailable", "arXiv 2110.13900; its batch size and steps could not be looked up"
    ),
    "wavlm-large": Recipe(
        None,
        None,
        1.5e-3,
        None,
        None,
        "unavailable",
        "arXiv 2110.13900; its batch size and steps could not be looked up",
    ),
    "data2vec-audio-base": _recipe(16 * 237.5 / 3600, 400_000, 5e-4, f"{DATA2VEC}, 3.8 M samples on each of 16 GPUs"),
    "data2vec-audio-large": Recipe(
        None, None, 5e-4, None, None, "not reported", f"{DATA2VEC}: only the size is given for large"
    ),
    "melhubert-base": _recipe(
        32 * 15 / 3600, 540_000, 1e-4, "arXiv 2211.09944 and its public settings, 200 epochs of 360 h"
    ),
    "best-rq-base": _recipe(2.0, 300_000, 8e-4, "SpeechBrain's recipe, arXiv 2405.04296"),
}

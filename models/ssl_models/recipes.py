"""The recipe of a pretraining: the audio a model was trained on, and the hardware and time that took."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

AGREE = 0.01
"""Largest difference, as a share, between stated hours and steps times batch, which publications round."""


@dataclass(frozen=True)
class Recipe:
    """How a model was pretrained; None where the source does not say, or could not be consulted.

    Attributes:
        batch_hours: hours of audio per optimiser step, over all devices.
        steps: optimiser steps, all iterations added up.
        learning_rate: peak learning rate.
        audio_hours: hours of audio seen in total, including repeats.
        device_hours: hours of the GPUs that were used, from their number and the reported time.
        hardware: those GPUs and that time.
        source: where these figures are from.
        origin: "published" by the model's authors, "ours" for settings of this tool, "stated" by the user.

    Raises:
        ValueError: for a number that is not positive, or no source.
    """

    batch_hours: float | None = None
    steps: int | None = None
    learning_rate: float | None = None
    audio_hours: float | None = None
    device_hours: float | None = None
    hardware: str = "not stated"
    source: str = ""
    origin: Literal["published", "ours", "stated"] = "published"

    def __post_init__(self) -> None:
        for name in ("batch_hours", "steps", "learning_rate", "audio_hours", "device_hours"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} {value:g}: must be more than 0")
        if not self.source.strip():
            raise ValueError("source: say where the figures are from")

    @property
    def cited(self) -> str:
        """The source, marked if the figures are only stated."""
        return f"stated by the user: {self.source}" if self.origin == "stated" else self.source

    def completed(self) -> Recipe:
        """With the audio hours that follow from steps and batch.

        Raises:
            ValueError: if the three contradict each other, or neither audio nor device hours are known.
        """
        if self.steps is None or self.batch_hours is None:
            if self.audio_hours is None and self.device_hours is None:
                raise ValueError("give audio_hours, or steps and batch_hours, or device_hours")
            return self
        seen = self.steps * self.batch_hours
        if self.audio_hours is not None and abs(seen / self.audio_hours - 1) > AGREE:
            raise ValueError(f"audio_hours {self.audio_hours:g}: steps x batch_hours is {seen:g}")
        return replace(self, audio_hours=self.audio_hours or seen)


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
WAV2VEC2 = "arXiv:2006.11477, section 4.2"
HUBERT = "arXiv:2106.07447, section IV"
DATA2VEC = "arXiv:2202.03555 and the authors' settings in fairseq"

RECIPES = {
    "efficient-tiny": Recipe(491.52 / 3600, None, 4e-3, 18_000.0, None, "not published", OURS, origin="ours"),
    "efficient-small": Recipe(491.52 / 3600, None, 2e-3, 18_000.0, None, "not published", OURS, origin="ours"),
    "efficient-base": Recipe(491.52 / 3600, None, 2e-3, 18_000.0, None, "not published", OURS, origin="ours"),
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
        None, None, 5e-4, None, None, "unavailable", "arXiv:2110.13900; its batch size and steps could not be looked up"
    ),
    "wavlm-large": Recipe(
        None,
        None,
        1.5e-3,
        None,
        None,
        "unavailable",
        "arXiv:2110.13900; its batch size and steps could not be looked up",
    ),
    "data2vec-audio-base": _recipe(16 * 237.5 / 3600, 400_000, 5e-4, f"{DATA2VEC}, 3.8 M samples on each of 16 GPUs"),
    "data2vec-audio-large": Recipe(
        None, None, 5e-4, None, None, "not reported", f"{DATA2VEC}: only the size is given for large"
    ),
    "melhubert-base": _recipe(
        32 * 15 / 3600, 540_000, 1e-4, "arXiv:2211.09944 and its public settings, 200 epochs of 360 h"
    ),
    "best-rq-base": _recipe(2.0, 300_000, 8e-4, "SpeechBrain's recipe, arXiv:2405.04296"),
}

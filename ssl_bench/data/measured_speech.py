"""Speech to measure on: a model's cost depends on the length of the audio, not on its content."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from ssl_bench.data.corpus import Utterance
    from ssl_bench.data.waveforms import Waveforms

SECONDS = 60.0
SAMPLE_RATE = 16_000


def speech_to_measure(data: str) -> tuple[NDArray[np.int16], str]:
    """About a minute of 16-bit samples `(n,)` of a folder or of the sample, and which of them it is.

    Raises:
        BadInputError: for a folder without speech.
    """
    if data != "sample":
        return _of_folder(Path(data)), f"from {data}"
    from ssl_bench.data.sample.sample import ABOUT, sample_corpus

    return _of_folder(sample_corpus()), f"of the sample ({ABOUT})"


def _of_folder(folder: Path) -> NDArray[np.int16]:
    from ssl_bench.data.corpus import read_corpus
    from ssl_bench.data.waveforms import Waveforms

    corpus, waveforms = read_corpus(folder), Waveforms()
    samples = speech_sample(corpus.utterances, waveforms, SECONDS)
    if not len(samples):
        raise BadInputError(f"{folder}: no samples in its first files ({', '.join(waveforms.broken)})")
    return samples


def speech_sample(utterances: Iterable[Utterance], waveforms: Waveforms, seconds: float) -> NDArray[np.int16]:
    """The samples of the first utterances, up to `seconds` of them."""
    parts: list[NDArray[np.int16]] = []
    for utterance in utterances:
        parts.append(waveforms.samples(utterance))
        if sum(map(len, parts)) >= seconds * 16_000:
            break
    return np.concatenate(parts)[: round(seconds * 16_000)]

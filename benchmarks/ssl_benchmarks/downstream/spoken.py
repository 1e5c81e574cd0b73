"""An utterance in the form that the tasks use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Spoken:
    """An utterance to evaluate with.

    Attributes:
        read: returns its samples `(n,)`, float32 in [-1, 1] at 16 kHz.
        samples: number of samples.
        speaker: the speaker; empty if unknown.
        text: the normalised transcript; empty if unknown.
        key: identifies the recording in a store of features: a path, say.
        session: the chapter or recording session that it comes from; empty if unknown.
    """

    read: Callable[[], NDArray[np.float32]]
    samples: int
    speaker: str
    text: str = ""
    key: str = ""
    session: str = ""

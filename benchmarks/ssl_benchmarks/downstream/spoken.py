"""An utterance as the tasks take it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Spoken:
    """An utterance to evaluate with.

    Attributes:
        read: gives its samples `(n,)`, float32 in [-1, 1] at 16 kHz.
        samples: how many.
        speaker: who speaks; empty where that is not known.
        text: what is said, normalised; empty where it is not known.
        key: what tells the recording from others in a store of features: a path, say.
        session: the chapter or recording session it was cut from; empty where it is not known.
    """

    read: Callable[[], NDArray[np.float32]]
    samples: int
    speaker: str
    text: str = ""
    key: str = ""
    session: str = ""

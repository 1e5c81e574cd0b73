"""Utterances as heads and encoders take them: read at access, and counted as they are heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from ssl_models.interface import SAMPLE_RATE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ssl_benchmarks.downstream.spoken import Spoken

Tell = Callable[[float], None]
"""Is told the seconds of each utterance that is heard."""


class Waves(Sequence[torch.Tensor]):
    """Waveforms `(n,)` of utterances."""

    def __init__(self, spoken: Sequence[Spoken]) -> None:
        self.spoken = spoken

    def __len__(self) -> int:
        return len(self.spoken)

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - a Sequence's own signature has two
        return torch.from_numpy(self.spoken[index].read())


class Heard(Sequence[torch.Tensor]):
    """The inputs of utterances, each telling its length whenever a learner takes it."""

    def __init__(self, inputs: Sequence[torch.Tensor], spoken: Sequence[Spoken], tell: Tell) -> None:
        self.inputs, self.spoken, self.tell = inputs, spoken, tell

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - a Sequence's own signature has two
        self.tell(self.spoken[index].samples / SAMPLE_RATE)
        return self.inputs[index]


def telling(spoken: Spoken, tell: Tell) -> Spoken:
    """The same utterance, telling its length whenever its samples are read."""

    def read() -> NDArray[np.float32]:
        tell(spoken.samples / SAMPLE_RATE)
        return spoken.read()

    return replace(spoken, read=read)

"""The FLOPs of a step of someone's training, counted while it runs."""

from __future__ import annotations

from contextlib import ExitStack

import torch
from torch import nn

from ssl_benchmarks.counting.counted import counted
from ssl_benchmarks.counting.flops import FlopCount, unfused_layers
from ssl_benchmarks.counting.operators import OperatorCounter, Work
from ssl_benchmarks.counting.weights import parameter_count
from ssl_benchmarks.record.quantity import Quantity

NOTE = "counted in the first optimiser step as it ran: matrix products, convolutions and attention"


class CountedStep:
    """One step, from its construction to `end`; it runs without `torch.compile`, whose kernels have no formulas.

    What ran is counted: layers that the step dropped at random are not.

    Args:
        model: whose step it is.
        ranks: processes of this machine of which each does the same.
    """

    def __init__(self, model: nn.Module, ranks: int) -> None:
        self._model, self._ranks = model, ranks
        self._counter = OperatorCounter(model)
        self._counting = ExitStack()
        self._counting.enter_context(torch.compiler.set_stance("force_eager"))
        self._counting.enter_context(unfused_layers())
        self._counting.enter_context(self._counter)

    def end(self) -> None:
        """Stop to count; a second call does nothing."""
        self._counting.close()

    def quantities(self, audio_seconds: float | None) -> dict[str, Quantity]:
        """By metric; FLOPs per second of audio where it is known how much the step processes."""
        work: dict[Work, float] = {where: self._ranks * flops for where, flops in self._counter.flops.items()}
        count = FlopCount(work, dict(self._counter.uncounted), dict(self._counter.unfit))
        note = f"{NOTE}; {self._ranks} ranks" if self._ranks > 1 else NOTE
        found = counted(count, audio_seconds or 1.0, note)
        known = {name: q for name, q in found.items() if audio_seconds or "per_audio_second" not in name}
        return {"parameters": Quantity(float(parameter_count(self._model)), "1", "analytic"), **known}

"""Losses and metrics of each step, read from the device without stalling it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


class DivergedError(Exception):
    """The loss or its gradient is no longer finite; `step` is the first such step."""

    def __init__(self, step: int) -> None:
        super().__init__(f"the loss was not a finite number at step {step}")
        self.step = step


@dataclass(frozen=True)
class _Pending:
    first_step: int
    names: tuple[str, ...]
    values: Tensor
    copied: torch.cuda.Event | None


class StepMetrics:
    """Collects device scalars and hands out the mean of each `every` steps, one group late on a GPU.

    Being one group late limits how far the host runs ahead, and no step waits for its own result. `begun` is the `rest`
    of an earlier call, whose group is continued.
    """

    def __init__(self, every: int, begun: Sequence[Sequence[float]] = ()) -> None:
        self.every = every
        self._group: list[Tensor] = [torch.tensor(row) for row in begun]
        self._pending: deque[_Pending] = deque()

    def add(self, step: int, scalars: dict[str, Tensor]) -> list[tuple[int, dict[str, float]]]:
        """Take one step's scalars; return the groups that are due, each as (last step, means).

        Raises:
            DivergedError: naming the first step with a value that is not finite.
        """
        row = torch.stack([value.detach().float() for value in scalars.values()])
        if self._group and self._group[-1].device != row.device:  # the rows of `begun`
            self._group = [earlier.to(row.device) for earlier in self._group]
        self._group.append(row)
        if len(self._group) < self.every:
            return []
        self._send(step, tuple(scalars))
        late = 1 if self._pending[-1].copied is not None else 0
        return [self._read() for _ in range(len(self._pending) - late)]

    def drain(self) -> list[tuple[int, dict[str, float]]]:
        """The complete groups that are left; waits for them.

        Raises:
            DivergedError: as `add`.
        """
        return [self._read() for _ in range(len(self._pending))]

    @property
    def rest(self) -> list[list[float]]:
        """The values of each step that is not in a complete group yet; waits for them."""
        return torch.stack(self._group).tolist() if self._group else []

    def flush(self, step: int, names: tuple[str, ...]) -> list[tuple[int, dict[str, float]]]:
        """All groups that are left, the last one incomplete; waits for them. `step` is the last one added.

        Raises:
            DivergedError: as `add`.
        """
        if self._group:
            self._send(step, names)
        return self.drain()

    def _send(self, step: int, names: tuple[str, ...]) -> None:
        values, copied = torch.stack(self._group), None
        if values.is_cuda:
            host = torch.empty_like(values, device="cpu", pin_memory=True)
            host.copy_(values, non_blocking=True)
            copied = torch.cuda.Event()
            copied.record()
            values = host
        self._pending.append(_Pending(step - len(self._group) + 1, names, values, copied))
        self._group = []

    def _read(self) -> tuple[int, dict[str, float]]:
        group = self._pending.popleft()
        if group.copied is not None:
            group.copied.synchronize()
        for offset, row in enumerate(group.values.tolist()):
            if not all(map(math.isfinite, row)):
                raise DivergedError(group.first_step + offset)
        last = group.first_step + len(group.values) - 1
        return last, dict(zip(group.names, group.values.mean(0).tolist(), strict=True))

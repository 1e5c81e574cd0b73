"""The training loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ssl_bench.data.clips import Batch, ClipSource, batches
from ssl_bench.training.ledger import Logged
from ssl_bench.training.step_metrics import StepMetrics
from ssl_models.training_step import training_step

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from ssl_bench.sessions.run_folder import TrainingState
    from ssl_bench.training.ledger import Ledger
    from ssl_benchmarks.processes.interruption import StopRequest
    from ssl_models.optimisation import OptimisationConfig


@dataclass(frozen=True)
class Trained:
    """The outcome of the loop.

    Attributes:
        steps: steps of this attempt.
        audio_seconds: audio in these steps, in s.
        data_wait: seconds spent waiting for speech.
        stopped: whether the user stopped it before the budget was spent.
    """

    steps: int
    audio_seconds: float
    data_wait: float
    stopped: bool


def pretrain(
    *,
    fabric: Fabric,
    module: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    settings: OptimisationConfig,
    source: ClipSource,
    ledger: Ledger,
    state: TrainingState,
    log: Callable[[Logged], None],
    save: Callable[[], None],
    save_every: float,
    log_every: int,
    stop: StopRequest,
) -> Trained:
    """Train `module` (with `optimiser`, both set up by `fabric`) until the budget is spent or a stop is asked for.

    `state` is updated in place. `log` gets the mean of every `log_every` steps; `save` is called every `save_every`
    seconds. A gradient that is not finite never reaches the weights.

    Raises:
        DivergedError: naming the step at which loss or gradient stopped being finite.
    """
    first, audio_before = state.step, state.audio_seconds
    data_wait, saved_at, rate = 0.0, time.monotonic(), 0.0
    generator = torch.Generator(fabric.device)
    step = partial(training_step, fabric, module, optimiser, clip=settings.clip, generator=generator)
    metrics, group_starts = StepMetrics(log_every, state.group), state.step - len(state.group) + 1
    progress = ledger.progress(state)
    names: tuple[str, ...] = ()

    def report(groups: list[tuple[int, dict[str, float]]]) -> None:
        nonlocal group_starts
        for last, values in groups:
            found = {**values, "learning_rate": rate}
            log(Logged(group_starts, last, found, progress, ledger.spent(state), replace(state)))
            group_starts = last + 1

    with ExitStack() as stack:
        stack.enter_context(ledger.meter.window("training"))
        stream = stack.enter_context(batches(source, first=state.next_clip, ended=lambda: stop.made))
        while progress < 1.0 and not stop.made:
            waited = time.monotonic()
            batch, next_clip = next(stream, (None, 0))
            if batch is None:
                break
            data_wait += time.monotonic() - waited
            rate = settings.learning_rate(progress, source.clips * source.clip_samples / 16_000)
            for group in optimiser.param_groups:
                group["lr"] = rate
            _draw_anew(source.seed, state.step, generator)
            waveforms, lengths = on_device(batch, fabric.device)
            scalars = step(waveforms=waveforms, lengths=lengths, progress=progress)
            state.step, state.next_clip = state.step + 1, next_clip
            state.audio_seconds += batch.seconds
            progress = ledger.progress(state)
            names = tuple(scalars)
            report(metrics.add(state.step, scalars))
            if time.monotonic() - saved_at > save_every:
                report(metrics.drain())
                state.group = metrics.rest
                save()
                saved_at = time.monotonic()
        state.group = metrics.rest  # a resumed run completes this group
        report(metrics.flush(state.step, names))
    return Trained(state.step - first, state.audio_seconds - audio_before, data_wait, stop.made and progress < 1.0)


def _draw_anew(seed: int, step: int, generator: torch.Generator) -> None:
    """Seed each step by itself, so that a resumed run draws as an uninterrupted one, in dropout and LayerDrop too."""
    own = int(np.random.SeedSequence([seed, step]).generate_state(1)[0])
    generator.manual_seed(own)
    torch.manual_seed(own)


def on_device(batch: Batch, device: torch.device) -> tuple[Tensor, Tensor | None]:
    """A batch as float waveforms `(B, T)` in [-1, 1) and valid samples `(B,)` (None: all); transferred as 16-bit."""
    samples = torch.from_numpy(batch.samples)
    lengths = None if batch.lengths is None else torch.from_numpy(batch.lengths)
    if device.type == "cuda":
        samples = samples.pin_memory().to(device, non_blocking=True)
        lengths = None if lengths is None else lengths.pin_memory().to(device, non_blocking=True)
    return samples.float().div_(32768.0), lengths

"""CTC training of recognisers (A. Graves et al., 2006): one loop for heads on frozen features and for whole encoders."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from operator import eq
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ssl_benchmarks.downstream.learning import HeldAgainstControl, climbed
from ssl_benchmarks.downstream.recognition.symbols import BLANK
from ssl_models.optimisation import OptimisationConfig

TELL_EVERY = 3.0
"""Seconds."""


@dataclass(frozen=True)
class Labelled:
    """Utterances with their transcripts.

    Attributes:
        utterances: features `(frames, L, D)` or waveforms `(n,)`, read on access.
        seconds: length of each.
        targets: symbol numbers of each, starting at 1, int64.
    """

    utterances: Sequence[Tensor]
    seconds: Sequence[float]
    targets: Sequence[Tensor]

    def batches(self, batch_seconds: float) -> list[list[int]]:
        """Batches of utterances of similar length: up to `batch_seconds` of padded audio, but at least one utterance."""
        batches: list[list[int]] = [[]]
        for i in sorted(range(len(self.seconds)), key=lambda i: self.seconds[i]):
            if batches[-1] and (len(batches[-1]) + 1) * self.seconds[i] > batch_seconds:
                batches.append([])
            batches[-1].append(i)
        return batches

    def shuffled(self, seed: int) -> Labelled:
        """The same utterances with their transcripts shuffled."""
        order = torch.randperm(len(self.targets), generator=torch.Generator().manual_seed(seed)).tolist()
        return replace(self, targets=[self.targets[i] for i in order])


@dataclass(frozen=True)
class Schedule:
    """How and for how long a recogniser is trained.

    Attributes:
        passes: over the labelled speech.
        batch_seconds: padded audio per step.
        start_rate: where the search for the learning rate starts.
        optimisation: schedule, betas, decay, clipping; its peak rate is not used.
        precision: "float32", or "bfloat16" under autocast.
        report: called every few seconds with a line on the progress.
        left: seconds left for all training; another rate is tried only if it and the control still fit.
    """

    passes: float
    batch_seconds: float
    start_rate: float
    optimisation: OptimisationConfig
    precision: str = "float32"
    report: Callable[[str], None] = lambda _: None
    left: Callable[[], float] = lambda: math.inf


@dataclass(frozen=True)
class Learned(HeldAgainstControl):
    """A recogniser and how it was trained.

    Attributes:
        recogniser: in evaluation mode.
        rate: the learning rate.
        dev_losses: of every rate tried, in nats per symbol, after all passes.
        loss: final training loss in nats per symbol.
        control_loss: the same with shuffled transcripts after as many passes, since every loss falls with time.
        seconds_heard: of training audio, including all tries and the control.
        cut_short: whether the search for the rate ended because time was up.
        too_long: texts of "train" and "dev" that are too long for their outputs; they are in no loss.
    """

    recogniser: nn.Module
    rate: float
    dev_losses: dict[float, float]
    loss: float
    control_loss: float
    seconds_heard: float
    cut_short: bool = False
    too_long: Mapping[str, int] = field(default_factory=dict)


class _Tried(NamedTuple):
    dev_loss: float
    rate: float
    recogniser: nn.Module
    loss: float
    too_long: dict[str, int]


def learn(build: Callable[[], nn.Module], train: Labelled, dev: Labelled, schedule: Schedule, seed: int) -> Learned:
    """Train in full with each rate of a search on dev, keep the best, and train the control at its rate.

    Shorter tries would rank the rates by which leaves the blank plateau first, not by which ends lower. `build`
    creates the recogniser, each time with the same initial weights.
    """
    heard, best, took, cut_short = 0.0, _Tried(math.inf, 0.0, nn.Identity(), math.inf, {}), 0.0, False

    def run(rate: float, data: Labelled, what: str, too_long: set[int]) -> tuple[nn.Module, float]:
        nonlocal heard
        reporting = replace(schedule, report=lambda text: schedule.report(f"{what} {rate:.2g}: {text}"))
        recogniser, loss, seconds = _trained(build(), data, reporting, rate, seed, too_long=too_long)
        heard += seconds
        return recogniser, loss

    def trial(rate: float) -> float:
        nonlocal best, took
        began = time.monotonic()
        of_train, of_dev = set[int](), set[int]()
        recogniser, loss = run(rate, train, "trying rate", of_train)
        dev_loss = mean_loss(recogniser, dev, schedule, of_dev)
        if dev_loss < best.dev_loss or not math.isfinite(best.dev_loss):
            best = _Tried(dev_loss, rate, recogniser, loss, {"train": len(of_train), "dev": len(of_dev)})
        took = time.monotonic() - began
        return dev_loss

    def more() -> bool:
        nonlocal cut_short
        cut_short = schedule.left() < 2 * took
        return not cut_short

    _, tried = climbed(trial, schedule.start_rate, more)
    control_loss = run(best.rate, train.shuffled(seed), "random-label control at rate", set())[1]
    return Learned(best.recogniser, best.rate, tried, best.loss, control_loss, heard, cut_short, best.too_long)


def _trained(
    recogniser: nn.Module, data: Labelled, schedule: Schedule, rate: float, seed: int, *, too_long: set[int]
) -> tuple[nn.Module, float, float]:
    """The recogniser in evaluation mode, its mean loss over the last tenth of the steps, and the seconds it heard.

    A batch without a text that fits its outputs has no loss; if no batch has one, the mean is infinite.
    """
    settings = replace(schedule.optimisation, peak_learning_rate=rate)
    optimiser = torch.optim.AdamW(
        [p for p in recogniser.parameters() if p.requires_grad],
        rate,
        settings.betas,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    batches = data.batches(schedule.batch_seconds)
    steps = max(1, round(schedule.passes * len(batches)))
    losses, seconds, last_report = [], 0.0, time.monotonic()
    began = last_report
    recogniser.train()
    with torch.random.fork_rng(devices=_cuda_devices(recogniser)):
        torch.manual_seed(seed)
        for step, batch in enumerate(islice(_shuffled_passes(len(batches), seed), steps)):
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate((step + 0.5) / steps, settings.reference_batch_seconds)
            seconds += sum(data.seconds[i] for i in batches[batch])
            summed, symbols = _loss(recogniser, data, batches[batch], schedule.precision, too_long)
            if not symbols:
                continue
            loss = summed / symbols
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(recogniser.parameters(), settings.clip)
            if torch.isfinite(norm):
                optimiser.step()
            losses.append(loss.detach())
            if (now := time.monotonic()) > last_report + TELL_EVERY:
                last_report = now
                speed = seconds / (now - began)
                schedule.report(f"step {step + 1} of {steps}, loss {float(loss.detach()):.2f}, {speed:.0f} × real time")
    last = float(torch.stack(losses[-max(1, steps // 10) :]).mean()) if losses else math.inf
    return recogniser.eval(), last, seconds


def _cuda_devices(module: nn.Module) -> list[torch.device]:
    device = next(module.parameters()).device
    return [device] if device.type == "cuda" else []


def _shuffled_passes(count: int, seed: int) -> Iterator[int]:
    """Numbers below `count`, pass after pass, each pass in a new order."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield from torch.randperm(count, generator=generator).tolist()


def _loss(
    recogniser: nn.Module, data: Labelled, batch: Sequence[int], precision: str, too_long: set[int]
) -> tuple[Tensor, int]:
    """CTC loss of a batch in nats, and its number of symbols; texts longer than their outputs only go into `too_long`."""
    device = next(recogniser.parameters()).device
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        log_probabilities, outputs = recogniser([data.utterances[i] for i in batch])
    targets = [data.targets[i] for i in batch]
    lengths = torch.tensor([len(t) for t in targets])
    fits = outputs.cpu() >= torch.tensor([outputs_needed(t) for t in targets])
    too_long |= {i for i, fit in zip(batch, fits.tolist(), strict=True) if not fit}
    joined = torch.cat(targets).to(device)
    each = F.ctc_loss(
        log_probabilities.transpose(0, 1), joined, outputs, lengths, BLANK, reduction="none", zero_infinity=True
    )
    return each[fits.to(device)].sum(), int(lengths[fits].sum())


def outputs_needed(target: Tensor) -> int:
    """Number of outputs that CTC needs for a text: one for each symbol, and a blank between two that are equal."""
    symbols = target.tolist()
    return len(symbols) + sum(map(eq, symbols, symbols[1:]))


@torch.inference_mode()
def mean_loss(recogniser: nn.Module, data: Labelled, schedule: Schedule, too_long: set[int] | None = None) -> float:
    """Mean loss over the utterances in nats per symbol; texts longer than their outputs only go into `too_long`.

    Infinite if no text fits.
    """
    total, symbols = 0.0, 0
    for batch in data.batches(schedule.batch_seconds):
        summed, count = _loss(recogniser, data, batch, schedule.precision, set() if too_long is None else too_long)
        total, symbols = total + float(summed), symbols + count
    return total / symbols if symbols else math.inf


@torch.inference_mode()
def log_probabilities(recogniser: nn.Module, utterances: Sequence[Tensor], precision: str) -> Iterator[Tensor]:
    """`(outputs, symbols + 1)` float32 on the CPU for each utterance separately, so that no padding affects it."""
    device = next(recogniser.parameters()).device
    for utterance in utterances:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            found, outputs = recogniser([utterance])
        yield found[0, : int(outputs[0])].float().cpu()

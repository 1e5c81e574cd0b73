"""Recognisers learned with CTC (A. Graves et al., 2006): one loop for heads on frozen features and for whole encoders."""

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
    """Utterances with what is said.

    Attributes:
        utterances: features `(frames, L, D)` or waveforms `(n,)`, read at access.
        seconds: of each.
        targets: symbol numbers of each, from 1 on, int64.
    """

    utterances: Sequence[Tensor]
    seconds: Sequence[float]
    targets: Sequence[Tensor]

    def batches(self, batch_seconds: float) -> list[list[int]]:
        """Utterances of like length, up to `batch_seconds` of padded audio, at least one each."""
        batches: list[list[int]] = [[]]
        for i in sorted(range(len(self.seconds)), key=lambda i: self.seconds[i]):
            if batches[-1] and (len(batches[-1]) + 1) * self.seconds[i] > batch_seconds:
                batches.append([])
            batches[-1].append(i)
        return batches

    def shuffled(self, seed: int) -> Labelled:
        """The same utterances with each other's transcripts."""
        order = torch.randperm(len(self.targets), generator=torch.Generator().manual_seed(seed)).tolist()
        return replace(self, targets=[self.targets[i] for i in order])


@dataclass(frozen=True)
class Schedule:
    """How long and how a recogniser learns.

    Attributes:
        passes: over the labelled speech.
        batch_seconds: of padded audio a step.
        start_rate: where the search for the learning rate begins.
        optimisation: schedule, betas, decay, clipping; its own peak rate is not used.
        precision: "float32", or "bfloat16" under autocast.
        tell: is told every few seconds how learning goes on.
        left: seconds for all that is to be learned; another rate is tried where they hold it and the control.
    """

    passes: float
    batch_seconds: float
    start_rate: float
    optimisation: OptimisationConfig
    precision: str = "float32"
    tell: Callable[[str], None] = lambda _: None
    left: Callable[[], float] = lambda: math.inf


@dataclass(frozen=True)
class Learned(HeldAgainstControl):
    """A recogniser and how it came to be.

    Attributes:
        recogniser: in evaluation mode.
        rate: the learning rate.
        dev_losses: of every rate tried, nats a symbol, after all passes.
        loss: of training at its end, nats a symbol.
        control_loss: the same on shuffled transcripts, after as many passes, since every loss falls with time.
        seconds_heard: of audio that was trained on, tries and control included.
        cut_short: whether the search for the rate ended since time was up.
        too_long: texts of "train" and "dev" that their outputs cannot spell; they teach nothing and are in no loss.
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
    """Learn in full at each rate of a search on dev, keep the best, and learn the control at its rate.

    A shorter try would rank the rates by who leaves the blank plateau first, not by who ends lower. `build` makes the
    recogniser anew, with the same weights each time.
    """
    heard, best, took, cut_short = 0.0, _Tried(math.inf, 0.0, nn.Identity(), math.inf, {}), 0.0, False

    def run(rate: float, data: Labelled, what: str, too_long: set[int]) -> tuple[nn.Module, float]:
        nonlocal heard
        told = replace(schedule, tell=lambda text: schedule.tell(f"{what} {rate:.2g}: {text}"))
        recogniser, loss, seconds = _trained(build(), data, told, rate, seed, too_long=too_long)
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

    A batch in which no text fits its outputs has no loss; where none has, the mean is infinite.
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
    losses, seconds, told = [], 0.0, time.monotonic()
    began = told
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
            if (now := time.monotonic()) > told + TELL_EVERY:
                told = now
                speed = seconds / (now - began)
                schedule.tell(f"step {step + 1} of {steps}, loss {float(loss.detach()):.2f}, {speed:.0f} x real time")
    last = float(torch.stack(losses[-max(1, steps // 10) :]).mean()) if losses else math.inf
    return recogniser.eval(), last, seconds


def _cuda_devices(module: nn.Module) -> list[torch.device]:
    device = next(module.parameters()).device
    return [device] if device.type == "cuda" else []


def _shuffled_passes(count: int, seed: int) -> Iterator[int]:
    """Numbers below `count`, pass after pass, each in an order of its own."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield from torch.randperm(count, generator=generator).tolist()


def _loss(
    recogniser: nn.Module, data: Labelled, batch: Sequence[int], precision: str, too_long: set[int]
) -> tuple[Tensor, int]:
    """CTC loss of a batch in nats, and the symbols that it is of; texts longer than their outputs are in `too_long` alone."""
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
    """That CTC needs to spell a text: one for each symbol, and a blank between two that are equal."""
    symbols = target.tolist()
    return len(symbols) + sum(map(eq, symbols, symbols[1:]))


@torch.inference_mode()
def mean_loss(recogniser: nn.Module, data: Labelled, schedule: Schedule, too_long: set[int] | None = None) -> float:
    """Over the utterances, nats a symbol; those whose text their outputs cannot spell are left out, and go into `too_long`.

    Infinite where none can be spelled.
    """
    total, symbols = 0.0, 0
    for batch in data.batches(schedule.batch_seconds):
        summed, count = _loss(recogniser, data, batch, schedule.precision, set() if too_long is None else too_long)
        total, symbols = total + float(summed), symbols + count
    return total / symbols if symbols else math.inf


@torch.inference_mode()
def log_probabilities(recogniser: nn.Module, utterances: Sequence[Tensor], precision: str) -> Iterator[Tensor]:
    """`(outputs, symbols + 1)` float32 on the CPU of each utterance by itself, so that no padding reaches it."""
    device = next(recogniser.parameters()).device
    for utterance in utterances:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            found, outputs = recogniser([utterance])
        yield found[0, : int(outputs[0])].float().cpu()

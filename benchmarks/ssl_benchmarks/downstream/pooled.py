"""Utterances as one vector each, and the linear head that classifies them: learned layer weights, averaged over time."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ssl_benchmarks.downstream.features import Frames, LayerMix
from ssl_benchmarks.downstream.learning import HeldAgainstControl, climbed
from ssl_models.optimisation import OptimisationConfig

UPDATES, BATCH = 500, 512
"""Each update uses all utterances, or `BATCH` of them if there are more."""
START = 1e-2
OPTIMISATION = OptimisationConfig(betas=(0.9, 0.999), weight_decay=0.01, clip=1e9, warmup=0.0, schedule="cosine")


class Chosen(Sequence[Tensor]):
    """Some of the utterances, read on access."""

    def __init__(self, utterances: Sequence[Tensor], places: Sequence[int]) -> None:
        self.utterances, self.places = utterances, places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - a Sequence's own signature has two
        return self.utterances[self.places[index]]


def pooled(frames: Frames) -> tuple[Tensor, list[int]]:
    """Mean over frames of every layer, `(utterances, L, D)` float32, and the indices of these utterances.

    Utterances without a frame, or with a feature that is not finite, are left out.
    """
    means, places = [], []
    for i, utterance in enumerate(frames.utterances):
        mean = utterance.float().mean(0)
        if mean.isfinite().all():
            means.append(mean)
            places.append(i)
    return torch.stack(means) if means else torch.empty(0, 0, 0), places


@dataclass(frozen=True)
class Examples:
    """Utterances with their classes.

    Attributes:
        features: `(n, L, D)`, means over frames.
        labels: `(n,)` int64.
    """

    features: Tensor
    labels: Tensor

    def shuffled(self, seed: int) -> Examples:
        """The same utterances with their classes shuffled."""
        order = torch.randperm(len(self.labels), generator=torch.Generator().manual_seed(seed))
        return replace(self, labels=self.labels[order])


class PooledHead(nn.Module):
    """Maps means of layers over frames `(B, L, D)` to a score for each class `(B, classes)`.

    Standardising, weighting and adding layers is linear, so the mean over frames can be taken first.
    """

    def __init__(self, mix: LayerMix, classes: int) -> None:
        super().__init__()
        self.mix, self.output = mix, nn.Linear(mix.mean.shape[1], classes)

    def forward(self, features: Tensor) -> Tensor:
        """Scores before the softmax."""
        return self.output(self.mix(features))


@dataclass(frozen=True)
class Classifier(HeldAgainstControl):
    """A head and how it was trained.

    Attributes:
        head: the trained head.
        rate: the learning rate.
        dev_losses: of every rate tried, in nats.
        loss: final loss on the training utterances in nats.
        control_loss: the same with classes shuffled among the utterances.
        seen: utterances used in updates, including repeats, all tries and the control.
    """

    head: nn.Module
    rate: float
    dev_losses: dict[float, float]
    loss: float
    control_loss: float
    seen: int

    @property
    def details(self) -> dict[str, Any]:
        """For the record."""
        return {**self.losses, "utterances_learned_from": self.seen}

    @torch.inference_mode()
    def classes(self, features: Tensor) -> Tensor:
        """The best class of each utterance `(n,)`, on the CPU."""
        return torch.cat([scores.argmax(1).cpu() for scores in _scores(self.head, features)])


def learn(mix: LayerMix, train: Examples, dev: Examples, device: torch.device, seed: int) -> Classifier:
    """Train with every rate that the search tries, keep the head that is best on dev, and run the control at its rate.

    Args:
        mix: statistics of the training frames; the weights are learned from scratch.
        train: training examples; there are at least as many classes as the highest label plus 1.
        dev: examples of the same classes.
        device: to train on.
        seed: for initial weights, the order of utterances and the control.
    """
    classes = 1 + int(torch.cat([train.labels, dev.labels]).max())
    heads: dict[float, nn.Module] = {}

    def trained(data: Examples, rate: float) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            head = PooledHead(copy.deepcopy(mix), classes).to(device)
        return _trained(head, data, rate, seed)

    def trial(rate: float) -> float:
        heads[rate] = trained(train, rate)
        return mean_loss(heads[rate], dev)

    rate, tried = climbed(trial, START)
    control = train.shuffled(seed)
    control_loss = mean_loss(trained(control, rate), control)
    seen = (len(tried) + 1) * UPDATES * min(BATCH, len(train.labels))
    return Classifier(heads[rate], rate, tried, mean_loss(heads[rate], train), control_loss, seen)


def _trained(head: nn.Module, data: Examples, rate: float, seed: int) -> nn.Module:
    """The head after `UPDATES` updates, in evaluation mode."""
    settings = replace(OPTIMISATION, peak_learning_rate=rate)
    optimiser = torch.optim.AdamW(
        head.parameters(), rate, settings.betas, weight_decay=settings.weight_decay, fused=True
    )
    device = next(head.parameters()).device
    for update, batch in enumerate(islice(_batches(len(data.labels), seed), UPDATES)):
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate((update + 0.5) / UPDATES, settings.reference_batch_seconds)
        loss = F.cross_entropy(head(data.features[batch].to(device)), data.labels[batch].to(device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return head.eval()


def _batches(count: int, seed: int) -> Iterator[Tensor]:
    """Indices of the utterances of each update, all of one size, pass after pass, each pass in a new order."""
    generator, size = torch.Generator().manual_seed(seed), min(BATCH, count)
    while True:
        yield from torch.randperm(count, generator=generator)[: count // size * size].split(size)


@torch.inference_mode()
def mean_loss(head: nn.Module, data: Examples) -> float:
    """Cross-entropy over the utterances in nats."""
    scores = torch.cat([part.cpu() for part in _scores(head, data.features)])
    return float(F.cross_entropy(scores, data.labels))


def _scores(head: nn.Module, features: Tensor) -> Iterator[Tensor]:
    """Scores of all utterances, batch by batch."""
    device = next(head.parameters()).device
    for part in features.split(BATCH):
        yield head(part.to(device))

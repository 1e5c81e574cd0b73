"""The light probe: a linear head on frozen features, learned in seconds, rated on unseen speakers."""

from __future__ import annotations

from collections.abc import Sequence

import jiwer
import torch
from torch.nn import functional as F

from benchmarks.downstream.ctc import train_probe
from benchmarks.downstream.features import Frames, extract
from benchmarks.downstream.intervals import pooled_rate
from benchmarks.downstream.spoken import Spoken
from benchmarks.quantity import Quantity, unavailable
from models.interface import SAMPLE_RATE, Encoder

BOOTSTRAP = "95 % bootstrap over speakers and their utterances"


def transcribe(
    encoder: Encoder, train: Sequence[Spoken], test: Sequence[Spoken], device: torch.device, seed: int
) -> dict[str, Quantity]:
    """CER and WER of a linear CTC head learned on `train` and rated on `test`, whose speakers must be others."""
    probe = train_probe(extract(encoder, train, device), [s.text for s in train], device, seed)
    heard = probe.transcribe(extract(encoder, test, device))
    said, speakers = [s.text for s in test], [s.speaker for s in test]
    hours = sum(s.samples for s in train) / SAMPLE_RATE / 3600
    note = f"linear CTC (200 ms) on frozen features, {hours:.2f} h of labels, {len(set(speakers))} unseen speakers; {BOOTSTRAP}"
    characters = [jiwer.process_characters(s, h) for s, h in zip(said, heard, strict=True)]
    words = [jiwer.process_words(s, h) for s, h in zip(said, heard, strict=True)]
    return {
        metric: pooled_rate(
            [o.substitutions + o.deletions + o.insertions for o in outputs],
            [o.hits + o.substitutions + o.deletions for o in outputs],
            speakers,
            seed=seed,
            note=note,
        )
        for metric, outputs in (("cer", characters), ("wer", words))
    }


def identify_speakers(
    encoder: Encoder, spoken: Sequence[Spoken], device: torch.device, seed: int
) -> dict[str, Quantity]:
    """Accuracy of naming the speaker: logistic regression on mean-pooled features, every second utterance tested."""
    speakers = sorted({s.speaker for s in spoken})
    order = sorted(range(len(spoken)), key=lambda i: spoken[i].speaker)
    train, test = order[::2], order[1::2]
    if len(speakers) < 2 or {spoken[i].speaker for i in train} != set(speakers) or not test:
        return {"accuracy": unavailable("1", "speaker identification needs two speakers with two utterances each")}
    pooled = _pooled(extract(encoder, spoken, device))
    labels = torch.tensor([speakers.index(s.speaker) for s in spoken])
    mean, deviation = pooled[train].mean(0), pooled[train].std(0).clamp(min=1e-4)
    inputs = (pooled - mean) / deviation
    weights = torch.zeros(inputs.shape[1], len(speakers), requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=100)

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = F.cross_entropy(inputs[train] @ weights, labels[train]) + 1e-3 * weights.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    hits = ((inputs[test] @ weights).argmax(1) == labels[test]).float().tolist()
    note = f"linear on mean-pooled frozen features, {len(speakers)} held-out speakers; {BOOTSTRAP}"
    tested = [spoken[i].speaker for i in test]
    return {"accuracy": pooled_rate(hits, [1.0] * len(hits), tested, seed=seed, note=note)}


def _pooled(frames: Frames) -> torch.Tensor:
    """Mean over frames of the average layer, `(utterances, D)`."""
    return torch.stack([u.float().mean((0, 1)) for u in frames.utterances])

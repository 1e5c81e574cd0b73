"""Characters from frozen features: a linear map of a fifth of a second and CTC, decoded greedily."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from benchmarks.downstream.features import Frames
from benchmarks.downstream.heads import LayerMix
from benchmarks.downstream.symbols import ALPHABET, BLANK
from models.frontend import valid_mask

SLOT_RATE = 25.0  # outputs a second; slower encoders speak for several slots a frame
CONTEXT = 0.08  # seconds on either side of a frame that the linear map sees; a character is heard over more than 40 ms
EPOCHS = 12
LEARNING_RATE = 1e-2
BATCH_FRAMES = 1_000


def encode(text: str) -> Tensor:
    """Character numbers from 1 on; 0 is the blank."""
    return torch.tensor([ALPHABET.index(c) + 1 for c in text], dtype=torch.long)


class CharacterProbe(nn.Module):
    """`(B, frames, L, D)` to log-probabilities `(B, frames * slots, characters + blank)`; linear but for the mix's softmax."""

    def __init__(self, mix: LayerMix, frame_rate: float) -> None:
        super().__init__()
        reach = round(CONTEXT * frame_rate)
        self.mix, self.slots = mix, max(1, math.ceil(SLOT_RATE / frame_rate))
        outputs = self.slots * (len(ALPHABET) + 1)
        self.output = nn.Conv1d(mix.mean.shape[1], outputs, 2 * reach + 1, padding=reach)

    def forward(self, layers: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Each frame speaks for `slots` outputs; frames past `lengths` `(B,)` are silent to their neighbours."""
        mixed = self.mix(layers)
        if lengths is not None:
            mixed = mixed * valid_mask(lengths, mixed.shape[1])[..., None]
        scores = self.output(mixed.transpose(1, 2)).transpose(1, 2)
        return scores.reshape(len(layers), -1, len(ALPHABET) + 1).log_softmax(-1)

    @torch.inference_mode()
    def transcribe(self, frames: Frames) -> list[str]:
        """Best character of each slot, repeats merged, blanks dropped."""
        device = self.output.weight.device
        return [_merged(self(u[None].to(device))[0].argmax(-1).tolist()) for u in frames.utterances]


def _merged(path: list[int]) -> str:
    kept = [now for before, now in zip([BLANK, *path], path, strict=False) if now not in (BLANK, before)]
    return "".join(ALPHABET[i - 1] for i in kept).strip()


def train_probe(frames: Frames, texts: Sequence[str], device: torch.device, seed: int) -> CharacterProbe:
    """Learn the probe on frozen features with AdamW and a cosine rate; the same rule for whatever made the features."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        probe = CharacterProbe(LayerMix.fitted(frames), frames.frame_rate).to(device)
    optimiser = torch.optim.AdamW(probe.parameters(), LEARNING_RATE, weight_decay=0.0, fused=True)
    batches = _batches(frames)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS * len(batches))
    generator = torch.Generator().manual_seed(seed)
    targets = [encode(text) for text in texts]
    for _ in range(EPOCHS):
        for position in torch.randperm(len(batches), generator=generator).tolist():
            chosen = batches[position]
            loss = _loss(probe, [frames.utterances[i] for i in chosen], [targets[i] for i in chosen], device)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return probe.eval()


def _loss(probe: CharacterProbe, features: list[Tensor], targets: list[Tensor], device: torch.device) -> Tensor:
    """CTC loss per character; a text longer than its slots counts nothing."""
    frames = torch.tensor([len(u) for u in features])
    log_probabilities = probe(pad_sequence(features, batch_first=True).to(device), frames.to(device))
    slots = frames * probe.slots
    lengths = torch.tensor([len(t) for t in targets])
    joined = torch.cat(targets)
    loss = F.ctc_loss(
        log_probabilities.transpose(0, 1), joined.to(device), slots, lengths, BLANK, "sum", zero_infinity=True
    )
    return loss / lengths.sum()


def _batches(frames: Frames) -> list[list[int]]:
    """Utterances of like length, up to BATCH_FRAMES padded frames together."""
    order = sorted(range(len(frames.utterances)), key=lambda i: len(frames.utterances[i]))
    batches: list[list[int]] = [[]]
    for i in order:
        if batches[-1] and (len(batches[-1]) + 1) * len(frames.utterances[i]) > BATCH_FRAMES:
            batches.append([])
        batches[-1].append(i)
    return batches

"""Measure speed, memory and energy of an encoder of your own, each repeat in a process of its own."""

import torch
from torch import Tensor

from ssl_bench import MeasureConfig, measure


class Strided(torch.nn.Module):
    """Any module that maps waveforms (batch, samples) at 16 kHz to a list of layers (batch, frames, features)."""

    def __init__(self) -> None:
        super().__init__()
        self.front = torch.nn.Conv1d(1, 256, 400, stride=320)

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> list[Tensor]:
        return [self.front(waveforms[:, None]).transpose(1, 2)]


def encoder() -> Strided:
    return Strided()


if __name__ == "__main__":  # the measured process reads this file, too
    run, record = measure(MeasureConfig(f"{__file__}:encoder", clip_seconds=2.0, duration=0.5, repeats=3, idle=False))
    for metric in ("audio_seconds_per_second", "latency_p50", "peak_memory"):
        print(metric, record.find(metric, "inference"))
    print(run.path)

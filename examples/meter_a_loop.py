"""Meter a training loop of your own: put your step in the place of `step`."""

import torch

from ssl_bench import EnergyMeter

model = torch.nn.Sequential(torch.nn.Conv1d(1, 128, 400, stride=320), torch.nn.GELU(), torch.nn.Conv1d(128, 1, 3))
optimiser = torch.optim.AdamW(model.parameters())
speech = torch.randn(8, 1, 16_000)  # eight clips of one second


def step() -> None:
    optimiser.zero_grad()
    model(speech).square().mean().backward()
    optimiser.step()


with EnergyMeter() as meter:
    with meter.window("warm-up"):
        step()
    with meter.window("training"):
        for _ in range(50):
            step()

reading = meter.windows["training"]
print(f"50 steps: {reading.duration.value:.2f} s")
for part, energy in {"machine": reading.energy_machine, **reading.parts}.items():
    # A missing value is None, with the reason in `note`.
    print(f"{part}: {energy.note if energy.value is None else f'{energy.value:.2f} J, {energy.method}'}")
print("\n".join(f"disturbed: {what}" for what in meter.reading.disturbances))

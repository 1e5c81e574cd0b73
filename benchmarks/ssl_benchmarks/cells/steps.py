"""The steps to measure: encoding, and a training step made of the training loop's own functions."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ssl_benchmarks.cells.cell import Step
from ssl_benchmarks.cells.own_step import opaque_step
from ssl_benchmarks.counting.weights import state_tensors
from ssl_benchmarks.memory.peak import bytes_of, gradient_bytes, optimiser_bytes
from ssl_models.catalog import load_model, pretraining
from ssl_models.interface import SAMPLE_RATE
from ssl_models.loading.user_step import OpaqueStep
from ssl_models.training_step import make_fabric, make_optimiser, training_step

if TYPE_CHECKING:
    from ssl_benchmarks.cells.request import CellRequest


def clips_of(speech: NDArray[np.int16], clips: int, seconds: float, device: torch.device) -> torch.Tensor:
    """`(clips, T)` float waveforms in [-1, 1) cut from 16-bit samples `(n,)`, repeated if they are too short."""
    samples = round(seconds * SAMPLE_RATE)
    audio = np.resize(speech, clips * samples).reshape(clips, samples)
    return (torch.from_numpy(audio).float() / 32768.0).to(device)


def encoding(request: CellRequest, speech: NDArray[np.int16], device: torch.device) -> Step:
    """Encode the batch, keeping all layers, in inference mode and, for bfloat16, under autocast."""
    name, setting = request.source, request.setting
    encoder = load_model(name, pretrained=request.pretrained).to(device)
    waveforms = clips_of(speech, setting.clips, setting.clip_seconds, device)
    if setting.compile:
        encoder.compile(dynamic=False)
    context = ExitStack()
    context.enter_context(torch.inference_mode())
    context.enter_context(torch.autocast(device.type, torch.bfloat16, enabled=setting.precision == "bfloat16"))
    return Step(
        run=lambda: encoder(waveforms),
        one_clip=(lambda: encoder(waveforms[:1])) if request.alone else None,
        context=context,
        sizes=lambda: {"weights": bytes_of(state_tensors(encoder))},
        attention=getattr(encoder, "attention", None),
    )


def training(request: CellRequest, speech: NDArray[np.int16], device: torch.device) -> Step:
    """Forward, backward, gradient clipping and AdamW step on the same batch each time, with a learning rate of 0.

    With that rate the weights do not change, nor does the cost. A user's opaque step is run as it is.
    """
    name, setting = request.source, request.setting
    model = pretraining(name, pretrained=request.pretrained)
    waveforms = clips_of(speech, setting.clips, setting.clip_seconds, device)
    if isinstance(model, OpaqueStep):
        return opaque_step(model, request, waveforms)
    model = model.to(device)
    optimiser = make_optimiser(model, model.optimisation)
    fabric = make_fabric(device.type, setting.precision)
    if setting.compile:
        model.compile()
    module, ready = fabric.setup(model, optimiser)
    generator = torch.Generator(device)
    return Step(
        run=partial(
            training_step, fabric, module, ready, clip=model.optimisation.clip, waveforms=waveforms, lengths=None,
            generator=generator, progress=0.5,
        ),
        one_clip=None,
        context=nullcontext(),
        sizes=lambda: {
            "weights": bytes_of(state_tensors(model)),
            "gradients": gradient_bytes(model.parameters()),
            "optimizer": optimiser_bytes(optimiser),
        },
        attention=getattr(model.encoder, "attention", None),
    )  # fmt: skip


STEPS = {"inference": encoding, "training": training}

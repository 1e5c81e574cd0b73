"""Peak memory of a phase predicted from fake tensors: no weights, no data, no device.

Every storage is followed from its making to its end through the operators that the device would run: attention is fused
(its T x T scores are never stored, unless dropout on a CPU or the model itself asks for them), and for CUDA dropout's masks
take one byte and autocast keeps norms and losses in float32. On a CPU, oneDNN's blocked copies of a convolution's tensors count, and
the C library's heap is taken to hold `HEAP_SLACK` of what is alive and a little more. Not in it: workspaces of libraries (cuBLAS some 8 to 32 MiB,
cuDNN and oneDNN what they like), the allocator's fragmentation, the CUDA context (0.3 to 0.6 GiB outside the allocator),
and what `torch.compile` saves.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from torch import nn

from ssl_benchmarks.counting.flops import fake_tensors, without_layer_drop
from ssl_benchmarks.counting.weights import packed_tensors
from ssl_benchmarks.memory.cuda_dispatch import CudaDispatch
from ssl_benchmarks.memory.live_bytes import LiveBytes, bytes_of
from ssl_benchmarks.record.quantity import Quantity
from ssl_models.errors import BadInputError
from ssl_models.interface import SAMPLE_RATE

if TYPE_CHECKING:
    from ssl_models.interface import Encoder, Pretraining

DeviceKind = Literal["cpu", "cuda"]
Precision = Literal["float32", "bfloat16"]

HEAP_SLACK = {"inference": 1.15, "training": 1.25}
"""Resident set over live bytes on a CPU: glibc keeps freed blocks below 32 MiB, and a step's gradients, activations and
optimiser state lie between each other. Measured (glibc 2.36): 1.0 to 1.3 and 1.1 to 1.45; with every block mapped by itself
both come down to 1.0."""

HEAP_FLOOR = 6 * 2**20
"""Bytes that threads and libraries take for themselves in a CPU's process, whatever the model (measured: 3 to 10 MiB)."""


@dataclass(frozen=True)
class PeakForecast:
    """Bytes at the moment of the peak, and the traffic of a call.

    Attributes:
        peak: in all, B.
        weights: parameters, buffers and packed weights.
        gradients: one for each learned value, of which few are there where activations make the peak; None in inference.
        optimizer: its state; None in inference.
        activations: what else is there at the peak: input, kept and passing activations.
        bytes_moved: what the operators without matrix products read and write in a call, unfused.
    """

    peak: Quantity
    weights: Quantity
    gradients: Quantity | None
    optimizer: Quantity | None
    activations: Quantity
    bytes_moved: Quantity


def forecast_inference(
    build: Callable[[], Encoder],
    seconds: float,
    clips: int = 1,
    *,
    precision: Precision = "float32",
    device: DeviceKind = "cpu",
) -> PeakForecast:
    """Of encoding `clips` clips of `seconds`, all layers returned; `build` makes the encoder, on the CPU."""
    with fake_tensors():
        return inference_peak(build(), seconds, clips, precision=precision, device=device)


def forecast_training(
    build: Callable[[], Pretraining],
    seconds: float,
    clips: int = 1,
    *,
    precision: Precision = "float32",
    device: DeviceKind = "cpu",
    optimiser: str = "AdamW",
) -> PeakForecast:
    """Of a training step with the optimiser's state in place, gradients freed after each step, no layer dropped.

    `optimiser` is a class of `torch.optim`, with its own defaults, fused where it can be.

    Raises:
        BadInputError: for an optimiser that `torch.optim` does not have or that cannot be run without arguments.
    """
    with fake_tensors():
        return training_peak(build(), seconds, clips, precision=precision, device=device, optimiser=optimiser)


def inference_peak(
    encoder: Encoder, seconds: float, clips: int, *, precision: Precision, device: DeviceKind
) -> PeakForecast:
    """`forecast_inference` of an encoder that was built inside the `fake_tensors()` at hand."""
    packed = packed_tensors(cast("nn.Module", encoder))
    with LiveBytes(blocked_convolutions=device == "cpu") as held, torch.no_grad():
        _mark_weights(held, cast("nn.Module", encoder), packed)
        held.restart()
        waveforms = torch.zeros(clips, round(seconds * SAMPLE_RATE))
        with _kernels(device, precision), _autocast(precision):
            features = encoder(waveforms)
        del features
        return _forecast(held, device, None)


def training_peak(
    pretraining: Pretraining, seconds: float, clips: int, *, precision: Precision, device: DeviceKind, optimiser: str
) -> PeakForecast:
    """`forecast_training` of a model that was built inside the `fake_tensors()` at hand."""
    module = cast("nn.Module", pretraining)
    packed = packed_tensors(module)
    with LiveBytes(blocked_convolutions=device == "cpu") as held, held.gradients_marked(module):
        _mark_weights(held, module, packed)
        step = _optimiser(optimiser, module)
        _fill_state(held, step)
        held.restart()
        waveforms = torch.zeros(clips, round(seconds * SAMPLE_RATE))
        with without_layer_drop(pretraining.encoder), _kernels(device, precision):
            with _autocast(precision):
                loss = pretraining(waveforms, None, torch.Generator()).loss
            _backward(loss)
        step.step()
        step.zero_grad(set_to_none=True)
        return _forecast(held, device, sum(bytes_of(p) for p in module.parameters() if p.requires_grad))


def _mark_weights(held: LiveBytes, module: nn.Module, packed: list[torch.Tensor]) -> None:
    """Parameters, buffers and what quantised layers keep `packed`, which lives as long as these tensors."""
    held.mark("weights", [*module.parameters(), *module.buffers(), *packed])


def _optimiser(name: str, module: nn.Module) -> torch.optim.Optimizer:
    found = getattr(torch.optim, name, None)
    if not (isinstance(found, type) and issubclass(found, torch.optim.Optimizer)):
        raise BadInputError(f"--optimiser {name}: not in torch.optim; AdamW, SGD and Adafactor are")
    learned = [p for p in module.parameters() if p.requires_grad]
    try:
        return cast("Any", found)(learned, **({"fused": True} if name in {"Adam", "AdamW", "SGD"} else {}))
    except (TypeError, ValueError) as error:
        raise BadInputError(f"--optimiser {name}: {' '.join(str(error).split())}") from error


def _fill_state(held: LiveBytes, optimiser: torch.optim.Optimizer) -> None:
    """Take a first step on gradients that are thrown away, since the state is made in it."""
    learned = [p for group in optimiser.param_groups for p in group["params"]]
    for parameter in learned:
        parameter.grad = torch.zeros_like(parameter)
    try:
        optimiser.step()
    except (RuntimeError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise BadInputError(
            f"--optimiser {type(optimiser).__name__}: cannot be run on fake tensors ({reason})"
        ) from error
    optimiser.zero_grad(set_to_none=True)
    state = (value for values in optimiser.state.values() for value in values.values())
    held.mark("optimizer", (value for value in state if isinstance(value, torch.Tensor)))


def _backward(loss: torch.Tensor) -> None:
    """Straight into the engine: `Tensor.backward` and its like switch a function mode off for all that they call."""
    engine: Any = torch.autograd.Variable._execution_engine
    engine.run_backward((loss,), (torch.ones_like(loss),), False, False, (), allow_unreachable=True, accumulate_grad=True)  # fmt: skip


def _kernels(device: DeviceKind, precision: Precision) -> AbstractContextManager[object]:
    """The device's choice of kernels; a checkpointed block makes it again in the backward."""
    return CudaDispatch(autocast=precision == "bfloat16") if device == "cuda" else nullcontext()


def _autocast(precision: Precision) -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")


def _forecast(held: LiveBytes, device: DeviceKind, gradients: int | None) -> PeakForecast:
    """What was held; `gradients` are bytes of all of them, None in inference."""
    parts = held.peak
    slack = 1.0 if device == "cuda" else HEAP_SLACK["inference" if gradients is None else "training"]
    floor = 0 if device == "cuda" else HEAP_FLOOR
    note = f"predicted for {device} from fake tensors, eager"

    def size(value: float, more: str = "") -> Quantity:
        return Quantity(float(value), "B", "analytic", note=note + more)

    return PeakForecast(
        size(parts.total() * slack + floor, f"; live bytes x {slack:g} + 6 MiB for the heap" if floor else ""),
        size(parts["weights"]),
        None if gradients is None else size(gradients, f"; {parts['gradients']} B of them at the peak"),
        None if gradients is None else size(parts["optimizer"]),
        size(parts["activations"]),
        size(held.moved, "; read and written by operators without matrix products, unfused"),
    )

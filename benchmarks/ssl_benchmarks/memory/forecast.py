"""Peak memory of a phase, predicted from fake tensors: no weights, no data, no device.

Every storage is followed from creation to release through the operators that the device would run: attention is fused
(its T x T scores are never stored, unless dropout on a CPU or the model itself needs them), and for CUDA dropout's
masks take one byte and autocast keeps norms and losses in float32. On a CPU, oneDNN's blocked copies of a
convolution's tensors count, and the C library's heap is assumed to hold `HEAP_SLACK` times the live bytes and a little
more. Not included: workspaces of libraries (cuBLAS about 8 to 32 MiB, cuDNN and oneDNN any amount), fragmentation of
the allocator, the CUDA context (0.3 to 0.6 GiB outside the allocator), and tensors that `torch.compile` saves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from ssl_models.parts.device import assumed_cuda

if TYPE_CHECKING:
    from ssl_models.interface import Encoder, Pretraining

DeviceKind = Literal["cpu", "cuda"]
Precision = Literal["float32", "bfloat16"]

HEAP_SLACK = {"inference": 1.15, "training": 1.25}
"""Resident set divided by live bytes on a CPU: glibc keeps freed blocks below 32 MiB, and a step's gradients, activations
and optimiser state are interleaved. Measured (glibc 2.36): 1.0 to 1.3 and 1.1 to 1.45; with every block mapped
separately, both drop to 1.0."""

HEAP_FLOOR = 6 * 2**20
"""Bytes taken by threads and libraries in a CPU process, whatever the model (measured: 3 to 10 MiB)."""


@dataclass(frozen=True)
class PeakForecast:
    """Bytes at the peak, and the traffic of a call.

    Attributes:
        peak: in total, B.
        weights: parameters, buffers and packed weights.
        gradients: one per trainable value, few of which exist if the peak is in the forward; None for inference.
        optimizer: the optimiser's state; None for inference.
        activations: the rest at the peak: input, kept and temporary activations.
        bytes_moved: bytes read and written per call by operators without matrix products, unfused.
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
    """Forecast of encoding `clips` clips of `seconds`, with all layers returned; `build` makes the encoder on the CPU."""
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
    """Forecast of a training step with the optimiser's state in place, gradients freed after each step, no layer dropped.

    `optimiser` is a class of `torch.optim`, with its defaults, fused if possible.

    Raises:
        BadInputError: if `torch.optim` has no such optimiser, or it cannot be used without arguments.
    """
    with fake_tensors():
        return training_peak(build(), seconds, clips, precision=precision, device=device, optimiser=optimiser)


def inference_peak(
    encoder: Encoder, seconds: float, clips: int, *, precision: Precision, device: DeviceKind
) -> PeakForecast:
    """`forecast_inference` of an encoder that was built inside the current `fake_tensors()`."""
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
    """`forecast_training` of a model that was built inside the current `fake_tensors()`."""
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
    """Mark parameters, buffers and the `packed` weights of quantised layers, which live as long as these tensors."""
    held.mark("weights", [*module.parameters(), *module.buffers(), *packed])


def _optimiser(name: str, module: nn.Module) -> torch.optim.Optimizer:
    found = getattr(torch.optim, name, None)
    if not (isinstance(found, type) and issubclass(found, torch.optim.Optimizer)):
        raise BadInputError(f"--optimiser {name}: not in torch.optim; choose AdamW, SGD or Adafactor, say")
    learned = [p for p in module.parameters() if p.requires_grad]
    try:
        return cast("Any", found)(learned, **({"fused": True} if name in {"Adam", "AdamW", "SGD"} else {}))
    except (TypeError, ValueError) as error:
        raise BadInputError(f"--optimiser {name}: {' '.join(str(error).split())}") from error


def _fill_state(held: LiveBytes, optimiser: torch.optim.Optimizer) -> None:
    """Take a first step with gradients that are discarded, which creates the state."""
    learned = [p for group in optimiser.param_groups for p in group["params"]]
    for parameter in learned:
        parameter.grad = torch.zeros_like(parameter)
    try:
        optimiser.step()
    except (RuntimeError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise BadInputError(
            f"--optimiser {type(optimiser).__name__}: does not run on fake tensors ({reason})"
        ) from error
    optimiser.zero_grad(set_to_none=True)
    state = (value for values in optimiser.state.values() for value in values.values())
    held.mark("optimizer", (value for value in state if isinstance(value, torch.Tensor)))


def _backward(loss: torch.Tensor) -> None:
    """Run the engine directly: `Tensor.backward` and similar calls disable a function mode for everything they call."""
    engine: Any = torch.autograd.Variable._execution_engine
    engine.run_backward((loss,), (torch.ones_like(loss),), False, False, (), allow_unreachable=True, accumulate_grad=True)  # fmt: skip


@contextmanager
def _kernels(device: DeviceKind, precision: Precision) -> Iterator[None]:
    """The device's choice of kernels and the model's choice for it, which a checkpointed block repeats in the backward."""
    if device == "cpu":
        yield
        return
    with assumed_cuda(), CudaDispatch(autocast=precision == "bfloat16"):
        yield


def _autocast(precision: Precision) -> torch.autocast:
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")


def _forecast(held: LiveBytes, device: DeviceKind, gradients: int | None) -> PeakForecast:
    """The forecast; `gradients` is the size of all of them in bytes, None for inference."""
    parts = held.peak
    slack = 1.0 if device == "cuda" else HEAP_SLACK["inference" if gradients is None else "training"]
    floor = 0 if device == "cuda" else HEAP_FLOOR
    note = f"predicted for {device} from fake tensors, eager"

    def size(value: float, more: str = "") -> Quantity:
        return Quantity(float(value), "B", "analytic", note=note + more)

    return PeakForecast(
        size(parts.total() * slack + floor, f"; live bytes x {slack:g} + 6 MiB for the heap" if floor else ""),
        size(parts["weights"]),
        None if gradients is None else size(gradients, f"; of which {parts['gradients']} B at the peak"),
        None if gradients is None else size(parts["optimizer"]),
        size(parts["activations"]),
        size(held.moved, "; read and written by operators without matrix products, unfused"),
    )

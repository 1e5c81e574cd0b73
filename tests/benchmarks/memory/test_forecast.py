"""Predicted peak memory against tiny networks by hand, a real GPU's allocator, and the resident set of a child."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ssl_benchmarks.memory.forecast import DeviceKind, PeakForecast, Precision, forecast_inference, forecast_training
from ssl_models.errors import BadInputError
from ssl_models.interface import LossAndMetrics, SpeechFeatures

GIB = 2**30
SECONDS = 2.56
"""40,960 samples in rows of 256: 160 frames, and no tensor below is padded to the allocator's 512 B."""

ROW = 4 * 40_960
"""Bytes of a frame-by-256 tensor in float32."""

WEIGHT = 4 * 256 * 256


class Chain(nn.Module):
    """Linear layers of 256 over frames of 256 samples; as an encoder it returns the last one alone."""

    def __init__(self, layers: int, *, frozen: int = 0, checkpointed: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(256, 256, bias=False) for _ in range(layers))
        for layer in list(self.layers)[:frozen]:
            layer.requires_grad_(False)
        self.checkpointed = checkpointed

    def frames(self, waveforms: Tensor) -> Tensor:
        hidden = waveforms.unflatten(1, (-1, 256))
        for layer in self.layers:
            hidden = checkpoint(layer, hidden, use_reentrant=False) if self.checkpointed else layer(hidden)
        return hidden

    def forward(self, waveforms: Tensor, lengths: None = None) -> SpeechFeatures:
        hidden = self.frames(waveforms)
        return SpeechFeatures((hidden,), torch.zeros(len(waveforms)), 62.5)


class Summed(nn.Module):
    """The sum of a chain's output as the objective."""

    def __init__(self, chain: Chain) -> None:
        super().__init__()
        self.encoder = chain

    def forward(self, waveforms: Tensor, lengths: None, generator: torch.Generator) -> LossAndMetrics:
        return LossAndMetrics(self.encoder.frames(waveforms).sum(), {})


def training(chain: Callable[[], Chain], clips: int = 1, **how: Any) -> PeakForecast:
    return forecast_training(lambda: Summed(chain()), SECONDS, clips, **{"device": "cuda", **how})


def value(forecast: PeakForecast, part: str) -> float:
    quantity = getattr(forecast, part)
    assert quantity.method == "analytic"
    assert (quantity.unit, bool(quantity.note)) == ("B", True)
    return float(quantity.value)


@pytest.mark.parametrize("clips", [1, 3])
def test_inference_holds_input_and_two_layers(clips: int) -> None:
    """While the second or a later layer is computed the waveform, its input and its output are there."""
    found = forecast_inference(lambda: Chain(4), SECONDS, clips, device="cuda")
    assert value(found, "weights") == 4 * WEIGHT
    assert value(found, "activations") == 3 * clips * ROW
    assert value(found, "peak") == 4 * WEIGHT + 3 * clips * ROW
    assert found.gradients is None
    assert found.optimizer is None


def test_one_layer_holds_input_and_output() -> None:
    """And the lengths, which are made while both are there: a block of the allocator."""
    found = forecast_inference(lambda: Chain(1), SECONDS, device="cuda")
    assert value(found, "peak") == WEIGHT + 2 * ROW + 512


def test_the_heap_of_a_cpu_is_said() -> None:
    on_gpu, on_cpu = (forecast_inference(lambda: Chain(2), SECONDS, device=d) for d in ("cuda", "cpu"))
    assert value(on_cpu, "peak") == pytest.approx(1.15 * value(on_gpu, "peak") + 6 * 2**20)
    assert "x 1.15 + 6 MiB for the heap" in on_cpu.peak.note
    assert "heap" not in on_gpu.peak.note


@pytest.mark.parametrize("clips", [4, 20])
def test_training_keeps_every_layers_input(clips: int) -> None:
    """At the end of the forward: the waveform, three outputs, the loss. At its top the backward adds the output's gradient,
    first as the loss's one (expanded, so nothing), then the first weight's gradient and that of the layer's input.
    """
    found = training(lambda: Chain(3), clips)
    assert value(found, "weights") == value(found, "gradients") == 3 * WEIGHT
    row = clips * ROW
    # Backward of the last layer: its output is gone with the sum; the expanded gradient is copied for the product.
    kept = 3 * row
    assert value(found, "optimizer") == 2 * 3 * WEIGHT + 3 * 512
    activations = value(found, "peak") - 3 * WEIGHT - value(found, "optimizer")
    assert kept + row <= activations <= kept + 2 * row + WEIGHT + 4 * 512


@pytest.mark.parametrize(
    ("optimiser", "state"),
    [("AdamW", 2 * 2 * WEIGHT + 2 * 512), ("Adam", 2 * 2 * WEIGHT + 2 * 512), ("SGD", 0), ("Adagrad", None)],
)
def test_state_of_the_optimiser(optimiser: str, state: int | None) -> None:
    """Two moments and a counter for each tensor; plain SGD has none."""
    found = training(lambda: Chain(2), optimiser=optimiser)
    if state is None:
        assert 2 * WEIGHT <= value(found, "optimizer") <= 2 * WEIGHT + 2 * 512
    else:
        assert value(found, "optimizer") == state


def test_frozen_layers_have_neither_gradient_nor_state() -> None:
    whole, half = training(lambda: Chain(4), clips=8), training(lambda: Chain(4, frozen=2), clips=8)
    assert value(half, "weights") == value(whole, "weights") == 4 * WEIGHT
    assert value(half, "gradients") == 2 * WEIGHT
    assert value(half, "optimizer") == 2 * 2 * WEIGHT + 2 * 512
    # What goes into the frozen layers at the bottom is not kept.
    assert value(whole, "activations") - value(half, "activations") >= 8 * ROW


def test_checkpointing_lowers_the_peak() -> None:
    """Three linear layers with their activations for one block: the block's input is kept alone."""

    class Blocks(Chain):
        def frames(self, waveforms: Tensor) -> Tensor:
            hidden = waveforms.unflatten(1, (-1, 256))
            for layer in self.layers:

                def block(inputs: Tensor, layer: nn.Module = layer) -> Tensor:
                    return layer(layer(layer(inputs).relu()).tanh())

                hidden = checkpoint(block, hidden, use_reentrant=False) if self.checkpointed else block(hidden)
            return hidden

    plain, saved = (training(lambda c=c: Blocks(6, checkpointed=c), clips=16) for c in (False, True))
    # Kept of each block: five tensors (relu keeps its output alone, so do tanh and what follows) or one.
    assert value(saved, "peak") < 0.6 * value(plain, "peak")
    assert value(saved, "optimizer") == value(plain, "optimizer")


def test_half_precision_halves_what_is_kept_and_adds_copies_of_weights() -> None:
    full, half = (training(lambda: Chain(6), clips=40, precision=p) for p in ("float32", "bfloat16"))
    assert value(half, "optimizer") == value(full, "optimizer")
    assert 0.5 < value(half, "activations") / value(full, "activations") < 0.8


def test_traffic_of_elementwise_work() -> None:
    """An activation reads and writes its tensor once; a linear layer's traffic is the product's and left out."""

    class Activated(Chain):
        def frames(self, waveforms: Tensor) -> Tensor:
            return super().frames(waveforms).relu().tanh()

    plain, active = (forecast_inference(lambda c=c: c(2), SECONDS, device="cuda") for c in (Chain, Activated))
    assert value(active, "bytes_moved") - value(plain, "bytes_moved") == 4 * ROW


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("AdamX", "not in torch.optim"),
        ("lr_scheduler", "not in torch.optim"),
        ("LBFGS", "LBFGS"),
        ("Optimizer", "Optimizer"),
    ],
)
def test_an_optimiser_that_cannot_be_is_one_line(name: str, words: str) -> None:
    with pytest.raises(BadInputError, match=words) as caught:
        training(lambda: Chain(1), optimiser=name)
    assert str(caught.value).startswith(f"--optimiser {name}:")
    assert "\n" not in str(caught.value)


def test_one_that_takes_matrices_alone_is_bad_input_for_others() -> None:
    class Biased(Chain):
        def __init__(self) -> None:
            super().__init__(1)
            self.layers[0].bias = nn.Parameter(torch.zeros(256))

    with pytest.raises(BadInputError, match="Muon"):
        training(Biased, optimiser="Muon")


class Transformers(nn.Module):
    """A transformers model with all layers kept and nothing hidden, and the mean square of its output as the loss."""

    def __init__(self, family: str, **settings: Any) -> None:
        super().__init__()
        import transformers

        config = getattr(transformers, f"{family}Config")(mask_time_prob=0.0, layerdrop=0.0, **settings)
        self.model, self.encoder = getattr(transformers, f"{family}Model")(config), nn.Module()

    def forward(self, waveforms: Tensor, lengths: None, generator: torch.Generator) -> LossAndMetrics:
        return LossAndMetrics(self.model(waveforms).last_hidden_state.float().pow(2).mean(), {})


LARGE = {
    "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096,
    "feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("family", "settings", "precision", "measured"),
    [
        ("Hubert", {}, "bfloat16", 11.5),
        ("Hubert", {}, "float32", 16.1),
        pytest.param("Hubert", LARGE, "bfloat16", 24.5, marks=pytest.mark.slow),
        pytest.param("WavLM", {}, "bfloat16", 21.1, marks=pytest.mark.slow),
    ],
    ids=["hubert-base", "hubert-base in float32", "hubert-large", "wavlm-base"],
)
def test_a_training_step_as_an_h100_measured_it(
    family: str, settings: dict[str, Any], precision: Precision, measured: float
) -> None:
    """GiB by `torch.cuda.max_memory_allocated` on an H100 of 80 GB: 16 clips of 15 s, AdamW, autocast, torch 2.11,
    transformers 5.17 with its default settings (large: those of the 60,000 h recipes). The bar is 10 %.
    """
    found = forecast_training(
        lambda: Transformers(family, **settings).train(), 15, 16, precision=precision, device="cuda"
    )
    assert value(found, "peak") / GIB == pytest.approx(measured, rel=0.10)


CHILD = """
import json, sys
import torch
from ssl_benchmarks.memory.peak import PeakMemory, load_libraries
from ssl_models.catalog import pretraining
from transformers import HubertModel
name, seconds, clips = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(2)
pretraining("efficient-tiny")
load_libraries()
with PeakMemory(torch.device("cpu")) as memory:
    waveforms = 0.1 * torch.randn(clips, round(seconds * 16_000))
    model = pretraining(name).train()
    if hasattr(model.encoder, "layer_drop"):
        model.encoder.layer_drop = 0.0
    optimiser = torch.optim.AdamW(model.parameters(), fused=True)
    for _ in range(3):
        model(waveforms, None, torch.Generator()).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    print(json.dumps(memory.so_far().value))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seconds", "clips"), [("efficient-tiny", 15.36, 8), ("hubert-base", 5.0, 1)])
def test_a_training_step_as_the_resident_set_of_a_child_grows(name: str, seconds: float, clips: int) -> None:
    """Three steps in float32 on the CPU; the bar is 25 %."""
    from ssl_models.catalog import pretraining

    done = subprocess.run(
        [sys.executable, "-c", CHILD, name, str(seconds), str(clips)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = forecast_training(lambda: pretraining(name).train(), seconds, clips, device="cpu")
    assert value(found, "peak") == pytest.approx(json.loads(done.stdout), rel=0.25)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_parts_explain_the_peak(device: DeviceKind, precision: Precision) -> None:
    """Inference: weights and activations are all; longer clips need more activations and no more weights."""
    short, long = (
        forecast_inference(lambda: Chain(3), s, 2, device=device, precision=precision) for s in (SECONDS, 2 * SECONDS)
    )
    slack, floor = (1.0, 0) if device == "cuda" else (1.15, 6 * 2**20)
    for found in (short, long):
        parts = value(found, "weights") + value(found, "activations")
        assert value(found, "peak") == pytest.approx(slack * parts + floor)
    assert value(short, "weights") == value(long, "weights")
    assert value(long, "activations") > 1.5 * value(short, "activations")


class Asking(nn.Module):
    """One elementwise operator over `(B, T)`, and many questions that are no work."""

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> SpeechFeatures:
        del lengths
        for _ in range(9):
            assert waveforms.device.type == "cpu"
            assert waveforms.detach().view(-1).dtype == torch.float32
        return SpeechFeatures((waveforms.relu()[..., None],), torch.empty(len(waveforms), dtype=torch.long), 16_000.0)


def test_traffic_is_what_work_reads_and_writes() -> None:
    """ReLU of 2 x 16,000 floats reads 128,000 bytes and writes as many; asking for a device moves none."""
    found = forecast_inference(Asking, 1.0, 2, device="cuda")
    made = 2 * 16_000 * 4  # the clips themselves are written once
    assert value(found, "bytes_moved") == 3 * made

"""fvcore's count of an encoder's forward: a second opinion, with its known omissions and additions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import nn

from ssl_benchmarks.counting.flops import unfused_layers
from ssl_models.interface import SAMPLE_RATE

if TYPE_CHECKING:
    from ssl_models.interface import Encoder

NORMS = ("layer_norm", "group_norm", "batch_norm", "instance_norm")
MISSED = ("aten::baddbmm", "aten::scaled_dot_product_attention", "aten::lstm", "aten::gru")
"""Matrix products for which fvcore has no handler; attention gets ours."""


class ModuleMacs(NamedTuple):
    """fvcore's figures for one module."""

    module: str
    macs: int
    parameters: int


@dataclass(frozen=True)
class SecondOpinion:
    """fvcore's MACs of one clip.

    Attributes:
        macs: in total, as it reports them.
        norms: the part for norms, which it counts and we do not.
        missed: operators with matrix products that it skipped, and their calls.
        modules: name, MACs and parameters of each module.
    """

    macs: int
    norms: int
    missed: dict[str, int]
    modules: tuple[ModuleMacs, ...]


def second_opinion(encoder: Encoder, seconds: float, depth: int = 2) -> SecondOpinion:
    """Let fvcore trace an encoder on real tensors, forward only; attention, which it lacks, is counted by our handler.

    `modules` goes `depth` levels below the encoder.
    """
    from fvcore.nn import FlopCountAnalysis, parameter_count

    root = _LastLayer(cast("nn.Module", encoder))
    waveforms = torch.zeros(1, round(seconds * SAMPLE_RATE))
    with torch.no_grad(), unfused_layers():
        analysis = FlopCountAnalysis(root, (waveforms,))
        analysis.set_op_handle("aten::scaled_dot_product_attention", _attention_macs)
        analysis.unsupported_ops_warnings(enabled=False).uncalled_modules_warnings(enabled=False)
        analysis.tracer_warnings("none")
        macs = analysis.by_module()
        operators, passed = analysis.by_operator(), analysis.unsupported_ops()
    parameters = parameter_count(root)
    shown = {name.removeprefix("encoder.") or "total": name for name in macs if name != "encoder"}
    rows = [
        ModuleMacs(short, int(macs[name]), parameters[f"encoder.{short}".removesuffix(".total")])
        for short, name in shown.items()
        if short.count(".") < depth
    ]
    return SecondOpinion(
        int(analysis.total()),
        int(sum(operators.get(name, 0) for name in NORMS)),
        {name.removeprefix("aten::"): n for name, n in passed.items() if name in MISSED},
        tuple(rows),
    )


def opinion_or_reason(build: Callable[[], Encoder], seconds: float) -> SecondOpinion | str:
    """The second opinion, or the reason why there is none: a failed trace does not invalidate the count."""
    if find_spec("fvcore") is None:
        return "fvcore is not installed"
    try:
        return second_opinion(build(), seconds)
    except Exception as error:  # noqa: BLE001 - tracing may fail in any way
        return f"fvcore cannot trace this model ({type(error).__name__}: {' '.join(str(error).split())[:120]})"


def without_weights(build: Callable[[], nn.Module]) -> nn.Module:
    """A module with uninitialised tensors: zero pages that cost neither time nor memory, for a trace of shapes."""
    with torch.device("meta"):
        module = build()
    return module.to_empty(device="cpu").eval()


class _LastLayer(nn.Module):
    """The encoder in a form that the tracer can follow, with one tensor as output."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """The last layer."""
        return self.encoder(waveforms).layers[-1]


def _attention_macs(inputs: list[Any], outputs: list[Any]) -> int:  # noqa: ARG001 - fvcore's signature
    """Scores and mixing: 2 B H T^2 d, from the traced shapes of query and key."""
    batch, heads, frames, width = inputs[0].type().sizes()
    return 2 * batch * heads * frames * inputs[1].type().sizes()[2] * width

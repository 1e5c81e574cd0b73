"""One step of pretraining, used by the training loop and measured in cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from ssl_models.interface import Pretraining
    from ssl_models.optimisation import OptimisationConfig


def make_fabric(device: str, precision: str) -> Fabric:
    """Fabric on one device ("cpu" or "cuda") in "float32", or "bfloat16" under autocast; what Slurm's variables say is ignored."""
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment

    return Fabric(
        accelerator=device,
        devices=1,
        precision="bf16-mixed" if precision == "bfloat16" else "32-true",
        plugins=LightningEnvironment(),
    )


def make_optimiser(module: torch.nn.Module, settings: OptimisationConfig) -> torch.optim.AdamW:
    """Fused AdamW; weight decay on matrices only."""
    learned = [p for p in module.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in learned if p.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in learned if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=settings.betas, fused=True)


def training_step(
    fabric: Fabric,
    module: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    *,
    clip: float,
    waveforms: Tensor,
    lengths: Tensor | None,
    generator: torch.Generator,
    progress: float,
) -> dict[str, Tensor]:
    """One step of a `Pretraining` set up by `fabric`: forward, backward, gradient clipping, optimiser step, follow-up.

    Returns loss, gradient norm and the model's metrics, on the device, without waiting for them.
    """
    pretraining = cast("Pretraining", module)
    outcome = pretraining(waveforms, lengths, generator)
    fabric.backward(outcome.loss)
    norm = clip_gradient(module, clip)
    step_if_finite(optimiser, norm)
    optimiser.zero_grad(set_to_none=True)
    pretraining.after_step(progress)
    return {"loss": outcome.loss, "gradient_norm": norm, **outcome.metrics}


def clip_gradient(module: torch.nn.Module, most: float) -> Tensor:
    """Scale the gradient down to norm `most`; returns its previous norm, on the device."""
    return torch.nn.utils.clip_grad_norm_(module.parameters(), most, error_if_nonfinite=False)


def step_if_finite(optimiser: torch.optim.Optimizer, norm: Tensor) -> None:
    """An optimiser step that leaves the weights unchanged if the gradient is not finite, decided on the device.

    The fused optimisers accept `found_inf` for this, as torch's gradient scaler passes it.
    """
    inner = cast("Any", getattr(optimiser, "optimizer", optimiser))
    inner.grad_scale, inner.found_inf = None, (~torch.isfinite(norm)).float()
    try:
        optimiser.step()
    finally:
        del inner.grad_scale, inner.found_inf

"""Settings that every metered command has: device, precision, grid."""

from __future__ import annotations

import math
from typing import Literal

from ssl_models.errors import BadInputError

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]


def chosen_device(device: Device, precision: Precision, *, cuda: bool) -> tuple[Device, Precision]:
    """Both with "auto" decided: a GPU where torch sees one, bfloat16 on it.

    Raises:
        BadInputError: for a device that is not here.
    """
    if device == "cuda" and not cuda:
        raise BadInputError("--device cuda: torch sees no CUDA GPU here; use --device cpu, or auto")
    if device == "auto":
        device = "cuda" if cuda else "cpu"
    if precision == "auto":
        precision = "bfloat16" if device == "cuda" else "float32"
    return device, precision


def check_grid(pue: float, country: str | None, grid_intensity: float | None) -> None:
    """Hold the settings of carbon against what can be.

    Raises:
        BadInputError: for a PUE below 1, or two grids.
    """
    if not 1 <= pue < math.inf:
        raise BadInputError(f"--pue {pue:g}: it is total power over computing power, so at least 1")
    if country is not None and grid_intensity is not None:
        raise BadInputError("--country and --grid-intensity both name the grid; give one")

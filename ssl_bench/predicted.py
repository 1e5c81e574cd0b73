"""Peak memory of a cell before there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from benchmarks.forecast import DeviceKind, Precision, forecast_inference, forecast_training
from benchmarks.quantity import Quantity, unavailable
from models.catalog import load_model, pretraining
from models.errors import BadInputError
from ssl_bench.cells import CellError

if TYPE_CHECKING:
    from models.interface import Encoder
    from ssl_bench.cells import CellRequest


def predicted_peak(request: CellRequest) -> Quantity:
    """Peak memory in B from fake tensors; unavailable for a model that they cannot run.

    Raises:
        CellError: for training without an objective.
    """
    setting, name = request.setting, request.source
    shape = (setting.clip_seconds, setting.clips)
    precision, device = cast("Precision", setting.precision), cast("DeviceKind", request.device)
    try:
        if setting.phase == "training":
            objective = lambda: pretraining(name, weights=False)  # noqa: E731 - one line says it
            return forecast_training(objective, *shape, precision=precision, device=device).peak
        encoder = lambda: cast("Encoder", load_model(name, weights=False))  # noqa: E731 - the same
        return forecast_inference(encoder, *shape, precision=precision, device=device).peak
    except Exception as error:
        if setting.phase == "training" and isinstance(error, BadInputError):
            raise CellError(str(error)) from error
        # a user's own encoder may do what fake tensors cannot
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return unavailable("B", f"cannot be run on fake tensors: {reason}")

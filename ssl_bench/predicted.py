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
        CellError: for a phase that the model does not have, such as training without an objective.
    """
    setting, name = request.setting, request.source
    shape = (setting.clip_seconds, setting.clips)
    held: tuple[Precision, DeviceKind] = (cast("Precision", setting.precision), cast("DeviceKind", request.device))
    try:
        if setting.phase == "training":
            precision, device = held
            return forecast_training(lambda: pretraining(name, weights=False), *shape, precision=precision, device=device).peak  # fmt: skip
        precision, device = held
        build = lambda: cast("Encoder", load_model(name, weights=False))  # noqa: E731 - one line says it
        return forecast_inference(build, *shape, precision=precision, device=device).peak
    except BadInputError as error:
        raise CellError(str(error)) from error
    except Exception as error:  # noqa: BLE001 - a user's own encoder may do what fake tensors cannot
        return unavailable("B", f"cannot be run on fake tensors: {str(error).splitlines()[0]}")

"""What fake tensors show about a cell before it is built: FLOPs, peak memory, size of the encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ssl_benchmarks.cells.cell_plan import CellPlan
from ssl_benchmarks.cells.own_step import opaque_plan
from ssl_benchmarks.cells.request import CellError
from ssl_benchmarks.cells.rows import count_rows
from ssl_benchmarks.counting.flops import fake_tensors, inference_flops, training_flops
from ssl_benchmarks.counting.weights import parameter_count
from ssl_benchmarks.memory.forecast import DeviceKind, Precision, forecast_inference, forecast_training
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_models.catalog import is_own, load_model, pretraining
from ssl_models.errors import BadInputError
from ssl_models.families import NoObjectiveError
from ssl_models.loading.user_step import OpaqueStep

if TYPE_CHECKING:
    from ssl_benchmarks.cells.request import CellRequest
    from ssl_models.interface import Encoder
    from ssl_models.loading.user_objective import UserPretraining


def plan_of(request: CellRequest) -> CellPlan:
    """Count and predict a cell; figures that fake tensors cannot provide are unavailable, with the reason.

    Raises:
        BadInputError: if the model or its weights cannot be used.
        CellError: for training without an objective.
    """
    if request.pretrained:
        load_model(request.source, pretrained=request.pretrained)
    own = _own_training(request)
    if isinstance(own, OpaqueStep):
        return opaque_plan(request, own)
    with fake_tensors():
        encoder = load_model(request.source, weights=False) if own is None else own.encoder
    size = float(parameter_count(encoder))
    peak = predicted_peak(request)
    counts = count_rows(lambda: _count(request), request.setting.clip_seconds)
    return CellPlan(peak, Quantity(size, "1", "analytic", note="encoder"), tuple(counts))


def _own_training(request: CellRequest) -> UserPretraining | OpaqueStep | None:
    """The training step of a user's own in the cell; None for any other cell."""
    if request.setting.phase != "training" or not is_own(request.source):
        return None
    try:
        with fake_tensors():
            return cast("UserPretraining | OpaqueStep", pretraining(request.source))
    except NoObjectiveError as error:
        raise CellError(str(error)) from error


def _count(request: CellRequest) -> Any:  # noqa: ANN401 - a FlopCount
    seconds = request.setting.clip_seconds
    if request.setting.phase == "training":
        return training_flops(lambda: pretraining(request.source, weights=False), seconds)
    return inference_flops(lambda: cast("Encoder", load_model(request.source, weights=False)), seconds)


def predicted_peak(request: CellRequest) -> Quantity:
    """Peak memory in B from fake tensors; unavailable for a model that does not run on them.

    Raises:
        CellError: for training without an objective.
    """
    setting, name = request.setting, request.source
    shape = (setting.clip_seconds, setting.clips)
    precision, device = cast("Precision", setting.precision), cast("DeviceKind", request.device)
    try:
        if setting.phase == "training":
            objective = lambda: pretraining(name, weights=False)  # noqa: E731 - one line is enough
            return forecast_training(objective, *shape, precision=precision, device=device).peak
        encoder = lambda: cast("Encoder", load_model(name, weights=False))  # noqa: E731 - the same
        return forecast_inference(encoder, *shape, precision=precision, device=device).peak
    except Exception as error:
        if setting.phase == "training" and isinstance(error, BadInputError):
            raise CellError(str(error)) from error
        # a user's own encoder may do what fake tensors cannot
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return unavailable("B", f"the model does not run on fake tensors: {reason}")

"""What the sensors of a GPU cover: the GPU alone, the card that it is an instance of, or the module shared with a CPU."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from ssl_benchmarks.energy.sources.nvml import Missing

if TYPE_CHECKING:
    from ssl_benchmarks.energy.sources.nvml import Nvml

INSTANCE = (
    "a MIG instance has no sensor of its own, and the readings it returns are those of the whole card: give the index of the "
    "parent GPU to meter the whole card"
)
SUPERCHIP = re.compile(r"\bG[HB]\d|\bGrace", re.IGNORECASE)
"""Names of GPUs that are built together with a CPU: GH200, GB200, GB10."""
SCOPES = {"gpu": "POWER_SCOPE_GPU", "module": "POWER_SCOPE_MODULE"}
UNSIGNED = 1
"""The value type of a power reading (NVML_VALUE_TYPE_UNSIGNED_INT)."""


def shared_module(nvml: Nvml, handle: Any) -> str:  # noqa: ANN401 - NVML's handle
    """How a GPU was found to share a module with a CPU, whose energy the driver's counter then includes; else empty."""
    if not isinstance(scoped_power(nvml, handle, "module"), Missing):
        return "the driver reports the power of a module"
    link = nvml.query("DeviceGetC2cModeInfoV", handle)
    if getattr(link, "isC2cEnabled", 0):
        return "the GPU is linked chip to chip with a CPU"
    name = nvml.query("DeviceGetName", handle)
    return f"it is a {name}" if isinstance(name, str) and SUPERCHIP.search(name) else ""


def scoped_power(nvml: Nvml, handle: Any, scope: Literal["gpu", "module"]) -> float | Missing:  # noqa: ANN401 - the same
    """Power in W of the GPU alone or of its module, if the driver distinguishes them."""
    asked = [(nvml.constant("FI_DEV_POWER_INSTANT"), nvml.constant(SCOPES[scope]))]
    answer = nvml.query("DeviceGetFieldValues", handle, asked)
    if isinstance(answer, Missing):
        return answer
    field = answer[0]
    if field.nvmlReturn or field.valueType != UNSIGNED or not field.value.uiVal:
        return Missing(f"nvmlDeviceGetFieldValues: no power of the {scope}")
    return float(field.value.uiVal) / 1000

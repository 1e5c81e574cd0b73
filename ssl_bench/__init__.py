"""sslbench: the honest cost of self-supervised speech models.

The public names are loaded when they are first used, so that the command line starts without importing torch.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssl_bench.comparing.compare import compare as compare
    from ssl_bench.measuring.measure import measure as measure
    from ssl_bench.settings.comparing import CompareConfig as CompareConfig
    from ssl_bench.settings.measuring import MeasureConfig as MeasureConfig
    from ssl_benchmarks.energy import EnergyMeter as EnergyMeter
    from ssl_models.catalog import load_model as load_model
    from ssl_models.catalog import pretraining as pretraining
    from ssl_models.loading.transformers_models import register_transformers as register_transformers

_HOME = {
    "CompareConfig": "ssl_bench.settings.comparing",
    "EnergyMeter": "ssl_benchmarks.energy",
    "MeasureConfig": "ssl_bench.settings.measuring",
    "compare": "ssl_bench.comparing.compare",
    "load_model": "ssl_models.catalog",
    "measure": "ssl_bench.measuring.measure",
    "pretraining": "ssl_models.catalog",
    "register_transformers": "ssl_models.loading.transformers_models",
}

__all__ = [
    "CompareConfig",
    "EnergyMeter",
    "MeasureConfig",
    "__version__",
    "compare",
    "load_model",
    "measure",
    "pretraining",
    "register_transformers",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        return metadata.version("sslbench")
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'ssl_bench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

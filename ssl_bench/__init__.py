"""sslbench: the honest cost of self-supervised speech models.

The public names are loaded when they are first used, so that the command line starts without importing torch.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.energy import EnergyMeter as EnergyMeter
    from models.catalog import load_model as load_model
    from models.catalog import pretraining as pretraining
    from models.transformers_models import register_transformers as register_transformers
    from ssl_bench.compare_models import compare as compare
    from ssl_bench.compare_settings import CompareConfig as CompareConfig
    from ssl_bench.measure_cells import measure as measure
    from ssl_bench.measure_settings import MeasureConfig as MeasureConfig

_HOME = {
    "CompareConfig": "ssl_bench.compare_settings",
    "EnergyMeter": "benchmarks.energy",
    "MeasureConfig": "ssl_bench.measure_settings",
    "compare": "ssl_bench.compare_models",
    "load_model": "models.catalog",
    "measure": "ssl_bench.measure_cells",
    "pretraining": "models.catalog",
    "register_transformers": "models.transformers_models",
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

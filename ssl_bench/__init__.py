"""sslbench: the cost and quality of self-supervised speech models.

The public names are imported on first use, so that the command line starts without importing torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssl_bench.comparing.compare import compare as compare
    from ssl_bench.evaluating.evaluate import evaluate as evaluate
    from ssl_bench.measuring.measure import measure as measure
    from ssl_bench.metering.metered import metered as metered
    from ssl_bench.settings.comparing import CompareConfig as CompareConfig
    from ssl_bench.settings.evaluating import EvaluateConfig as EvaluateConfig
    from ssl_bench.settings.evaluating import EvaluationSettings as EvaluationSettings
    from ssl_bench.settings.measuring import MeasureConfig as MeasureConfig
    from ssl_bench.settings.studying import StudyConfig as StudyConfig
    from ssl_bench.settings.training import TrainAndMeasureConfig as TrainAndMeasureConfig
    from ssl_bench.studying.study import study as study
    from ssl_bench.tabulating.table import table as table
    from ssl_bench.training.train_and_measure import train_and_measure as train_and_measure
    from ssl_benchmarks.energy import EnergyMeter as EnergyMeter
    from ssl_benchmarks.record.record import read_run as read_run
    from ssl_models.catalog import load_model as load_model
    from ssl_models.catalog import pretraining as pretraining
    from ssl_models.loading.transformers_models import register_transformers as register_transformers
    from ssl_reports.reading.evidence import read_evidence as read_evidence
    from ssl_reports.report import write_paper as write_paper

_HOME = {
    "CompareConfig": "ssl_bench.settings.comparing",
    "EnergyMeter": "ssl_benchmarks.energy",
    "EvaluateConfig": "ssl_bench.settings.evaluating",
    "EvaluationSettings": "ssl_bench.settings.evaluating",
    "MeasureConfig": "ssl_bench.settings.measuring",
    "StudyConfig": "ssl_bench.settings.studying",
    "TrainAndMeasureConfig": "ssl_bench.settings.training",
    "compare": "ssl_bench.comparing.compare",
    "evaluate": "ssl_bench.evaluating.evaluate",
    "load_ipython_extension": "ssl_bench.integrations.notebook",
    "load_model": "ssl_models.catalog",
    "measure": "ssl_bench.measuring.measure",
    "metered": "ssl_bench.metering.metered",
    "pretraining": "ssl_models.catalog",
    "read_evidence": "ssl_reports.reading.evidence",
    "read_run": "ssl_benchmarks.record.record",
    "register_transformers": "ssl_models.loading.transformers_models",
    "study": "ssl_bench.studying.study",
    "table": "ssl_bench.tabulating.table",
    "train_and_measure": "ssl_bench.training.train_and_measure",
    "write_paper": "ssl_reports.report",
}

__all__ = [
    "CompareConfig",
    "EnergyMeter",
    "EvaluateConfig",
    "EvaluationSettings",
    "MeasureConfig",
    "StudyConfig",
    "TrainAndMeasureConfig",
    "__version__",
    "compare",
    "evaluate",
    "load_model",
    "measure",
    "metered",
    "pretraining",
    "read_evidence",
    "read_run",
    "register_transformers",
    "study",
    "table",
    "train_and_measure",
    "write_paper",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib import metadata

        return metadata.version("sslbench")
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'ssl_bench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

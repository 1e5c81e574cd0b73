"""The kinds of records and the details of each."""

from __future__ import annotations

from typing import Any, Literal

from ssl_benchmarks.record.details.common import Details
from ssl_benchmarks.record.details.comparison import ComparisonDetails
from ssl_benchmarks.record.details.evaluation import EvaluationDetails
from ssl_benchmarks.record.details.imported import ImportDetails
from ssl_benchmarks.record.details.measurement import MeasurementDetails
from ssl_benchmarks.record.details.meter import MeterDetails
from ssl_benchmarks.record.details.profile import ProfileDetails
from ssl_benchmarks.record.details.study import StudyDetails
from ssl_benchmarks.record.details.training import TrainingDetails

Kind = Literal["training", "measurement", "comparison", "evaluation", "study", "profile", "meter", "import"]


DETAILS: dict[Kind, type[Details]] = {
    "training": TrainingDetails,
    "measurement": MeasurementDetails,
    "comparison": ComparisonDetails,
    "evaluation": EvaluationDetails,
    "study": StudyDetails,
    "profile": ProfileDetails,
    "meter": MeterDetails,
    "import": ImportDetails,
}


def kind_of_older(details: dict[str, Any]) -> Kind:
    """The kind of a record from before `kind` was stored, inferred from details that only one command writes."""
    marks: dict[str, Kind] = {
        "study": "study", "rounds": "comparison", "cells": "measurement", "findings": "evaluation",
    }  # fmt: skip
    return next((kind for mark, kind in marks.items() if mark in details), "training")

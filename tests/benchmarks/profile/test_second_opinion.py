"""Without fvcore, or where it cannot trace a model, there is a reason and no crash."""

from __future__ import annotations

import sys
from typing import NoReturn

import pytest

from ssl_benchmarks.profile.second_opinion import opinion_or_reason
from ssl_models.catalog import load_model


def test_a_machine_without_fvcore_gets_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fvcore", None)
    assert opinion_or_reason(lambda: load_model("efficient-tiny"), 1.0) == "fvcore is not installed"


def test_a_model_that_cannot_be_traced_gets_a_reason() -> None:
    def broken() -> NoReturn:
        raise ZeroDivisionError("1 by\nzero")

    assert opinion_or_reason(broken, 1.0) == "fvcore cannot trace this model (ZeroDivisionError: 1 by zero)"

"""The table of tasks: every row can be run, and a new one is a file and a row."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ssl_bench.evaluating.evaluation import evaluated
from ssl_bench.evaluating.subject import Evaluation, System
from ssl_bench.settings.evaluating import EvaluationSettings, parse_tasks
from ssl_bench.settings.tasks import TASKS, Task
from ssl_benchmarks.energy import EnergyMeter
from ssl_benchmarks.record.metrics import METRICS
from ssl_models.errors import BadInputError

FILE = """
from ssl_bench.evaluating.subject import Finding
from ssl_benchmarks.downstream.outcome import Outcome
from ssl_benchmarks.record.quantity import Quantity

def run(subject, head):
    rate = Quantity(0.25, "1", "measured")
    return [Finding(subject.system, "gender", head, Outcome({"accuracy": rate}))]
"""


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_every_row_has_a_function_and_known_metrics(task: Task) -> None:
    module, _, name = str(task.run).partition(":")
    assert callable(getattr(import_module(module), name))
    assert all(METRICS[metric].rate for metric in task.metrics)
    assert task.phase in {"evaluation", "finetuning"}
    assert task.needs is None or hasattr(EvaluationSettings(), task.needs[0])


def test_a_new_task_is_a_file_and_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be chosen, is run on each system, and is in its cost."""
    (tmp_path / "task_of_gender.py").write_text(FILE)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    with pytest.raises(BadInputError, match="unknown task 'gender'"):
        parse_tasks("gender")
    monkeypatch.setitem(TASKS, "gender", Task("gender", "task_of_gender:run", ("accuracy",), speakers=True))
    settings = EvaluationSettings(parse_tasks("gender"))
    settings.check()
    system = System("m", 0, cast("Any", None), cast("Any", None))
    speech: Any = SimpleNamespace(parts={})
    with EnergyMeter() as meter:
        evaluation = Evaluation(settings, speech, cast("Any", SimpleNamespace(type="cpu")), "float32", meter, print)
        (found,) = evaluated([system], evaluation)
    assert (found.task, found.outcome.rates["accuracy"].value) == ("gender", 0.25)
    assert "m: evaluation" in meter.windows

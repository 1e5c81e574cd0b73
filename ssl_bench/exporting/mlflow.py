"""A run in MLflow: settings as params, figures as metrics, and how each was obtained as a tag of the figure's name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ssl_bench.exporting.figures import Moment, facts_of, settings_of, start_of
from ssl_bench.settings.exporting import Destination, without_password
from ssl_benchmarks.record.record import Record

if TYPE_CHECKING:
    from mlflow.entities import Experiment

T = TypeVar("T")
METRICS, WORDS = 1000, 100
"""The most metrics, and the most params or tags, of one request."""
MANNERS = {
    "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_LOGGING_LEVEL": "ERROR", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
}  # fmt: skip
"""Nothing goes anywhere but to the given address, and a server that is gone is noticed in seconds instead of minutes."""
ENDED = {"finished": "FINISHED", "unfinished": "KILLED"}


class MlflowTracker:
    """See `ssl_bench.exporting.tracker.Tracker`."""

    def __init__(self, destination: Destination, record: Record) -> None:
        for name, value in MANNERS.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient
        from mlflow.entities import Param

        uri = destination.place or ""
        self._client = MlflowClient(tracking_uri=uri)
        found: Experiment | None = self._client.get_experiment_by_name(destination.project)
        number = self._client.create_experiment(destination.project) if found is None else found.experiment_id
        began = start_of(record.created)
        tags = {**facts_of(record), "mlflow.source.name": "sslbench", "mlflow.source.type": "LOCAL"}
        self._run: str = self._client.create_run(
            number, start_time=None if began is None else round(1000 * began), tags=tags, run_name=record.id
        ).info.run_id
        self._said: dict[str, str] = {}
        at = without_password(uri).rstrip("/")
        page = f"#/experiments/{number}/runs/{self._run}"
        self.place = f"{at}/{page}" if at.startswith("http") else f"{at}, run {self._run} in {destination.project}"
        for params in _parts((Param(name, value) for name, value in settings_of(record).items()), WORDS):
            self._client.log_batch(self._run, params=params)

    def log(self, moments: Sequence[Moment]) -> None:
        """See `Tracker`; a tag is sent where it changed."""
        from mlflow.entities import Metric, RunTag

        metrics = (
            Metric(name, value, round(1000 * moment.time_s), moment.step)
            for moment in moments
            for figure in moment.figures
            for name, value in figure.numbers.items()
        )
        for part in _parts(metrics, METRICS):
            self._client.log_batch(self._run, metrics=part)
        last = {figure.name: figure for moment in moments for figure in moment.figures}
        words = {name: json.dumps(figure.words) for name, figure in last.items()}
        new = {name: text for name, text in words.items() if self._said.get(name) != text}
        for tags in _parts((RunTag(name, text) for name, text in new.items()), WORDS):
            self._client.log_batch(self._run, tags=tags)
        self._said |= new

    def close(self, record: Record, folder: Path) -> None:
        """See `Tracker`."""
        del folder
        for name, text in facts_of(record).items():
            self._client.set_tag(self._run, name, text)
        self._client.set_terminated(self._run, ENDED[record.status])


def _parts(found: Iterable[T], most: int) -> Iterator[list[T]]:
    rest = iter(found)
    while part := list(islice(rest, most)):
        yield part

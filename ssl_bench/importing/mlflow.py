"""A run of MLflow: its times, the GPUs' power that it sampled, and what the user logged."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ssl_bench.exporting.mlflow import MANNERS
from ssl_bench.importing.named import energy_of, named_figures, unnamed
from ssl_bench.importing.power import EVERY_GPU, Sample, integrated
from ssl_bench.importing.recorded import UNNAMED_GPU, Recorded, moment, origin
from ssl_bench.settings.exporting import without_password
from ssl_bench.settings.importing import Naming
from ssl_benchmarks.record.flaws import STOPPED
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

POWER = re.compile(r"system/(?:[^/]+/)?gpu_\d+_power_usage_watts")
SYSTEM = "system/"
SAID = origin("MLflow")
LATEST = 3


def read_mlflow(uri: str, run_id: str | None, naming: Naming) -> list[Recorded]:
    """A run by its ID, from a folder, a SQLite file or a server; nothing is written there.

    Raises:
        BadInputError: for a store that cannot be read, or without that run.
    """
    for name, value in {**MANNERS, "MLFLOW_ALLOW_FILE_STORE": "true"}.items():  # folders of older versions too
        os.environ.setdefault(name, value)
    with warnings.catch_warnings(), _store(uri) as store:
        warnings.simplefilter("ignore")  # of its libraries about each other
        try:
            from mlflow import MlflowClient
            from mlflow.exceptions import MlflowException
            from sqlalchemy.exc import SQLAlchemyError
        except ImportError as error:  # a part of MLflow, such as its client alone
            raise BadInputError(f'import mlflow: {error}; pip install "sslbench[mlflow]"') from error
        try:
            client = MlflowClient(tracking_uri=store)
            if run_id is None:
                raise BadInputError(f"mlflow: name a run by its ID after {uri}: {_latest(client)}")
            return [_recorded(client, client.get_run(run_id), naming)]
        except SQLAlchemyError as error:
            raise BadInputError(f"{uri}: no readable database of MLflow ({_reason(error)})") from error
        except (MlflowException, OSError) as error:
            raise BadInputError(f"{uri}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300] or type(error).__name__


@contextmanager
def _store(uri: str) -> Iterator[str]:
    """The address as MLflow takes it, of something that exists."""
    if without_password(uri) != uri:
        raise BadInputError(
            "mlflow: give a password in MLFLOW_TRACKING_PASSWORD, not in the address, which the record keeps"
        )
    path = Path(url2pathname(urlsplit(uri).path) if uri.startswith("file:") else uri.removeprefix("sqlite:///"))
    if uri.startswith(("http://", "https://")):
        yield uri
    elif path.is_file():
        with TemporaryDirectory() as folder:
            plain = Path(folder) / "mlflow.db"  # a name without characters that mean something in an address
            plain.symlink_to(path.resolve())
            # For reading alone. With the driver named, MLflow does not create the folders of a path that is none.
            yield f"sqlite+pysqlite:///file:{plain}?mode=ro&uri=true"
    elif (path / ".trash").is_dir():  # MLflow would create it
        yield path.resolve().as_uri()
    else:
        raise BadInputError(
            f"{uri}: no store of MLflow; give a folder such as mlruns, a SQLite file or the address of a server"
        )


def _latest(client: MlflowClient) -> str:
    experiments = [each.experiment_id for each in client.search_experiments()]
    runs = client.search_runs(experiments, order_by=["attributes.start_time DESC"], max_results=LATEST)
    named = ", ".join(f"{run.info.run_id} ({run.info.run_name})" for run in runs)
    return f"the latest are {named}" if named else "it holds none"


def _recorded(client: MlflowClient, run: Run, naming: Naming) -> Recorded:
    info, logged = run.info, sorted(run.data.metrics)
    begin, end = info.start_time / 1000, (info.end_time or 0) / 1000
    # An unfinished run lasted until its last figure at least.
    needed = [name for name in logged if POWER.fullmatch(name) or name in naming.sources or not end]
    series = {name: _history(client, info.run_id, name) for name in needed}
    until = "end" if end else "last figure"
    end = end or max((time_s for samples in series.values() for time_s, _ in samples), default=begin)
    powers = {name: samples for name, samples in series.items() if POWER.fullmatch(name)}
    gpu = (
        integrated(powers, (begin, end), SAID, EVERY_GPU)
        if powers
        else unavailable("J", f"{SAID}: it sampled no power of a GPU")
    )
    figures = named_figures(naming, {name: series.get(name, []) for name in logged}, (begin, end), SAID)
    return Recorded(
        name=info.run_name or info.run_id,
        created=moment(begin),
        seconds=Quantity(end - begin, "s", "measured", note=f"{SAID}: from the run's start to its {until}"),
        energy=energy_of(gpu, figures, SAID),
        others=figures,
        gpus=(UNNAMED_GPU,) * len(powers),
        flaw="" if info.status == "FINISHED" else STOPPED,
        remarks=unnamed((name for name in logged if not name.startswith(SYSTEM)), naming),
    )


def _history(client: MlflowClient, run_id: str, name: str) -> list[Sample]:
    return [(each.timestamp / 1000, each.value) for each in client.get_metric_history(run_id, name)]

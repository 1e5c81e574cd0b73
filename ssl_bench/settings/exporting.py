"""Settings of `sslbench export`, and of `--track` of the commands that take long."""

from __future__ import annotations

import os
import typing
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal
from urllib.parse import urlsplit

from ssl_bench.settings.options import Settings, option
from ssl_models.errors import BadInputError, choose

Tool = Literal["mlflow", "tensorboard", "wandb"]
Form = Literal["mlflow", "tensorboard", "wandb", "codecarbon", "parquet", "csv"]
TOOLS: tuple[Tool, ...] = typing.get_args(Tool)
PACKAGES = {"mlflow": "mlflow", "tensorboard": "tensorboard", "wandb": "wandb", "parquet": "pyarrow"}
"""What each form needs; the extra of sslbench that installs it has the form's name."""
PROJECT = "sslbench"


@dataclass(frozen=True)
class Destination:
    """Where figures go.

    Attributes:
        tool: the tracker.
        place: MLflow's tracking URI, or the folder of TensorBoard or wandb; None for a folder in the run.
        project: MLflow's experiment, or wandb's project.
        online: whether wandb sends at once; otherwise it writes files for `wandb sync`.
    """

    tool: Tool
    place: str | None = None
    project: str = PROJECT
    online: bool = False


def require_package(form: str, flag: str) -> None:
    """Refuse a form whose package is missing, before any work.

    Raises:
        BadInputError: with the command that installs it.
    """
    package = PACKAGES.get(form)
    found = None if package is None else find_spec(package)
    if package is not None and (found is None or found.origin is None):  # a mere folder of that name has no origin
        raise BadInputError(f'{flag} {form} needs {package}, which is not installed: pip install "sslbench[{form}]"')


def require_mlflow_uri(uri: str | None, flag: str) -> str:
    """The URI of MLflow, given or from its own variable.

    Raises:
        BadInputError: if there is none.
    """
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        raise BadInputError(
            f"{flag} or MLFLOW_TRACKING_URI is missing: the address of a server, such as http://localhost:5000, "
            "or a file, such as sqlite:///mlflow.db"
        )
    return uri


def without_password(uri: str) -> str:
    """A URI as it may be printed.

    Raises:
        BadInputError: if it is none.
    """
    try:
        parts = urlsplit(uri)
        shown = parts.netloc.rpartition("@")[2]
    except ValueError as error:
        raise BadInputError(f"{uri}: not an address ({error})") from error
    return uri.replace(parts.netloc, shown, 1) if parts.password else uri


def parse_track(text: str) -> Destination:
    """The destination in TOOL or TOOL:PLACE, as `--track` takes it.

    Project and mode are those of the tracker's own variables (`MLFLOW_EXPERIMENT_NAME`, `WANDB_PROJECT`, `WANDB_MODE`).

    Raises:
        BadInputError: for an unknown tracker, or an address that cannot be used.
    """
    word, _, rest = text.partition(":")
    tool = typing.cast("Tool", choose(word, TOOLS, "--track"))
    place = rest or None
    if tool == "mlflow":
        if place is not None and without_password(place) != place:
            raise BadInputError(
                "--track mlflow:URI: set MLFLOW_TRACKING_URI instead; the record would keep the password"
            )
        project = os.environ.get("MLFLOW_EXPERIMENT_NAME")
        return Destination(tool, require_mlflow_uri(place, "--track mlflow:URI"), project or PROJECT)
    if tool == "wandb":
        project, mode = os.environ.get("WANDB_PROJECT"), os.environ.get("WANDB_MODE")
        return Destination(tool, place, project or PROJECT, mode == "online")
    return Destination(tool, place)


def require_tracker(text: str | None) -> None:
    """Refuse a `--track` that cannot work, before any work.

    Raises:
        BadInputError: see `parse_track` and `require_package`.
    """
    if text is not None:
        require_package(parse_track(text).tool, "--track")


@dataclass(frozen=True, kw_only=True)
class ExportConfig(Settings):
    """The options of `sslbench export`.

    Attributes:
        run: the run folder, or a `run.json`.
        to: the tracker or the form of the file.
        out: the file or folder to write.
        uri: MLflow's tracking URI.
        project: MLflow's experiment or wandb's project.
        online: whether wandb sends at once.
    """

    run: str = option(help="A run folder, written by any command.", argument=True, metavar="RUN")
    to: Form = option(help="mlflow, tensorboard, wandb, codecarbon, parquet or csv.")
    out: str | None = option(None, "The file or folder to write.", default_text="in the run folder")
    uri: str | None = option(None, "MLflow's tracking URI.", default_text="MLFLOW_TRACKING_URI")
    project: str = option(PROJECT, "MLflow's experiment or wandb's project.")
    online: bool = option(default=False, help="Let wandb send at once, as the user who is logged in.")

    def check(self) -> None:
        """See `Settings.check`; the options suit the form, and its package is installed."""
        super().check()
        if self.uri is not None and self.to != "mlflow":
            raise BadInputError(f"--uri is for --to mlflow, not for {self.to}")
        if self.online and self.to != "wandb":
            raise BadInputError(f"--online is for --to wandb, not for {self.to}")
        if self.out is not None and self.to == "mlflow":
            raise BadInputError("--out: --to mlflow writes to its --uri")
        if not self.project.strip():
            raise BadInputError("--project is empty")
        require_package(self.to, "--to")
        if self.to == "mlflow":
            require_mlflow_uri(self.uri, "--uri")

    @property
    def destination(self) -> Destination:
        """The tracker's, where `to` is one."""
        tool = typing.cast("Tool", choose(self.to, TOOLS, "--to"))
        place = require_mlflow_uri(self.uri, "--uri") if tool == "mlflow" else self.out
        return Destination(tool, place, self.project, self.online)

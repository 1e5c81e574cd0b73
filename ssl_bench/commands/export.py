"""`sslbench export`."""

from __future__ import annotations

import shlex

from ssl_bench.console import Json, fail, print_json, print_summary
from ssl_bench.settings.exporting import ExportConfig


def export_command(config: ExportConfig, *, as_json: Json = False) -> None:
    """Export a run to MLflow, TensorBoard or Weights & Biases, or as a CodeCarbon, Parquet or CSV file."""
    config.check()
    from ssl_bench.exporting.export import export
    from ssl_bench.exporting.follower import TrackerError

    try:
        record, place = export(config)
    except TrackerError as error:
        fail(f"--to {error}", 1)
    if as_json:
        print_json("export", {"run": config.run, "to": config.to, "place": place, "rows": len(record.measurements)})
        return
    said = [f"exported: {len(record.measurements)} measurements of {record.id}", f"to:       {place}"]
    print_summary([], [*said, f"next:     {_next(config, place)}"])


def _next(config: ExportConfig, place: str) -> str:
    """The command that shows what was exported."""
    match config.to:
        case "mlflow":
            uri = str(config.destination.place)
            return (
                "open that address" if uri.startswith("http") else f"mlflow ui --backend-store-uri {shlex.quote(uri)}"
            )
        case "tensorboard":
            return f"tensorboard --logdir {shlex.quote(place)}"
        case "wandb":
            return "open that address" if config.online else f"wandb sync {shlex.quote(place)}"
        case "codecarbon":
            return f"sslbench import codecarbon {shlex.quote(place)}"
        case _:
            return f"sslbench table {shlex.quote(config.run)}"

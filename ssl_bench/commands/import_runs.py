"""`sslbench import`."""

from __future__ import annotations

import shlex

from ssl_bench.console import Json, print_json, print_summary, typed_command
from ssl_bench.settings.importing import ImportConfig


def import_command(
    config: ImportConfig,
    *,
    as_json: Json = False,
) -> None:
    """Import what another tool recorded, each number with its method, for tables beside your runs."""
    config.check()
    from ssl_bench.importing.run import import_runs

    run, record = import_runs(config, typed_command())
    if as_json:
        print_json("import", {"run": str(run.path), **record.document()})
        return
    from ssl_benchmarks.record.details.imported import ImportDetails

    details = record.told(ImportDetails)
    models = list(dict.fromkeys(m.model for m in record.measurements))
    tool = f"{config.tool} {details.version}".rstrip()
    said = [f"imported: {len(models)} run{'s' if len(models) > 1 else ''} of {tool}"]
    missing = dict.fromkeys(m.quantity.note for m in record.measurements if m.quantity.value is None)
    said += [f"missing:  {note}" for note in missing] + [f"note:     {remark}" for remark in details.remarks]
    print_summary([], [*said, f"run:      {run.path}", f"next:     sslbench table {shlex.quote(str(run.path))}"])

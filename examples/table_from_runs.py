"""Make a table of finished runs, and the folder of a paper: python table_from_runs.py RUN... (folders, or run.json files)."""

import sys
from pathlib import Path

import pandas as pd

from ssl_bench import read_evidence, write_paper

COLUMNS: dict[tuple[str | None, str, str | None], str] = {
    ("training", "audio_hours_seen", None): "audio heard (h)",
    ("training", "energy", "machine"): "training (J)",
    ("inference", "audio_seconds_per_second", None): "encoding (× real time)",
    ("evaluation", "per", None): "PER",
}

evidence = read_evidence(sys.argv[1:])
cells: dict[tuple[str, str], dict[str, str]] = {}
for found in evidence.rows:
    column = COLUMNS.get((found.row.phase, found.row.metric, found.row.scope))
    if column and found.quantity.value is not None:
        mark = "†" if found.quantity.flaw else ""  # something speaks against the number: `flaw` says what
        shown = f"{found.quantity.value:.4g}{mark} {found.quantity.method}"
        cells.setdefault((found.label, found.row.model), {})[column] = shown
print(pd.DataFrame.from_dict(cells, orient="index").reindex(columns=list(COLUMNS.values())).to_string(na_rep=""))

files = write_paper(evidence, Path("paper"))
print(f"paper/: {len(files)} files, among them tables, figures, methods and report.html")

"""One name for one system: a trained run has the same name in every record that knows it, and no other run shares it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from ssl_reports.reading.evidence import Evidence


def named(evidence: Evidence) -> Evidence:
    """The evidence with the names of trained models made unique.

    A model that was trained in one of the records keeps its name; where several records trained it, each name has its record's
    in brackets. A record that measured such a run, as `compare` does, calls it by that form already, and is given the same name.
    """
    trained = [
        (number, row.model)
        for number, record in enumerate(evidence.records)
        for row in record.measurements
        if (row.metric, row.phase, row.quantity.method) == ("audio_hours_seen", "training", "measured")
    ]
    runs = Counter(model for _, model in trained)
    full = {(number, model): f"{model} ({evidence.labels[number]})" for number, model in trained}
    names = {whole: whole if runs[model] > 1 else model for (_, model), whole in full.items()}
    own_names: dict[int, dict[str, str]] = {}
    for (number, model), whole in full.items():
        own_names.setdefault(number, {})[model] = names[whole]
    records = []
    for number, record in enumerate(evidence.records):
        own = own_names.get(number, {})
        rows = (replace(row, model=own.get(row.model, names.get(row.model, row.model))) for row in record.measurements)
        records.append(replace(record, measurements=tuple(rows)))
    return Evidence(tuple(records), evidence.folders)

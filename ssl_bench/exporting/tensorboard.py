"""A run as TensorBoard's event files: figures as scalars that describe themselves, settings and the long table as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ssl_bench.exporting.figures import Moment, facts_of, settings_of
from ssl_bench.settings.exporting import Destination
from ssl_benchmarks.record.record import Record
from ssl_reports.tables.grid import markdown_table
from ssl_reports.tables.markdown import escape_markdown

if TYPE_CHECKING:
    from tensorboard.compat.proto.summary_pb2 import Summary

FOLDER = "tensorboard"


class TensorboardTracker:
    """See `ssl_bench.exporting.tracker.Tracker`."""

    def __init__(self, destination: Destination, record: Record, folder: Path) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        into = folder / FOLDER if destination.place is None else Path(destination.place) / folder.resolve().name
        into.mkdir(parents=True, exist_ok=True)
        self.place = str(into)
        self._writer = EventFileWriter(self.place)
        self._described: set[str] = set()
        known = {**facts_of(record), **settings_of(record)}
        rows = [(escape_markdown(name), escape_markdown(text)) for name, text in known.items()]
        self._text("settings", markdown_table(("setting", "value"), rows))
        self._writer.flush()

    def log(self, moments: Sequence[Moment]) -> None:
        """See `Tracker`; the first value of a name describes it, and what is unavailable is in the long table only."""
        from tensorboard.plugins.scalar.summary_v2 import scalar_pb

        for moment in moments:
            for figure in moment.figures:
                words = None if figure.name in self._described else json.dumps(figure.words)
                for name, value in figure.numbers.items():
                    self._described.add(figure.name)
                    self._add(scalar_pb(name, value, words), moment.step, moment.time_s)
        self._writer.flush()

    def close(self, record: Record, folder: Path) -> None:
        """See `Tracker`; the long table is a text, with the reasons for what is missing."""
        del folder
        rows = [measurement.row() for measurement in record.measurements]
        if rows:
            kept = [name for name in rows[0] if any(row[name] not in (None, "") for row in rows)]
            cells = [
                tuple("" if row[name] is None else escape_markdown(str(row[name])) for name in kept) for row in rows
            ]
            self._text("measurements", markdown_table(tuple(kept), cells))
        self._writer.close()

    def _text(self, name: str, text: str) -> None:
        from tensorboard.plugins.text.summary_v2 import text_pb

        self._add(text_pb(name, text), 0, datetime.now(UTC).timestamp())

    def _add(self, summary: Summary, step: int, time_s: float) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.add_event(Event(wall_time=time_s, step=step, summary=summary))

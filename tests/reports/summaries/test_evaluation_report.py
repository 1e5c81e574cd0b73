"""What is odd about rated speech is named beside the rates."""

from __future__ import annotations

from typing import Any

from ssl_benchmarks.record.record import Record
from ssl_reports.summaries.evaluating import kept_lines, left_out_lines

SPEECH: dict[str, Any] = {
    "train": {"counts": {"silent": 1, "resampled": 2}, "kept": {"resampled": {"total": 2, "files": ["a: x", "b: x"]}}},
    "test": {"counts": {"clipped": 1}, "kept": {"clipped": {"total": 1, "files": ["c.wav: clipped: 3.0 %"]}}},
}


def record(details: dict[str, Any]) -> Record:
    return Record("run", "", "finished", "", {}, {}, (), {}, details, kind="evaluation")


def test_odd_files_that_were_rated_are_named_and_all_are_counted() -> None:
    """Also for keywords; what a corpus has in every file is only counted."""
    keywords = {"counts": {"silent": 1}, "kept": {"silent": {"total": 1, "files": ["d.wav: silent"]}}}
    found = record({"speech": SPEECH, "left_out": {"ks": keywords}})
    assert kept_lines(found) == ["test: c.wav: clipped: 3.0 %", "ks: d.wav: silent"]
    assert left_out_lines(found) == ["train:    silent 1, resampled 2", "test:     clipped 1", "ks:       silent 1"]


def test_a_record_from_before_names_were_kept_names_none() -> None:
    assert kept_lines(record({"speech": {"test": {"counts": {"broken": 1}}}})) == []

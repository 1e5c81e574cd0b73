"""`report.md` says what the record says, and leaves out nothing that was left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ssl_benchmarks.profile.second_opinion import ModuleMacs
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Record
from ssl_reports.summaries.training import write_run_report

MODULES = [ModuleMacs("encoder", 2_500_000_000, 2_000_000), ModuleMacs("encoder.blocks.0", 1_000_000, 1_000)]


@pytest.fixture
def report(record: Record, tmp_path: Path) -> str:
    write_run_report(record, tmp_path, [], MODULES)
    assert (tmp_path / "training.png").stat().st_size > 0
    return (tmp_path / "report.md").read_text(encoding="utf-8")


def test_it_opens_with_the_command_and_the_speech(report: str) -> None:
    assert report.startswith("# x\n")
    assert "`sslbench train-and-measure --data 'a|b'`" in report
    assert "1.25 h of speech from `a|b`, 300 utterances of 12 speakers" in report
    assert "2 of 12 speakers, drawn by the seed: 84, 1272" in report


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        ({"folder": "/c/sample-v1", "synthetic": True}, "0.50 h of synthetic speech (eSpeak NG), 182 utterances"),
        ({"folder": "/p/librispeech-sample"}, "0.50 h of the sample of LibriSpeech train-clean-5, 182 utterances"),
        ({"folder": "/p/other"}, "0.50 h of speech from `/p/other`, 182 utterances"),
    ],
)
def test_it_says_which_sample_it_was(record: Record, tmp_path: Path, data: dict[str, object], wanted: str) -> None:
    """That of earlier versions was synthetic."""
    told = {"hours": 0.5, "utterances": 182, "speakers": 28, **data}
    write_run_report(replace(record, details={**record.details, "data": told}), tmp_path, [], None)
    assert wanted in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_it_holds_each_number_with_unit_and_method(report: str) -> None:
    assert "| energy of training, machine | 2.00 | Wh | modelled |" in report
    assert "| energy of training, gpu | not available |  |  |" in report
    assert "| efficient-[bold]tiny | CER | 63.9 % [63.1, 64.6] |" in report


def test_every_table_is_rectangular(report: str) -> None:
    """A `|` that was not escaped would add a cell."""
    tables = [block.splitlines() for block in report.split("\n\n") if block.startswith("| ")]
    assert len(tables) == 3
    for rows in tables:
        assert len({row.replace("\\|", "").count("|") for row in rows}) == 1, rows


def test_notes_files_left_out_and_the_way_to_carbon_are_there(report: str) -> None:
    assert "- energy of training, machine: cpu | dram" in report
    assert "- energy of training, gpu: no GPU was metered" in report
    assert "- left out `a|b/x.wav`: an empty file" in report
    assert "- left out `a|b/y.flac`: not audio, or broken" in report
    assert "--country FRA" in report


def test_modules_in_mega_macs(report: str) -> None:
    assert "| `encoder` | 2,500.0 | 2,000,000 |" in report
    assert "| `encoder.blocks.0` | 1.0 | 1,000 |" in report


def test_without_a_table_of_modules_the_reason_stands(record: Record, tmp_path: Path) -> None:
    write_run_report(record, tmp_path, [], "fvcore is not installed")
    assert "## MACs by module\n\nNone: fvcore is not installed.\n" in (tmp_path / "report.md").read_text(
        encoding="utf-8"
    )


def test_a_stopped_run_says_so_and_a_given_grid_needs_no_hint(record: Record, tmp_path: Path) -> None:
    stopped = replace(
        record, status="unfinished", config={**record.config, "country": "FRA"},
        details={**record.details, "stopped": "by the user"},
    )  # fmt: skip
    write_run_report(stopped, tmp_path, [], None)
    text = (tmp_path / "report.md").read_text()
    assert "unfinished" in text
    assert "Stopped by the user." in text
    assert "--country" not in text
    assert "## MACs by module" not in text


def test_a_rate_to_be_wary_of_is_marked_and_the_mark_explained(record: Record, tmp_path: Path) -> None:
    note = "not shown to be better than its own random weights; x"
    marked = replace(record.measurements[-2], quantity=Quantity(0.5, "1", "measured", note=note))
    write_run_report(replace(record, measurements=(*record.measurements[:-2], marked)), tmp_path, [], None)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "| log-mel | CER | 50.0 % * |" in text
    assert "\n- \\* not shown to be better than its own random weights\n" in text


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        (
            {"silent": 2, "clipped": 0, "resampled": 7},
            "- audio of 9 files: silent 2, resampled 7; the record names them",
        ),
        ({"longer_than_header": 1}, "- audio of 9 files: longer than header 1; the record names them"),
        ({"silent": 0}, ""),
    ],
)
def test_what_is_odd_about_the_audio_is_counted(
    record: Record, tmp_path: Path, counts: dict[str, int], line: str
) -> None:
    audio = {"files_read": 9, "counts": counts, "named": {}}
    write_run_report(replace(record, details={**record.details, "audio": audio}), tmp_path, [], None)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert line in text
    assert ("audio of" in text) == bool(line)

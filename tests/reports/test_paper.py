"""A report is whole, the same for the same records, and survives any name, any missing number and a thousand runs."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_models.recipes import Recipe
from ssl_reports.claims.claims import claims
from ssl_reports.paper.methods import methods_markdown
from ssl_reports.paper.model_card import model_cards
from ssl_reports.reading.evidence import Evidence, distinct
from ssl_reports.reading.published import published_rows
from ssl_reports.reading.stated_recipes import with_recipes
from ssl_reports.report import paper_tables, unread_traces, write_paper
from ssl_reports.tables.data import comma_separated, data_word
from ssl_reports.tables.latex import escape_latex
from ssl_reports.tables.latex_table import latex
from ssl_reports.tables.markdown import markdown
from ssl_reports.tables.notes import MARKS
from ssl_reports.tables.table import Cite, PaperTable

NAME = r"net_50%&#$~^{x}\y|<b>*"
AT = Conditions(device="CPU x 2", dtype="float32", clip_seconds=15.0, batch_seconds=30.0, pue=1.0)
ENVIRONMENT = {
    "system": "Linux", "python": "3.11", "cpu": "a_processor", "cores": 2, "memory_bytes": 2**34, "gpus": [],
    "packages": {"torch": "2.13.0+cpu", "sslbench": "0.1.0"},
}  # fmt: skip


def run(name: str = "run 1", model: str = NAME, *, value: float = 1.0) -> Record:
    def row(metric: str, quantity: Quantity, phase: str, scope: str | None = None, at: Conditions = AT) -> Measurement:
        return Measurement(model, metric, quantity, phase, scope, at)

    rated = Conditions(task="asr-finetune", head="linear", labels="1h", tested_on="test_clean")
    rows = (
        row("audio_hours_seen", Quantity(2.0, "h", "measured"), "training"),
        row("device_hours", Quantity(0.5, "h", "measured"), "training"),
        row("device_hours", Quantity(0.25, "h", "measured"), "targets", None, replace(AT, clip_seconds=None)),
        row("energy", Quantity(3.6e6 * value, "J", "modelled"), "training", "machine"),
        row("energy", Quantity(1.8e6, "J", "modelled"), "targets", "machine", replace(AT, clip_seconds=None)),
        row("co2e", Quantity(56.0, "g", "modelled"), "training", "machine"),
        row("flops_per_audio_second", Quantity(1e9, "FLOP/s", "analytic"), "training"),
        row("peak_memory", Quantity(2.0**30, "B", "measured"), "training"),
        row("memory_weights", Quantity(2.0**29, "B", "analytic"), "training"),
        row("parameters", Quantity(2e6, "1", "analytic"), "inference"),
        row("audio_seconds_per_second", Quantity(100.0, "s/s", "measured", (95.0, 105.0), 9), "inference"),
        row("latency_p50", unavailable("s", "no | clock"), "inference"),
        row("cer", Quantity(0.5, "1", "measured", (0.4, 0.62), 40), "finetuning", None, rated),
    )
    grid = {"g_per_kwh": 56.0, "country": "FRA", "year": 2023, "source": "a table"}
    return Record(
        name, "2026-11-20T08:00:00+00:00", "finished", "sslbench train-and-measure --data 'a b'",
        {"device": "cpu", "seed": 3, "pue": 1.0, "precision": "float32"}, ENVIRONMENT, rows, details={"grid": grid}, kind="training",
    )  # fmt: skip


def without_values(record: Record) -> Record:
    rows = tuple(replace(m, quantity=unavailable(m.quantity.unit, f"no {m.metric} here")) for m in record.measurements)
    return replace(record, measurements=rows)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.slow
def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    evidence = Evidence((run(), run("run 2", "other")))
    files = write_paper(evidence, tmp_path / "a")
    write_paper(evidence, tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert sorted(contents(tmp_path / "a")) == files
    write_paper(evidence, tmp_path / "a")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert {p.name for p in tmp_path.iterdir()} == {"a", "b"}


def named(evidence: Evidence, name: str) -> PaperTable:
    """A table of a report."""
    return next(table for table in paper_tables(evidence, []) if table.name == name)


def test_a_stated_recipe_has_its_projection_and_its_own_device_hours() -> None:
    """1,000 h at 100 × real time are 10 h here, and 96 h there; each row names the source, or the stated hours as such."""
    rate = Measurement(
        "mine.py:step", "audio_seconds_per_second", Quantity(100.0, "s/s", "measured"), "training", None, AT
    )
    stated = Recipe(audio_hours=1_000.0, device_hours=96.0, hardware="4 A100", source="our log", origin="stated")
    found = with_recipes(Evidence((replace(run(), measurements=(rate,)),)), {"mine.py:step": stated})
    (here, paper), (there,) = (
        [
            line
            for line in csv.DictReader(io.StringIO(comma_separated(named(found, name))))
            if line["model"] == "mine.py:step"
        ]
        for name in ("projected", "pretraining")
    )
    assert [float(row["audio [h]"]) for row in (here, paper, there)] == [1_000.0, 18_000.0, 1_000.0]
    assert [float(row["device time [h]"]) for row in (here, paper, there)] == [10.0, 180.0, 96.0]
    assert [row["device time [h] method"] for row in (here, paper, there)] == ["projected", "projected", "stated"]
    assert (there["conditions"], there["source"]) == ("4 A100", "our log")
    assert "Recipe of mine.py:step: stated by the user: our log." in markdown(named(found, "projected"))


def test_numbers_of_a_run_by_hand() -> None:
    """0.5 + 0.25 h, 1 + 0.5 kWh, 7,200 s x 1 GFLOP/s."""
    table = named(Evidence((run(),)), "pretraining")
    line = next(csv.DictReader(io.StringIO(comma_separated(table))))
    assert line["model"] == NAME
    assert float(line["device time [h]"]) == 0.75
    assert float(line["energy [kWh]"]) == pytest.approx(1.5)
    assert line["energy [kWh] method"] == "modelled"
    assert float(line["FLOPs [TFLOP]"]) == pytest.approx(7.2)
    assert float(line["CO2e [g]"]) == pytest.approx(56)
    assert line["source"] == "run 1"
    assert "1.50<sup>m</sup>" in markdown(table)
    assert r"1.50\textsuperscript{m}" in latex(table)


def test_a_rate_is_projected_to_the_recipe_and_to_the_paper_s_hours() -> None:
    """wav2vec 2.0 base saw 640,000 h: at 100 times real time 6,400 h of the device, and 180 h for 18,000 h."""
    rate = Measurement(
        "wav2vec2-base",
        "audio_seconds_per_second",
        Quantity(100.0, "s/s", "measured", (80.0, 125.0)),
        "training",
        None,
        AT,
    )
    joules = Measurement(
        "wav2vec2-base", "energy_per_audio_hour", Quantity(3600.0, "J/h", "modelled"), "training", "machine", AT
    )
    table = named(Evidence((replace(run(), measurements=(rate, joules)),)), "projected")
    first, second = list(csv.DictReader(io.StringIO(comma_separated(table))))[:2]
    assert (first["audio [h] method"], float(first["device time [h]"])) == ("stated", 6400.0)
    assert "| 640,000 |" in markdown(table), "no sign on what is no result"
    assert (
        float(second["device time [h] low"]),
        float(second["device time [h]"]),
        float(second["device time [h] high"]),
    ) == (144, 180, 225)
    assert float(second["CO2e [kg]"]) == pytest.approx(18 * 0.056)
    assert "18.0<sup>m,p</sup>" in markdown(table)


def test_what_cannot_be_had_still_makes_every_table(tmp_path: Path) -> None:
    record = without_values(run())
    for table in paper_tables(Evidence((record,)), claims(Evidence((record,)))):
        assert table.rows
        assert len(markdown(table).splitlines()) > len(table.rows)
        text = comma_separated(table)
        assert "0.0" not in text
        assert len(list(csv.reader(io.StringIO(text)))) == len(table.rows) + 1
    write_paper(Evidence((record,)), tmp_path / "out")
    assert "no device_hours here" in (tmp_path / "out" / "tables" / "pretraining.md").read_text().replace("\\", "")
    assert "emissions" not in (tmp_path / "out" / "model_card.md").read_text()


def test_a_power_trace_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the report and by what tells of traces that could not be read."""
    import pandas as pd

    read: list[Path] = []

    def unreadable(folder: Path) -> pd.DataFrame:
        read.append(folder)
        trace = pd.DataFrame()
        trace.attrs["unread"] = f"{folder.name}: cut short"
        return trace

    monkeypatch.setattr("ssl_reports.reading.evidence.read_trace", unreadable)
    evidence = Evidence((run(),), (tmp_path / "run",))
    write_paper(evidence, tmp_path / "paper")
    assert unread_traces(evidence) == ["run: cut short"]
    assert read == [tmp_path / "run"]


def test_names_stay_in_their_cells() -> None:
    rows = [line for line in markdown(named(Evidence((run(),)), "pretraining")).splitlines() if "net" in line]
    assert len(rows) == 1
    assert rows[0].replace("\\|", "").count("|") == 8
    assert "<b>" not in rows[0]
    assert escape_latex(NAME) in latex(named(Evidence((run(),)), "pretraining"))


def test_a_thousand_runs_make_tables() -> None:
    evidence = Evidence(tuple(run("run", f"model-{number}") for number in range(1000)))
    tables = paper_tables(evidence, claims(evidence))
    inference, memory, quality, pretraining = (
        next(table for table in tables if table.name == name)
        for name in ("inference", "memory", "quality", "pretraining")
    )
    assert [len(table.rows) for table in (inference, memory, quality)] == [1000, 1000, 1000]
    assert len(pretraining.rows) == 1000
    assert latex(inference).startswith("% inference")
    assert "\\begin{longtable}" in latex(inference)
    assert markdown(inference).count("model-") == 1000
    assert evidence.labels[999] == "run #1000"
    assert methods_markdown(evidence).count("run #") == 0


def test_a_record_named_twice_is_there_once() -> None:
    assert distinct([run(), run(), run(value=2.0)], [None, None, None]).labels == ("run 1 #1", "run 1 #2")


def test_runs_of_one_name_are_called_alike_in_tables_and_figures(tmp_path: Path) -> None:
    """By the folders that hold them, never by a whole path."""
    folders = [tmp_path / part / "run 1" for part in ("one", "two")]
    evidence = Evidence((run(), run(value=2.0)), tuple(folders))
    assert evidence.labels == ("one/run 1", "two/run 1")
    write_paper(evidence, tmp_path / "paper")
    texts = {name: content.decode() for name, content in contents(tmp_path / "paper").items() if name.endswith(".csv")}
    sources = {line["source"] for line in csv.DictReader(io.StringIO(texts["tables/inference.csv"]))}
    behind = {line["run"] for line in csv.DictReader(io.StringIO(texts["data/pareto-energy.csv"]))}
    assert sources == behind == set(evidence.labels)
    assert not any(str(tmp_path).encode() in content for content in contents(tmp_path / "paper").values())


def test_model_card_metadata_is_yaml_in_grams() -> None:
    card = model_cards(Evidence((run(),)))["model_card.md"]
    found = yaml.safe_load(card.split("---")[1])["co2_eq_emissions"]
    assert found["emissions"] == 56.0
    assert found["training_type"] == "pre-training"
    assert found["geographical_location"] == "FRA", "no name is known of it"
    assert found["hardware_used"] == "a_processor (2 cores)"
    assert "None of these" in model_cards(Evidence(()))["model_card.md"]
    assert len(model_cards(Evidence((run(), run("b"))))) == 2


def test_of_very_many_pretrainings_the_first_have_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_reports.paper.model_card.MOST", 2)
    cards = model_cards(Evidence(tuple(run(f"r{number}") for number in range(3))))
    assert list(cards) == ["model_card.md", "model_cards/0002.md"]
    assert "Of 3 pretrainings, the first 2 have a card." in cards["model_card.md"]
    assert "the first" not in model_cards(Evidence((run(), run("b"))))["model_card.md"]


def test_what_all_rows_share_stands_below_a_table_and_in_its_data() -> None:
    short = replace(AT, clip_seconds=5.0, batch_seconds=5.0)
    second = tuple(replace(m, conditions=short) if m.conditions == AT else m for m in run(model="other").measurements)
    both = Evidence((run(), replace(run("run 2"), measurements=second)))
    table = named(both, "pretraining")
    assert "Measured on CPU, 2 cores, float32." in markdown(table)
    assert "| 2 clips of 15 s per batch |" in markdown(table)
    assert "| one 5 s clip per batch |" in markdown(table)
    lines = list(csv.DictReader(io.StringIO(comma_separated(table))))
    assert lines[1]["conditions"] == "CPU, 2 cores, float32, one 5 s clip per batch"
    quality = named(both, "quality")
    assert "- Task: speech recognition after fine-tuning.\n" in markdown(quality)
    assert "Head |" not in markdown(quality)
    assert {line["head"] for line in csv.DictReader(io.StringIO(comma_separated(quality)))} == {"linear"}


def test_what_a_record_quotes_is_cited_once() -> None:
    """`compare --published` puts published rows into its record."""
    quoting = replace(
        run(model="hubert-base"), measurements=(*run(model="hubert-base").measurements, *published_rows())
    )
    pretraining, quality = (named(Evidence((quoting,)), name) for name in ("pretraining", "quality"))
    models = [data_word(row[0]) for row in pretraining.rows]
    cited = [row for row in pretraining.rows if data_word(row[0]) == "hubert-base" and isinstance(row[-1], Cite)]
    assert len(cited) == 1
    assert models.count("hubert-base") == 2
    assert len([row for row in quality.rows if data_word(row[0]) == "hubert-base" and isinstance(row[-1], Cite)]) == 8
    own = named(Evidence((run(model="hubert-base"),)), "pretraining")
    assert len(own.rows) == 1, "published numbers are not shown uninvited"


def test_marks_are_told_apart() -> None:
    assert len({sign for sign, _ in MARKS.values()}) == len(MARKS)

"""Model cards as the Hub's own parser reads them: what a record knows, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results

from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, Record, read_run
from ssl_reports.paper.model_card import write_model_card

REAL = Path(__file__).parents[3] / "docs" / "results" / "three-seeds" / "efficient-tiny-seed0"
HELD = Conditions(task="asr", head="linear", labels="1h", tested_on="dev-clean")


def rated(metric: str, value: float | None, **conditions: str | None) -> Measurement:
    quantity = unavailable("1", "no time") if value is None else Quantity(value, "1", "measured", (0.1, 0.9), 50)
    return Measurement("efficient-tiny", metric, quantity, "evaluation", None, replace(HELD, **conditions))


def card(record: Record, folder: Path) -> ModelCard:
    write_model_card(record, folder)
    return ModelCard.load(folder / "README.md")


def test_a_real_training_has_its_emissions_and_no_field_that_it_does_not_know(tmp_path: Path) -> None:
    record = read_run(REAL)
    found = card(record, tmp_path).data.to_dict()
    parts = [record.find("co2e", phase, "machine") for phase in ("training", "targets")]
    assert found == {
        "datasets": ["openslr/librispeech_asr"],
        "library_name": "sslbench",
        "pipeline_tag": "feature-extraction",
        "tags": ["speech", "self-supervised-learning"],
        "co2_eq_emissions": {
            "emissions": pytest.approx(sum(part.value or 0.0 for part in parts if part), rel=0.05),
            "source": "sslbench, energy of the machine, modelled",
            "training_type": "pre-training",
            "geographical_location": "France",
            "hardware_used": "AMD EPYC (2 cores)",
        },
    }


def test_without_a_grid_or_a_known_corpus_their_fields_are_left_out(tmp_path: Path) -> None:
    record = read_run(REAL)
    rows = [replace(m, quantity=unavailable("g", "no grid")) if m.metric == "co2e" else m for m in record.measurements]
    own = {**record.details, "grid": None, "data": {**record.details["data"], "folder": "/speech/mine"}}
    found = card(replace(record, measurements=tuple(rows), details=own), tmp_path).data.to_dict()
    assert not {"co2_eq_emissions", "datasets", "license", "model-index"} & set(found)
    given = {**record.details, "grid": {"g_per_kwh": 56.0, "source": "given by hand"}}
    emissions = card(replace(record, details=given), tmp_path).data.to_dict()["co2_eq_emissions"]
    assert "geographical_location" not in emissions


def test_error_rates_are_results_of_the_model_alone(tmp_path: Path) -> None:
    """In per cent; what is unavailable, or names neither task nor speech, is left out."""
    record = read_run(REAL)
    rates = (
        rated("cer", 0.25), rated("wer", 0.5), rated("accuracy", 0.9, task="sid", tested_on="my speakers"), rated("per", None, task="pr"),
        rated("cer", 0.3, tested_on=None), rated("cer", 0.3, task=None), replace(rated("cer", 0.7), model="log-mel"),
    )  # fmt: skip
    config = {**record.config, "licence": "cc-by-4.0"}
    loaded = card(replace(record, config=config, measurements=(*record.measurements, *rates)), tmp_path)
    found = loaded.data.to_dict()
    assert found["license"] == "cc-by-4.0"
    name, results = model_index_to_eval_results(found["model-index"])
    assert name == "efficient-tiny"
    assert [(r.task_type, r.dataset_type, r.dataset_name, r.metric_type, r.metric_value) for r in results] == [
        ("automatic-speech-recognition", "openslr/librispeech_asr", "dev-clean", "cer", 25.0),
        ("automatic-speech-recognition", "openslr/librispeech_asr", "dev-clean", "wer", 50.0),
        ("audio-classification", "openslr/librispeech_asr", "my speakers", "accuracy", 90.0),
    ]
    assert "| CER, asr, linear head, dev-clean | 25.0 % [10.0, 90.0] | measured |" in loaded.text


def test_a_record_of_no_pretraining_has_no_card(tmp_path: Path) -> None:
    write_model_card(replace(read_run(REAL), measurements=()), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["a: b\n---\nlicense: mit", "yes", "'\"#"])
def test_no_text_of_a_record_becomes_another_field(tmp_path: Path, text: str) -> None:
    record = read_run(REAL)
    machine = {**record.environment, "cpu": text}
    found = card(replace(record, environment=machine), tmp_path).data.to_dict()
    assert found["co2_eq_emissions"]["hardware_used"] == f"{text} (2 cores)"
    assert "license" not in found

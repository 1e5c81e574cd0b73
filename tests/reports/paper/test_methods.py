"""A methods section in sentences, each once, which name no option of the tool and nothing that is not in the records."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from ssl_benchmarks.record.quantity import Method, Quantity
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_reports.paper.methods import methods_latex, methods_markdown, paragraphs, said_of
from ssl_reports.reading.evidence import Evidence
from ssl_reports.tables.table import Column, PaperTable

ENVIRONMENT = {
    "system": "Linux-6.1.0-x86_64-with-glibc2.36", "python": "3.11", "cpu": "a_processor", "cores": 2, "memory_bytes": 2**34,
    "gpus": [], "packages": {"torch": "2.13.0+cpu", "sslbench": "0.1.0", "scikit-learn": "1.9"},
}  # fmt: skip
H100 = {"name": "NVIDIA H100", "memory_bytes": 80 * 2**30, "driver": "550.1", "power_limit_w": 700.0}
GRID = {"g_per_kwh": 56.0, "country": "FRA", "year": 2023, "source": "a table of national energy mixes (France)"}
PROTOCOL = {"window": 0.5, "tolerance": 0.03, "repeats": 1, "duration": 9.5, "cool_down": 0.0, "warm_up_limit": 5.0}


def energy(scope: str, method: Method) -> Measurement:
    return Measurement("m", "energy", Quantity(1.0, "J", method), "training", scope)


def run(name: str = "run 1", *rows: Measurement, kind: Any = "training", **changes: Any) -> Record:
    config = {"device": "cpu", "seed": 3, "pue": 1.0, "precision": "float32"} | changes.pop("config", {})
    rows = rows or (energy("cpu", "modelled"), energy("dram", "modelled"))
    details = {"grid": GRID} | changes.pop("details", {})
    return Record(name, "", "finished", "", config, ENVIRONMENT | changes, rows, details=details, kind=kind)


def text(*records: Record) -> str:
    return methods_markdown(Evidence(records)).replace("\\", "")


def test_each_thing_is_said_once() -> None:
    said = methods_latex(Evidence((run(), run("run 2"))))
    sentences = [each for each in re.split(r"(?<=\.) |\n", said) if each]
    assert len(sentences) == len(set(sentences))
    assert (
        "All measurements were made on one machine with one a\\_processor processor (2 cores) and 16.0~GiB of memory, under Linux."
        in said
    )
    assert "(run 1)" not in said


def test_what_differs_names_its_records() -> None:
    said = text(run(), run("run 2", details={"grid": None}), run("run 3", cores=64))
    assert (
        "In the pretraining run 2, CO2e is not reported, because no electricity grid was named and none is guessed."
        in said
    )
    assert (
        "In the pretraining run 1 and the pretraining run 3, CO2e is energy multiplied by a power usage "
        "effectiveness (PUE) of 1 and a grid intensity of 56 g/kWh (France, 2023, a table of national energy mixes)."
        in said
    )
    assert "Measurements were made on one machine with one a_processor processor (64 cores)" in said
    assert "(run 3)" in said
    assert "All measurements" not in said


def test_sentences_of_one_record_stand_together_after_those_of_all() -> None:
    protocol = dict(paragraphs(Evidence((run(), compared()))))["Protocol"]
    shared, first, second = re.split(r"In the (?:pretraining|comparison), ", protocol)
    assert shared.startswith("FLOPs are counted")
    assert first.startswith("models were run in float32. The training was metered")
    assert second.startswith("models were run in float32 and compiled. All models (")
    assert second.endswith("another round).")


def test_many_records_are_counted() -> None:
    said = text(run(), *(run(f"n{i}", cores=8) for i in range(1200)))
    assert "(1,200 records)" in said
    assert "n7" not in said


def test_it_names_no_option_no_kernel_and_few_packages() -> None:
    said = text(run(details={"stopped": "--minutes"}))
    assert "--" not in said
    assert "6.1.0" not in said
    assert "scikit-learn" not in said
    assert "PyTorch 2.13.0 and Python 3.11" in said
    assert "scikit-learn 1.9" in dict(said_of(run()))["Software"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([energy("gpu", "measured")], "The energy of the GPU was read from the energy counter of the driver (NVML)."),
        ([energy("gpu", "sampled")], "integrated from samples of its power"),
        ([energy("cpu", "measured"), energy("dram", "modelled")], "CPU was read from the energy counter of the processor (RAPL)."),
        ([energy("cpu", "modelled"), energy("dram", "modelled")], "both with CodeCarbon, since no counter was available."),
        ([energy("machine", "modelled")], "The energy of the machine was modelled; its parts were not recorded."),
        ([energy("cpu", "projected")], "No energy was recorded."),
    ],
    ids=["counter", "samples", "rapl", "modelled", "whole", "none"],
)  # fmt: skip
def test_energy_by_the_methods_of_the_rows(rows: list[Measurement], words: str) -> None:
    assert words in text(run("r", *rows))


def test_a_gpu_comes_with_its_machine() -> None:
    said = text(run("r", energy("gpu", "measured"), gpus=[H100], cuda="12.4", config={"device": "cuda"}))
    assert (
        "one NVIDIA H100 (80.0 GiB, driver 550.1, power limit 700 W) in a machine with one a_processor processor (2 cores)"
        in said
    )
    assert "with CUDA 12.4" in said


def test_works_are_cited_where_they_are_used() -> None:
    held = run(details={"data": {"folder": "/x/LibriSpeech/train", "hours": 5.25}})
    row = Measurement("hubert-tiny", "cer", Quantity(0.5, "1", "measured"), "evaluation", None, Conditions(task="pr", head="linear", labels="10min", tested_on="dev"))  # fmt: skip
    said = methods_latex(Evidence((held.extended([row]),)))
    for key in ("hsu2021hubert", "panayotov2015librispeech", "codecarbon", "sslbench"):
        assert f"~\\cite{{{key}}}" in said
    assert "essl" not in said
    assert "For phone recognition, a linear head was trained on 10~min of labels and evaluated on dev." in said
    plain = dict(paragraphs(Evidence((held,))))["Software"]
    assert plain.startswith("We used sslbench 0.1.0, ")


def compared(*, sets: int = 1, rounds: int = 4, **target: Any) -> Record:
    found = {
        "precision": 0.02,
        "met": False,
        "ended": "a further round would have ended after --minutes",
        "minutes": 10.0,
    }
    each = [{"cells": [], "processes": 1 + number % sets} for number in range(rounds)]
    details = {"rounds": each, "target": found | target, "models": ["essl", "hubert-base", "wavlm-base"]}
    return run("run 2", kind="comparison", details=details, config={"protocol": PROTOCOL, "compile": True})


def test_models_in_turn_have_rounds_and_pairs() -> None:
    said = text(compared())
    for words in (
        "Models were run in float32 and compiled. All models (essL, HuBERT Base and WavLM Base) were measured in one session.",
        "In each round every model and phase was run once, in random order, each in a process of its own that was kept between rounds; each was warmed up until",
        "the medians of two 0.5 s windows differed by at most 3 %, for at most 5 s, then timed for 9.5 s. Four rounds were completed.",
        "within ± 2 %, was not reached (the time budget left no room for another round).", "Ratios are paired by round",
    ):  # fmt: skip
        assert words in said, words
    assert "restarted" not in said
    assert "Only one round was completed, so intervals exclude between-round variance." in text(compared(rounds=1))
    assert "restarted twice; intervals are over these three sets" in text(compared(rounds=6, sets=3))
    assert "was reached." in text(compared(met=True))


def test_repeats_and_runs_side_by_side_are_no_rounds() -> None:
    alone = run(kind="measurement", config={"protocol": {**PROTOCOL, "repeats": 3, "cool_down": 2.0}})
    assert "three repeats of 9.5 s with 2 s of rest" in text(alone)
    assert "in one repeat of up to" in text(run(kind="measurement", config={"protocol": PROTOCOL}))
    of_runs = run("run 3", kind="comparison", details={"rounds": [], "sources": []})
    assert "Numbers of finished runs are shown side by side" in text(of_runs)
    assert "paired by round" not in text(alone, of_runs)


def test_disturbances_and_flaws() -> None:
    flawed = replace(energy("cpu", "modelled"), quantity=Quantity(1.0, "J", "modelled", flaw="disturbed"))
    said = text(run(), run("run 2", flawed, details={"disturbances": {"a": ["b"]}}))
    assert "were observed in 1 of 2 records (run 2)." in said
    assert (
        "at least two unflawed ones remained; other flawed numbers are marked, as explained below each table." in said
    )
    assert "No competing processes and no throttling were observed." in text(run())
    assert "1 of 1 runs did not finish (run 1)." in text(replace(run(), status="unfinished"))


def test_figures_of_others_and_of_a_command_say_so() -> None:
    imported = run("i", energy("gpu", "measured"), kind="import", details={"tool": "codecarbon", "version": "3.2"})
    said = text(imported)
    assert "The numbers were recorded by codecarbon 3.2 and imported" in said
    assert "Energy was recorded by codecarbon 3.2, not by sslbench." in said
    assert "NVML" not in said
    assert "A command was metered from start to finish" in text(run("m", kind="meter"))


SPEECH = {
    "labels": "1h", "how": "", "train": {"folder": "LibriSpeech/train-clean-5", "hours": 1.0, "available_hours": 4.8, "formats": {"opus": 9}},
    "dev": {"folder": "LibriSpeech/train-clean-5", "hours": 0.5, "available_hours": 0.5},
    "test": {"folder": "LibriSpeech/dev-clean", "hours": 1.6},
}  # fmt: skip


def study(*rows: Measurement, seeds: int = 1, models: tuple[str, ...] = ("efficient-tiny",), **changes: Any) -> Record:
    budget = {"equal": None, "budget": None, "runs": []} | changes.pop("study", {})
    training = {"data": "LibriSpeech/train-clean-5"} | changes.pop("training", {})
    config = {"models": list(models), "seeds": seeds, "training": training}
    details = {"study": budget, "speech": SPEECH}
    return run("a study", *rows, kind="study", config=config, details=details, **changes)


def rated(task: str, hours: str, metric: str = "per", n: int = 623) -> Measurement:
    held = Conditions(task=task, head="linear", labels="1h", tested_on="dev-clean")
    note = f"CTC, greedy, {hours} h of labels, 12 unseen speakers; 95 % bootstrap"
    return Measurement(
        "efficient-tiny", metric, Quantity(0.7, "1", "measured", (0.6, 0.8), n, note), "evaluation", None, held
    )


def test_the_speech_is_that_of_each_record() -> None:
    """By what each kind of record says of it; a path is never shown."""
    synthetic = run(
        "c", kind="comparison", details={"rounds": [], "speech": "synthetic, two voices of eSpeak NG 1.52.0"}
    )
    trained = run(
        "t",
        details={
            "data": {
                "folder": "/home/me/LibriSpeech/train-clean-5",
                "hours": 5.31,
                "speakers": 28,
                "formats": {"opus": 3},
            }
        },
    )
    own = run("o", details={"data": {"folder": "/home/me/talks", "hours": 2.0, "formats": {"wav": 3}}})
    sample = run(
        "m", kind="measurement", details={"cells": [], "speech": "of the sample (half an hour of LibriSpeech)"}
    )
    assert "Speech." not in text(run())
    assert "In the comparison, batches were made of synthetic speech (two voices of eSpeak NG 1.52.0)." in text(
        synthetic, trained
    )
    assert (
        "In the pretraining, the model was pretrained on train-clean-5 of Mini LibriSpeech, a subset of LibriSpeech (5.31 h, 28 speakers), stored as Opus."
        in text(synthetic, trained)
    )
    assert "The model was pretrained on an unnamed corpus (2.00 h)." in text(own)
    assert (
        "half an hour of train-clean-5 (28 speakers) of Mini LibriSpeech, a subset of LibriSpeech, re-encoded with Opus"
        in text(sample)
    )
    assert (
        "The model was pretrained on train-clean-5 of Mini LibriSpeech, a subset of LibriSpeech (5.30 h), stored as Opus."
        in text(study())
    )
    assert "synthetic speech (eSpeak NG)" in text(study(training={"data": "sample"})), "as the sample once was"
    assert "me" not in re.findall(r"\w+", text(trained, own))


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (study(seeds=3, training={"minutes": 10.0}), "The model was trained with three seeds, for 10 min each."),
        (
            study(training={"steps": 500, "kwh": 0.5}),
            "The model was trained with one seed, for 500 steps or 0.5 kWh of energy.",
        ),
        (study(), "The model was trained with one seed."),
        (
            study(seeds=2, models=("a", "b"), study={"equal": "joules", "budget": 3600.0}),
            "Each model was trained in a separate process with two seeds and the same budget, 1.00 Wh of energy each.",
        ),
    ],
    ids=["seeds", "limits", "nothing", "budget"],
)
def test_a_study_says_its_models_seeds_and_budget(record: Record, words: str) -> None:
    assert words in text(record)


def test_labels_and_tests_are_those_that_were_used() -> None:
    """Phones use the part whose words are in the dictionary."""
    said = text(study(rated("pr", "0.57"), rated("asr", "1", "cer", 846)))
    assert (
        "trained on 0.57 h of labels (the part of 1 h whose words are in the dictionary) from train-clean-5 and evaluated on "
        "623 utterances of 12 speakers of dev-clean." in said
    )
    assert (
        "trained on 1 h of labels from train-clean-5 and evaluated on 846 utterances of 12 speakers of dev-clean."
        in said
    )


def uncertainty(*records: Record, tables: tuple[PaperTable, ...] = ()) -> str:
    return dict(paragraphs(Evidence(records), tables))["Uncertainty"]


def test_only_intervals_that_occur_are_explained() -> None:
    counter = Measurement("m", "energy", Quantity(1.0, "J", "measured", (0.9, 1.1)), "training", "gpu")
    alone = uncertainty(run("r", energy("gpu", "measured")))
    assert alone == "All intervals are 95 % intervals."
    assert "the union of the counter's own error and, over repeats, Student's t interval" in uncertainty(
        run("r", counter)
    )
    assert "Modelled energy has no interval" in uncertainty(run())
    assert "bootstrap" in uncertainty(study(rated("pr", "1")))
    assert "means over them" in uncertainty(study(seeds=3))
    assert "means over them" not in uncertainty(study())
    assert "in quadrature" in uncertainty(run("c", kind="comparison", details={"rounds": [], "sources": []}))
    assert "over repeats" in uncertainty(run(kind="measurement", config={"protocol": {**PROTOCOL, "cool_down": 2.0}}))
    assert "over processes" in uncertainty(run(kind="measurement", config={"protocol": PROTOCOL}))
    assert "confidence" not in text(compared(), study(rated("pr", "1")))


def test_ratios_and_projections_of_tables_are_explained() -> None:
    projected = Quantity(3.0, "h", "projected")
    plain = PaperTable("t", "T", (Column("a"), Column("b")), (("m", Quantity(1.0, "h", "measured")),))
    assert uncertainty(run(), tables=(plain,)) == uncertainty(run())
    assert "audio hours of the recipe" in uncertainty(run(), tables=(replace(plain, rows=(("m", projected),)),))
    assert "relative half-widths" in uncertainty(run(), tables=(replace(plain, ratios={(0, 1): projected}),))


def test_our_model_is_described_and_others_are_compared_with_it() -> None:
    def models(*names: str) -> str:
        rows = [Measurement(name, "parameters", Quantity(2e6, "1", "analytic"), "inference") for name in names]
        return dict(paragraphs(Evidence((run("r", *rows),)))).get("Models", "")

    both = models("efficient-tiny", "hubert-base", "log-mel")
    assert "(efficient-tiny: 8 blocks of width 144). We compare it with HuBERT, in the sizes" in both
    assert models("hubert-base").startswith("We measured HuBERT")
    assert models("mine") == ""

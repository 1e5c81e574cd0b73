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

ENVIRONMENT = {
    "system": "Linux-6.1.0-x86_64-with-glibc2.36", "python": "3.11", "cpu": "a_processor", "cores": 2, "memory_bytes": 2**34,
    "gpus": [], "packages": {"torch": "2.13.0+cpu", "sslbench": "0.1.0", "scikit-learn": "1.9"},
}  # fmt: skip
H100 = {"name": "NVIDIA H100", "memory_bytes": 80 * 2**30, "driver": "550.1", "power_limit_w": 700.0}
GRID = {"g_per_kwh": 56.0, "country": "FRA", "year": 2023, "source": "a table (of mixes)"}
PROTOCOL = {"window": 0.5, "tolerance": 0.03, "repeats": 1, "duration": 9.5, "cool_down": 0.0}


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
        "All measurements were made on one a\\_processor processor with 2 cores and 16.0~GiB of memory, under Linux."
        in said
    )
    assert "(run 1)" not in said


def test_what_differs_names_its_records() -> None:
    said = text(run(), run("run 2", details={"grid": None}), run("run 3", cores=64))
    assert "Record run 2: CO2e is not reported, because no electricity grid was named and none is guessed." in said
    assert (
        "Records run 1 and run 3: CO2e is energy times a PUE of 1 and a grid intensity of 56 g/kWh (FRA, 2023, a table, of mixes)."
        in said
    )
    assert "Measurements were made on one a_processor processor with 64 cores" in said
    assert "(run 3)" in said
    assert "All measurements" not in said


def test_sentences_of_one_record_stand_together_after_those_of_all() -> None:
    protocol = dict(paragraphs(Evidence((run(), compared()))))["Protocol"]
    shared, first, second = re.split(r"Record run \d: ", protocol)
    assert shared.startswith("FLOPs are counted")
    assert first.startswith("Models were run in float32. The training was metered")
    assert second.startswith("Models were run in float32 and compiled. All models (")
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
        "one NVIDIA H100 (80.0 GiB, driver 550.1, power limit 700 W) in a machine with one a_processor processor"
        in said
    )
    assert "with CUDA 12.4" in said


def test_works_are_cited_where_they_are_used() -> None:
    held = run(config={"data": "/x/LibriSpeech/train"})
    row = Measurement("hubert-tiny", "cer", Quantity(0.5, "1", "measured"), "evaluation", None, Conditions(task="pr", head="linear", labels="10min", tested_on="dev"))  # fmt: skip
    said = methods_latex(Evidence((held.extended([row]),)))
    for key in ("hsu2021hubert", "panayotov2015librispeech", "codecarbon", "sslbench"):
        assert f"~\\cite{{{key}}}" in said
    assert "essl" not in said
    assert "For phone recognition, a linear head was trained on 10~min of labels and evaluated on dev." in said
    plain = dict(paragraphs(Evidence((held,))))["Software"]
    assert plain.startswith("The software was sslbench 0.1.0, ")


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
        "Models were run in float32 and compiled. All models (essl, hubert-base and wavlm-base) were measured in one session.",
        "In each round every model and phase was run once, in random order, in a separate process; each was warmed up until",
        "the medians of two 0.5 s windows differed by at most 3 %, then timed for 9.5 s. 4 rounds were completed.",
        "within ± 2 %, was not reached (the time budget left no room for another round).", "Ratios are paired by round",
    ):  # fmt: skip
        assert words in said, words
    assert "started anew" not in said
    assert "Only one round was completed, so intervals exclude between-round variance." in text(compared(rounds=1))
    assert "started anew 2 times; intervals count these 3 sets" in text(compared(rounds=6, sets=3))
    assert "was reached." in text(compared(met=True))


def test_repeats_and_runs_side_by_side_are_no_rounds() -> None:
    alone = run(kind="measurement", config={"protocol": {**PROTOCOL, "repeats": 3, "cool_down": 2.0}})
    assert "3 repeats of 9.5 s with 2 s of rest" in text(alone)
    assert "1 repeats" not in text(run(kind="measurement", config={"protocol": PROTOCOL}))
    of_runs = run("run 3", kind="comparison", details={"rounds": [], "sources": []})
    assert "Figures of finished runs are shown side by side" in text(of_runs)
    assert "paired by round" not in text(alone, of_runs)


def test_disturbances_and_flaws() -> None:
    flawed = replace(energy("cpu", "modelled"), quantity=Quantity(1.0, "J", "modelled", flaw="disturbed"))
    said = text(run(), run("run 2", flawed, details={"disturbances": {"a": ["b"]}}))
    assert "were observed in 1 of 2 records (run 2)." in said
    assert (
        "at least two unflawed ones remained; other flawed numbers carry †, ‡, § or ¶, as explained below each table."
        in said
    )
    assert "No competing processes and no throttling were observed." in text(run())
    assert "1 of 1 runs did not finish (run 1)." in text(replace(run(), status="unfinished"))


def test_figures_of_others_and_of_a_command_say_so() -> None:
    imported = run("i", energy("gpu", "measured"), kind="import", details={"tool": "codecarbon", "version": "3.2"})
    said = text(imported)
    assert "The figures were recorded by codecarbon 3.2 and imported" in said
    assert "Energy was recorded by codecarbon 3.2, not by sslbench." in said
    assert "NVML" not in said
    assert "A command was metered from start to finish" in text(run("m", kind="meter"))

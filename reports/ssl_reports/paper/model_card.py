"""What a pretraining cost and how good its model is, as a model card for the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.record.details.common import SAMPLE, Details
from ssl_benchmarks.record.details.training import TrainingDetails
from ssl_benchmarks.record.metrics import RATES, label_of
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement, Record
from ssl_models.parts.shareable import CARD
from ssl_reports.flaw_marks import noted
from ssl_reports.paper.surroundings import hardware_of
from ssl_reports.paper.tables import whole_run
from ssl_reports.reading.evidence import Evidence, Setting, settings, with_flaws
from ssl_reports.reading.repricing import country_of
from ssl_reports.tables.grid import markdown_table
from ssl_reports.tables.markdown import escape_markdown
from ssl_reports.units import method_word, percent, worded

MOST = 1000
"""The most cards."""
LIBRISPEECH = "openslr/librispeech_asr"
TASKS = {
    "asr": "automatic-speech-recognition", "asr-finetune": "automatic-speech-recognition",
    "pr": "automatic-speech-recognition", "sid": "audio-classification", "asv": "audio-classification",
    "ks": "audio-classification", "abx": "feature-extraction",
}  # fmt: skip
"""The Hub's name of each task of an evaluation."""


def write_model_card(record: Record, folder: Path) -> None:
    """Write the card of a training's model into the model's folder, under the name that the Hub looks for."""
    for run in pretrainings(Evidence((record,)))[:1]:
        write_atomically(folder / CARD, model_card(run))


def pretrainings(evidence: Evidence) -> list[Setting]:
    """The pretrainings among the records, not projected ones."""
    found = settings(evidence, "training")
    return [s for s in found if (hours := s.find("audio_hours_seen")) and hours.method == "measured"]


def model_cards(evidence: Evidence) -> dict[str, str]:
    """Cards by file name: `model_card.md` for the first pretraining, or why there is none; others in `model_cards/`."""
    runs = pretrainings(evidence)
    if not runs:
        return {
            "model_card.md": "# Model card\n\nNone of these records is of a pretraining, so there is no energy or "
            "CO2e to report.\n"
        }
    more = f"\nOf {len(runs):,} pretrainings, the first {MOST:,} have a card.\n" if len(runs) > MOST else ""
    cards = {"model_card.md": model_card(runs[0]) + more}
    for number, run in enumerate(runs[1:MOST], start=2):
        cards[f"model_cards/{number:04d}.md"] = model_card(run)
    return cards


def model_card(run: Setting) -> str:
    """YAML metadata as the Hub specifies it, and a table; what is unavailable is left out of the metadata."""
    scope = run.scope
    lines = [
        ("device-hours", whole_run(run, "device_hours", None)),
        ("audio hours seen", run.find("audio_hours_seen")),
        *((f"energy, {part}", whole_run(run, "energy", part)) for part in ("machine", "gpu", "cpu", "dram")),
        *((f"CO2e, {part}", whole_run(run, "co2e", part)) for part in ("machine", "gpu")),
        ("peak memory of training", run.find("peak_memory")),
    ]
    table = [(name, worded(q), method_word(q.method), escape_markdown(noted(q))) for name, q in lines if q is not None]
    rated = [(row, with_flaws(row, run.record).quantity) for row in rates(run)]
    table += [
        (_rated(row), percent(q), method_word(q.method), escape_markdown(noted(q)))
        for row, q in rated
        if q.value is not None
    ]
    return (
        f"---\n{_metadata(run, whole_run(run, 'co2e', scope)).to_yaml()}\n---\n\n# "
        f"{escape_markdown(run.model)}\n\nPretrained in run {escape_markdown(run.label)}, started "
        f"{run.record.created}, on {escape_markdown(hardware_of(run.record))}. Metered by sslbench, target fitting "
        "included.\n\n" + markdown_table(("what", "value", "method", "note"), table)
    )


def rates(run: Setting) -> list[Measurement]:
    """The model's error rates in its own record."""
    return [row for row in run.record.measurements if row.model == run.model and row.metric in RATES]


def _rated(row: Measurement) -> str:
    held = row.conditions
    return ", ".join(filter(None, (label_of(row.metric), held.task, held.head and f"{held.head} head", held.tested_on)))


def _metadata(run: Setting, carbon: Quantity | None) -> ModelCardData:
    """The fields that the record knows."""
    licence = run.record.config.get("licence")
    corpus = run.record.told(TrainingDetails).data.folder if run.record.kind == "training" else ""
    datasets = [LIBRISPEECH] if _is_librispeech(corpus) else None
    results = list(_results(run))
    return ModelCardData(
        license=licence if isinstance(licence, str) else None,
        library_name="sslbench",
        pipeline_tag="feature-extraction",
        datasets=datasets,
        tags=["speech", "self-supervised-learning"],
        model_name=run.model if results else None,
        eval_results=results or None,
        co2_eq_emissions=_emissions(run, carbon),
    )


def _emissions(run: Setting, carbon: Quantity | None) -> dict[str, Any] | None:
    """`co2_eq_emissions`, in grams; None if CO2e is unavailable."""
    if carbon is None or carbon.value is None:
        return None
    grid = run.record.told(Details).grid
    found = {
        "emissions": float(f"{carbon.value:.2g}"),
        "source": f"sslbench, energy of the {run.scope}, {carbon.method}",
        "training_type": "pre-training",
        "geographical_location": None if grid is None else country_of(grid),
        "hardware_used": hardware_of(run.record),
    }
    return {name: value for name, value in found.items() if value is not None}


def _results(run: Setting) -> Iterator[EvalResult]:
    """The error rates that name their task and their test speech, in per cent."""
    held_out = str(run.record.config.get("eval_data") or run.record.config.get("data") or "")
    for row in rates(run):
        task, tested_on = TASKS.get(row.conditions.task or ""), row.conditions.tested_on
        if task is None or tested_on is None or row.quantity.value is None:
            continue
        known = _is_librispeech(held_out) or tested_on == SAMPLE
        yield EvalResult(
            task_type=task,
            task_name=row.conditions.task,
            dataset_type=LIBRISPEECH if known else tested_on,
            dataset_name=tested_on,
            metric_type=row.metric,
            metric_name=f"{_rated(row)}, %",
            metric_value=100 * row.quantity.value,
        )


def _is_librispeech(folder: str) -> bool:
    return bool({"librispeech", SAMPLE, "sample"} & {part.lower() for part in PurePath(folder).parts})

"""The tables of a paper: cost of pretraining, cost of inference, memory by part, quality, claims."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ssl_benchmarks.comparing.projection import pretraining_flops, project, works
from ssl_benchmarks.record.details.common import Details
from ssl_benchmarks.record.metrics import METRICS, RATES
from ssl_benchmarks.record.quantity import DERIVED, Quantity, added, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement
from ssl_models.catalog import HEADLINE
from ssl_models.recipes import RECIPES
from ssl_reports.claims.finding import Claim, Finding
from ssl_reports.claims.predictions import BASELINE, ERROR, STEP, Predictions
from ssl_reports.claims.sizes import BOUNDS, by_size
from ssl_reports.paper.display import display
from ssl_reports.paper.prose import cite
from ssl_reports.paper.protocol import TASKS
from ssl_reports.reading.conditions import evaluated_on, learned_from, step_words, where
from ssl_reports.reading.evidence import Evidence, Found, Setting, settings
from ssl_reports.reading.published import published_rows, reference_of
from ssl_reports.reading.repricing import grid_of
from ssl_reports.tables.data import data_word
from ssl_reports.tables.readable import readable
from ssl_reports.tables.table import Cell, Cite, Column, PaperTable, Words, times, word
from ssl_reports.words import RATES as RATE_WORDS

FLOPS = "1 MAC = 2 FLOPs; matrix products and convolutions are counted."
WHOSE = "Energy is that of the GPU where one was used, otherwise of the machine."

PRETRAINING = (
    Column("model"), Column("conditions", width=0.2), Column("audio", "h", method="stated"), Column("device time", "h"),
    Column("FLOPs", "EFLOP", 1e-18), Column("energy", "kWh", 1 / 3.6e6), Column("CO2e", "kg", 1e-3), Column("source", width=0.12),
)  # fmt: skip
Raw = tuple[Cell | Conditions, ...]
"""A row with its conditions as a record has them."""


def _made(name: str, caption: str, columns: Sequence[Column], rows: Sequence[Raw], *notes: str) -> PaperTable:
    """A table whose rows have their conditions in words, each in as few as distinguish it; what all rows share stands below.

    Data have every cell in full.
    """
    steps = (c for row in rows for c in row if isinstance(c, Conditions) and c.dtype is not None)
    parts = list(map(step_words, steps))
    shared = [part for part in (parts[0] if parts else []) if all(part in own for own in parts)]
    same = [
        i for i in range(1, len(columns)) if len(rows) > 1 and _in_words(rows[0][i]) and len({r[i] for r in rows}) == 1
    ]

    def cell(i: int, raw: Cell | Conditions) -> Cell:
        if isinstance(raw, Conditions):
            return Words(", ".join(part for part in step_words(raw) if part not in shared), where(raw))
        if i == 0 and isinstance(raw, str):
            return display(raw)
        return Words("", data_word(raw)) if i in same else raw

    found = tuple(tuple(cell(i, raw) for i, raw in enumerate(row)) for row in rows)
    said = [f"Measured on {', '.join(shared)}."] if shared else []
    said += [f"{columns[i].title}: {_in_words(rows[0][i])}." for i in same if columns[i].name != "source"]
    return PaperTable(name, caption, readable(columns, found), found, (*notes, *said))


def _in_words(raw: Cell | Conditions) -> str:
    """The text of a cell that has one, and no reference."""
    return word(raw) if isinstance(raw, str | Words) else ""


def pretraining_table(evidence: Evidence, *, published: bool = False) -> PaperTable:
    """What whole trainings spent, device-hours of stated recipes, and published numbers where asked for or quoted by a record."""
    rows = [row for setting in settings(evidence, "training") for row in _spent(setting)]
    rows += _stated_rows(evidence)
    quoted = any(found.quantity.method == "published" for found in evidence.rows)
    rows += _published_rows(evidence) if published or quoted else []
    note = f"Time, energy and CO2e include fitting targets. {WHOSE} {FLOPS}"
    return _made("pretraining", "Cost of pretraining", PRETRAINING, rows, note)


def projected_table(evidence: Evidence) -> PaperTable:
    """Whole pretrainings projected from a measured rate."""
    rows = [row for setting in settings(evidence, "training") for row in _projected(setting)]
    note = f"Audio: of each model's recipe, and of the paper whose claims are checked. {WHOSE} {FLOPS}"
    stated = {model: each.recipe for each in settings(evidence, "training") for model in [each.model] if each.recipe}
    said = [f"Recipe of {model}: {recipe.cited}." for model, recipe in stated.items() if recipe.origin == "stated"]
    return _made("projected", "Projected cost of pretraining", PRETRAINING, rows, note, *said)


def _of_a_run(setting: Setting) -> bool:
    """Whether the setting is a whole training."""
    hours = setting.find("audio_hours_seen")
    return hours is not None and hours.method not in {"published", "projected"}


def _spent(setting: Setting) -> Iterator[Raw]:
    if not _of_a_run(setting):
        return
    hours, scope = setting.find("audio_hours_seen"), setting.scope
    flops = pretraining_flops(setting.find("flops_per_audio_second"), hours)
    costs = [whole_run(setting, metric, part) for metric, part in (("energy", scope), ("co2e", scope))]
    time = whole_run(setting, "device_hours", None)
    yield setting.model, setting.conditions, hours, time, flops, *costs, _source(setting)


def _projected(setting: Setting) -> Iterator[Raw]:
    rate = setting.find("audio_seconds_per_second")
    if _of_a_run(setting) or rate is None or (rate.ci95 is not None and rate.ci95[0] <= 0):
        return
    per_hour = setting.find("energy_per_audio_hour", setting.scope) or unavailable("J/h", "energy was not asked for")
    prices: Any = {"grid": grid_of(setting.record), "pue": setting.conditions.pue or 1.0, "price_per_hour": None}
    stated = setting.record.told(Details).recipes
    for work in (each for each in works(setting.model, stated) if each.hours is not None):
        derived = "" if float(work.hours or 0.0).is_integer() else DERIVED
        seen = Quantity(work.hours, "h", "stated", note=f"{derived}{work.source}")
        made = project(setting.model, work, rate, per_hour, **prices)
        flops = pretraining_flops(setting.find("flops_per_audio_second"), seen)
        costs = (made.device_hours, flops, made.energy, made.co2e)
        yield setting.model, setting.conditions, seen, *costs, _source(setting)


def whole_run(setting: Setting, metric: str, scope: str | None) -> Quantity | None:
    """The sum of fitting targets, if there were any, and training."""
    parts = {
        "training": setting.find(metric, scope),
        "targets": setting.record.find(metric, "targets", scope, setting.model),
    }
    known = {name: part for name, part in parts.items() if part is not None}
    return added(known, next(iter(known.values())).unit) if known else None


def _source(setting: Setting) -> str:
    return setting.label + ("" if setting.record.status == "finished" else f" ({setting.record.status})")


def _published_rows(evidence: Evidence) -> list[Raw]:
    """The published rows of models in the records, and of models that this tool does not have."""
    found: dict[str, dict[str, Measurement]] = {}
    for row in published_rows():
        if row.phase == "training" and row.metric in {"audio_hours_seen", "device_hours"}:
            found.setdefault(row.model, {})[row.metric] = row
    asked = {model for model in found if model in evidence.models or model not in RECIPES}
    rows: list[Raw] = []
    for model in (each for each in found if each in asked):
        hours, spent = found[model].get("audio_hours_seen"), found[model].get("device_hours")
        first = spent or hours
        key = None if first is None else reference_of(first)
        source = Cite(key, first.quantity.note.split(";")[0]) if first is not None and key is not None else ""
        device = None if spent is None else spent.conditions.device
        numbers = (None if row is None else row.quantity for row in (hours, spent))
        rows.append((model, Conditions(device=device), *numbers, None, None, None, source))
    return rows


def _stated_rows(evidence: Evidence) -> Iterator[Raw]:
    """The device-hours of recipes that the user stated."""
    for model, recipe in evidence.recipes.items():
        if model in evidence.models and recipe.device_hours is not None:
            hours, spent = (
                None if value is None else Quantity(value, "h", "stated", note=recipe.source)
                for value in (recipe.audio_hours, recipe.device_hours)
            )
            yield model, Conditions(device=recipe.hardware), hours, spent, None, None, None, recipe.source


INFERENCE = (
    Column("model"), Column("conditions", width=0.2), Column("size", "M", 1e-6, head="Params"), Column("FLOPs", "GFLOP per audio s", 1e-9),
    Column("speed", "x real time"), Column("energy", "J per audio h"), Column("peak", "GiB", 2.0**-30, head="Peak memory"),
    Column("latency", "ms", 1e3), Column("source", width=0.12),
)  # fmt: skip


def inference_table(evidence: Evidence) -> PaperTable:
    """One row per setting that was timed or whose peak memory was measured."""
    rows: list[Raw] = []
    for s in settings(evidence, "inference"):
        if s.find("audio_seconds_per_second") is None and s.find("peak_memory") is None:
            continue
        size = s.find("parameters") or s.record.find("parameters", "inference", None, s.model)
        flops = s.find("flops_per_audio_second") or s.record.find("flops_per_audio_second", "inference", None, s.model)
        rest = (s.find("energy_per_audio_hour", s.scope), s.find("peak_memory"), s.find("latency_p50"))
        rows.append((s.model, s.conditions, size, flops, s.find("audio_seconds_per_second"), *rest, _source(s)))
    note = f"{WHOSE} Latency is the median for a whole batch. {FLOPS}"
    return _made("inference", "Cost of inference", INFERENCE, rows, note)


PARTS = {
    "weights": "weights", "gradients": "gradients", "optimizer": "optimiser state",
    "activations": "activations and the rest", "reserved": "reserved",
}  # fmt: skip
"""Heads of the columns of parts, by their names in records."""
MEMORY = (
    Column("model"), Column("phase"), Column("conditions", width=0.2), Column("peak", "GiB", 2.0**-30),
    *(Column({"optimizer": "optimiser"}.get(part, part), "GiB", 2.0**-30, head=head[0].upper() + head[1:]) for part, head in PARTS.items()),
    Column("source", width=0.12),
)  # fmt: skip


def memory_table(evidence: Evidence) -> PaperTable:
    """One row per setting whose peak memory was measured."""
    rows: list[Raw] = []
    for phase in ("inference", "training"):
        for s in settings(evidence, phase):
            if s.find("peak_memory") is not None:
                parts = (s.find(f"memory_{part}") for part in PARTS)
                rows.append((s.model, phase, s.conditions, s.find("peak_memory"), *parts, _source(s)))
    note = (
        "The peak is that of PyTorch's allocator on a GPU and, on a CPU, of the resident set minus its size before the "
        "model was built. The rest is the peak minus the parts that were counted."
    )
    return _made("memory", "Memory by part", MEMORY, rows, note)


QUALITY = (
    Column("system", head="Model"), Column("task"), Column("head"), Column("labels", width=0.16),
    Column("tested on", head="Evaluated on", width=0.16),
)  # fmt: skip


def quality_table(evidence: Evidence) -> PaperTable:
    """One row per model and test, one column per metric that occurs."""
    rated = [
        found
        for found in evidence.rows
        if found.row.metric in RATES and found.row.phase in {"evaluation", "finetuning"}
    ]
    lines: dict[tuple[str, str, Conditions], dict[str, Found]] = {}
    for found in rated:
        test = Conditions(**{name: getattr(found.conditions, name) for name in ("task", "head", "labels", "tested_on")})
        lines.setdefault((found.label, found.row.model, test), {}).setdefault(found.row.metric, found)
    metrics = [metric for metric in RATES if any(metric in line for line in lines.values())]
    numbers = (Column(METRICS[metric].label, "%", 100.0, better=METRICS[metric].better) for metric in metrics)
    rows: list[Raw] = []
    for (_, model, c), line in lines.items():
        first = next(iter(line.values()))
        task = Words(TASKS.get(c.task or "", c.task or "probe"), c.task or "probe")
        learned = Words(learned_from(first.row).replace(" of labels", ""), c.labels or "")
        speech = Words(evaluated_on(first.row) or "held-out speech", c.tested_on or "held out")
        rates = (line[metric].quantity if metric in line else None for metric in metrics)
        rows.append((model, task, c.head or "", learned, speech, *rates, _rated_by(first)))
    several = any("mean of " in found.quantity.note for found in rated)
    said = [f"{METRICS[metric].label}: {RATE_WORDS[metric]}" for metric in metrics if METRICS[metric].label.isupper()]
    notes = [f"{', '.join(said)}."] if said else []
    notes += ["Numbers of models with several seeds are means over them."] if several else []
    return _made("quality", "Quality", (*QUALITY, *numbers, Column("source", width=0.12)), rows, *notes)


def _rated_by(found: Found) -> Cell:
    """The record, or the publication that it quotes."""
    key = reference_of(found.row)
    return found.label if key is None else Cite(key, found.quantity.note.split(";")[0])


SAYS = {"C1": "memory", "C2": "FLOPs", "C5": "memory, large models", "C6": "FLOPs of the recipe, large models"}
"""What each claim that counts and predictions can decide compares."""
CLAIMS = (
    Column("claim", width=0.17), Column("quantity", width=0.22), Column("result", "1"), Column("required", width=0.1), Column("verdict", width=0.1),
    Column("conditions, or what is missing", width=0.24),
)  # fmt: skip


def claims_table(claims: list[Claim]) -> PaperTable:
    """C1 to C6, one row per comparison that bears on a claim."""
    rows: list[tuple[Cell, ...]] = []
    for claim in claims:
        for number, each in enumerate(claim.findings):
            named = f"{claim.id}: {claim.text}" if number == 0 else ""
            rows.append((named, each.what, _ratio(each), each.bound, each.said, each.why))
    note = (
        f"Claims of arXiv:2406.07696{cite('lugo2024sustainable')}. A claim holds only if the whole interval meets the requirement, and fails only "
        "if the whole interval misses it. Ratios are dimensionless; times are in hours. No ratio is taken between "
        "device-hours of different GPUs. A claim with several comparisons rests on those that could be made."
    )
    return PaperTable("claims", "Claims and verdicts", CLAIMS, tuple(rows), (note,))


def _ratio(finding: Finding) -> Quantity | None:
    """The quantity of a finding, with the reason for the verdict as its note where it has none."""
    found = finding.shown
    return None if found is None else replace(found, note=found.note or finding.why)


SIZES = (
    Column("model"), Column("parameters", "M", 1e-6, method="analytic"),
    Column("training FLOPs", "GFLOP per audio s", 1e-9, method="analytic"),
    Column("predicted peak memory", "GiB", 2.0**-30, method="modelled"), *(Column(f"{bound.id}: {SAYS[bound.id]}") for bound in BOUNDS),
)  # fmt: skip


def sizes_table(predicted: Predictions) -> PaperTable:
    """The efficient sizes side by side, with the verdicts that counts and predicted memory give; without rows if nothing was predicted."""
    rows: list[tuple[Cell, ...]] = []
    for size in by_size(predicted):
        parameters = Quantity(float(size.prediction.parameters), "1", "analytic")
        said = [
            f"{times(found[0])}, {found[1]}" if (found := size.by_claim.get(bound.id)) else "not in these runs"
            for bound in BOUNDS
        ]
        rows.append((size.model, parameters, size.prediction.flops, replace(size.prediction.peak, ci95=None), *said))
    note = (
        f"Counted and predicted for {STEP}, not measured; a predicted peak is taken to be within {100 * ERROR:g} %. Ratios are "
        f"those of {BASELINE} (C1, C2), and of the least favourable large model (C5, C6), to each size; the claims are "
        f"about {HEADLINE}. A compiled step may need less memory."
    )
    return PaperTable("claims-by-size", "Counts and predictions for the efficient sizes", SIZES, tuple(rows), (note,))

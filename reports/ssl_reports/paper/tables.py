"""The tables of a paper: cost of pretraining, cost of inference, memory by part, quality, claims."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ssl_benchmarks.comparing.projection import pretraining_flops, project, works
from ssl_benchmarks.record.details.common import Details
from ssl_benchmarks.record.metrics import METRICS, RATES
from ssl_benchmarks.record.quantity import Quantity, added, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement
from ssl_models.recipes import RECIPES
from ssl_reports.reading.claims import Claim
from ssl_reports.reading.evidence import Evidence, Found, Setting, settings
from ssl_reports.reading.published import published_rows, reference_of
from ssl_reports.reading.repricing import grid_of
from ssl_reports.tables.readable import readable
from ssl_reports.tables.table import Cell, Cite, Column, PaperTable

FLOPS = "1 MAC = 2 FLOPs; only matrix products are counted."

PRETRAINING = (
    Column("model"), Column("conditions", width=0.2), Column("audio", "h"), Column("device time", "h"), Column("FLOPs", "EFLOP", 1e-18),
    Column("energy", "kWh", 1 / 3.6e6), Column("CO2e", "kg", 1e-3), Column("source", width=0.1),
)  # fmt: skip


def pretraining_table(evidence: Evidence) -> PaperTable:
    """Full runs, projections from a measured rate, published figures, and device-hours of stated recipes."""
    rows = [row for setting in settings(evidence, "training") for row in _pretraining_rows(setting)]
    rows += [*_published_rows(evidence), *_stated_rows(evidence)]
    note = (
        "Time, energy and CO2e of a run include fitting targets. Energy is that of the GPU where one was used, "
        f"otherwise of the machine. {FLOPS}"
    )
    return PaperTable("pretraining", "Cost of pretraining", readable(PRETRAINING, rows), tuple(rows), (note,))


def _pretraining_rows(setting: Setting) -> Iterator[tuple[Cell, ...]]:
    hours, scope = setting.find("audio_hours_seen"), setting.scope
    if hours is not None and hours.method == "published":
        return  # the table of published figures has this row
    if hours is not None and hours.method != "projected":
        spent = [
            whole_run(setting, metric, part)
            for metric, part in (("device_hours", None), ("energy", scope), ("co2e", scope))
        ]
        yield (
            setting.model,
            where(setting.conditions),
            hours,
            spent[0],
            pretraining_flops(setting.find("flops_per_audio_second"), hours),
            *spent[1:],
            _source(setting),
        )
        return
    rate = setting.find("audio_seconds_per_second")
    if rate is None or (rate.ci95 is not None and rate.ci95[0] <= 0):
        return
    per_hour = setting.find("energy_per_audio_hour", scope) or unavailable("J/h", "energy was not asked for")
    stated = setting.record.told(Details).recipes
    for work in (each for each in works(setting.model, stated) if each.hours is not None):
        origin = setting.recipe.origin if work.name == "recipe" and setting.recipe is not None else "ours"
        seen = Quantity(work.hours, "h", "projected" if origin == "ours" else origin, note=work.source)
        made = project(
            setting.model,
            work,
            rate,
            per_hour,
            grid=grid_of(setting.record),
            pue=setting.conditions.pue or 1.0,
            price_per_hour=None,
        )
        yield (
            setting.model,
            where(setting.conditions),
            seen,
            made.device_hours,
            pretraining_flops(setting.find("flops_per_audio_second"), seen),
            made.energy,
            made.co2e,
            _source(setting),
        )


def whole_run(setting: Setting, metric: str, scope: str | None) -> Quantity | None:
    """The sum of fitting targets, if there were any, and training."""
    parts = {
        "training": setting.find(metric, scope),
        "targets": setting.record.find(metric, "targets", scope, setting.model),
    }
    known = {name: part for name, part in parts.items() if part is not None}
    return added(known, next(iter(known.values())).unit) if known else None


def where(c: Conditions) -> str:
    """Device, precision and batch shape, such as "cpu, float32, 4 x 15 s"."""
    shape = None
    if c.clip_seconds and c.batch_seconds:
        shape = f"{c.batch_seconds / c.clip_seconds:.3g} x {c.clip_seconds:g} s"
    return ", ".join(
        str(part) for part in (c.device or "device not recorded", c.dtype, shape, c.compile and "compiled") if part
    )


def _source(setting: Setting) -> str:
    return setting.label + ("" if setting.record.status == "finished" else f" ({setting.record.status})")


def _published_rows(evidence: Evidence) -> list[tuple[Cell, ...]]:
    """The published rows of models in the records, and of models that this tool does not have."""
    found: dict[str, dict[str, Measurement]] = {}
    for row in published_rows():
        if row.phase == "training" and row.metric in {"audio_hours_seen", "device_hours"}:
            found.setdefault(row.model, {})[row.metric] = row
    asked = {model for model in found if model in evidence.models or model not in RECIPES}
    rows: list[tuple[Cell, ...]] = []
    for model in (each for each in found if each in asked):
        hours, spent = found[model].get("audio_hours_seen"), found[model].get("device_hours")
        first = spent or hours
        key = None if first is None else reference_of(first)
        cite = Cite(key, first.quantity.note.split(";")[0]) if first is not None and key is not None else ""
        device = None if spent is None else spent.conditions.device
        numbers = (None if row is None else row.quantity for row in (hours, spent))
        rows.append((model, device or "", *numbers, None, None, None, cite))
    return rows


def _stated_rows(evidence: Evidence) -> Iterator[tuple[Cell, ...]]:
    """The device-hours of recipes that the user stated."""
    for model, recipe in evidence.recipes.items():
        if model in evidence.models and recipe.device_hours is not None:
            hours, spent = (
                None if value is None else Quantity(value, "h", "stated", note=recipe.source)
                for value in (recipe.audio_hours, recipe.device_hours)
            )
            yield model, recipe.hardware, hours, spent, None, None, None, recipe.source


INFERENCE = (
    Column("model"), Column("conditions", width=0.2), Column("size", "M", 1e-6), Column("FLOPs", "GFLOP per audio s", 1e-9), Column("speed", "x real time"),
    Column("energy", "J per audio h"), Column("peak", "GiB", 2.0**-30), Column("latency", "ms", 1e3), Column("source", width=0.1),
)  # fmt: skip


def inference_table(evidence: Evidence) -> PaperTable:
    """One row per setting that was timed or whose peak memory was measured."""
    rows: list[tuple[Cell, ...]] = []
    for s in settings(evidence, "inference"):
        if s.find("audio_seconds_per_second") is None and s.find("peak_memory") is None:
            continue
        size = s.find("parameters") or s.record.find("parameters", "inference", None, s.model)
        flops = s.find("flops_per_audio_second") or s.record.find("flops_per_audio_second", "inference", None, s.model)
        rest = (s.find("energy_per_audio_hour", s.scope), s.find("peak_memory"), s.find("latency_p50"))
        rows.append((s.model, where(s.conditions), size, flops, s.find("audio_seconds_per_second"), *rest, _source(s)))
    note = (
        "Size is the number of parameters. FLOPs are per second of audio and energy is per hour of audio, of the GPU "
        "where one was used, otherwise of the machine. Peak is peak memory; latency is the median for a whole batch. "
        f"{FLOPS}"
    )
    return PaperTable("inference", "Cost of inference", readable(INFERENCE, rows), tuple(rows), (note,))


PARTS = ("weights", "gradients", "optimizer", "activations", "reserved")
MEMORY = (
    Column("model"), Column("phase"), Column("conditions", width=0.2), Column("peak", "GiB", 2.0**-30),
    *(Column({"optimizer": "optimiser"}.get(part, part), "GiB", 2.0**-30) for part in PARTS), Column("source", width=0.1),
)  # fmt: skip


def memory_table(evidence: Evidence) -> PaperTable:
    """One row per setting whose peak memory was measured."""
    rows: list[tuple[Cell, ...]] = []
    for phase in ("inference", "training"):
        for s in settings(evidence, phase):
            if s.find("peak_memory") is not None:
                parts = (s.find(f"memory_{part}") for part in PARTS)
                rows.append((s.model, phase, where(s.conditions), s.find("peak_memory"), *parts, _source(s)))
    note = (
        "The peak is that of PyTorch's allocator on a GPU and, on a CPU, of the resident set minus its size before the "
        "model was built."
    )
    return PaperTable("memory", "Memory by part", readable(MEMORY, rows), tuple(rows), (note,))


def quality_table(evidence: Evidence) -> PaperTable:
    """One row per system and test, one column per metric that occurs."""
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
    columns = (Column("system"), Column("task"), Column("head"), Column("labels"), Column("tested on"))
    numbers = tuple(Column(METRICS[metric].label, "%", 100.0) for metric in metrics)
    rows: list[tuple[Cell, ...]] = []
    for (_, model, c), line in lines.items():
        named = (model, c.task or "probe", c.head or "", c.labels or "", c.tested_on or "held out")
        rates = (line[metric].quantity if metric in line else None for metric in metrics)
        rows.append((*named, *rates, _rated_by(next(iter(line.values())))))
    note = "With several seeds, figures are means over seeds."
    return PaperTable(
        "quality", "Quality", (*columns, *numbers, Column("source", width=0.1)), tuple(rows), (note,) if rows else ()
    )


def _rated_by(found: Found) -> Cell:
    """The record, or the publication that it quotes."""
    key = reference_of(found.row)
    return found.label if key is None else Cite(key, found.quantity.note.split(";")[0])


CLAIMS = (
    Column("claim", width=0.17), Column("measured", width=0.22), Column("result", "1"), Column("required", width=0.1), Column("verdict", width=0.1),
    Column("conditions, or what is missing", width=0.24),
)  # fmt: skip


def claims_table(claims: list[Claim]) -> PaperTable:
    """C1 to C6, one row per comparison that bears on a claim."""
    rows: list[tuple[Cell, ...]] = []
    for claim in claims:
        for number, each in enumerate(claim.findings):
            named = f"{claim.id}: {claim.text}" if number == 0 else ""
            unit = each.quantity and replace(each.quantity, note=each.quantity.note or each.why)
            rows.append((named, each.what, unit, each.bound, each.verdict, each.why))
    note = (
        "Claims of arXiv 2406.07696. A claim holds only if the whole interval meets the requirement, and fails only "
        "if the whole interval misses it. Ratios are dimensionless; times are in hours. No ratio is taken between "
        "GPU-hours of different chips."
    )
    return PaperTable("claims", "Claims and verdicts", CLAIMS, tuple(rows), (note,))

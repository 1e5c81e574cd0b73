"""The claims C1 to C6 of arXiv:2406.07696, tested against the records.

A claim holds only if the whole interval meets the requirement, and fails only if the whole interval misses it; evidence
that lacks anything that `ssl_reports.claims.needs` asks for decides nothing. Counts from a graph, or by the
allocator of a GPU, have no spread: there the value decides. No ratio is taken between GPU-hours of different chips, and
tiny sizes decide nothing about full ones. Where no GPU was measured, counts and predicted memory decide, and say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ssl_benchmarks.comparing.projection import PAPER_HOURS, paper_work, projected_hours
from ssl_benchmarks.comparing.ratios import ratio
from ssl_benchmarks.record.details.study import StudyDetails
from ssl_benchmarks.record.metrics import METRICS, RATES
from ssl_benchmarks.record.quantity import Quantity, joined
from ssl_models.catalog import HEADLINE
from ssl_models.recipes import RECIPES
from ssl_reports.claims.error_rates import c4_line, verdict
from ssl_reports.claims.finding import Claim, Finding, Verdict
from ssl_reports.claims.needs import RECIPE_CLIP, lacking
from ssl_reports.claims.predictions import BASELINE, LARGE, NONE, STEP, Prediction, Predictions
from ssl_reports.reading.evidence import Evidence, Found
from ssl_reports.reading.paired_rounds import ratio_by_rounds
from ssl_reports.reading.published import published_claims

OURS = HEADLINE
TOLERANCE = 0.01
"""How far a recorded count may be from today's: clips that differ by a little have slightly different counts."""


def claims(evidence: Evidence, predicted: Predictions = NONE) -> list[Claim]:
    """All six claims, in order.

    Args:
        evidence: the records.
        predicted: counts and predicted memory; see `ssl_reports.claims.predictions.predictions`.
    """
    found = {
        "C1": [_memory(evidence, predicted, BASELINE, 1.0, strict=True)],
        "C2": [_flops(evidence, predicted, BASELINE, 1.0), _joules(evidence, BASELINE, 1.0)],
        "C3": list(_one_day(evidence)),
        "C4": list(_errors(evidence)),
        "C5": [_memory(evidence, predicted, large, 10.0, strict=False) for large in LARGE],
        "C6": [each for large in LARGE for each in _recipes(evidence, predicted, large)],
    }
    return [Claim(each.id, each.text, tuple(found[each.id])) for each in published_claims()]


def quotient(above: Quantity, below: Quantity) -> Quantity:
    """The ratio of two quantities; if both have no spread, its interval is the value itself.

    Raises:
        ValueError: if the units differ.
    """
    if above.unit != below.unit:
        raise ValueError(f"no ratio of {above.unit} and {below.unit}")
    found = ratio(_with_ends(above), _with_ends(below))
    if found.value is not None and found.ci95 is None and _exact(above) and _exact(below):
        return replace(found, ci95=(found.value, found.value))
    return found


def _exact(quantity: Quantity) -> bool:
    """Whether repeats would give the same value: counted from a graph, or by the allocator of a GPU."""
    return quantity.method == "analytic" or "CUDA allocator" in quantity.note


def _with_ends(quantity: Quantity) -> Quantity:
    if quantity.value is None or quantity.ci95 is not None or not _exact(quantity):
        return quantity
    return replace(quantity, ci95=(quantity.value, quantity.value))


def judged(ratio: Quantity, bound: float, *, strict: bool) -> Verdict:
    """Whether the whole interval is above `bound` (or at it, if not `strict`), or all of it below."""
    if ratio.ci95 is None:
        return "not decided"
    low, high = ratio.ci95
    if low > bound or (not strict and low == bound):
        return "holds"
    return "fails" if high < bound or (strict and high == bound) else "not decided"


def _side(bound: float, *, strict: bool) -> str:
    """What a ratio must satisfy, in words."""
    return f"above {bound:g}" if strict else f"at least {bound:g}"


def _pairs(evidence: Evidence, other: str, metric: str, scope: str | None = None) -> Iterator[tuple[Found, Found]]:
    """All pairs of training-step rows of `other` and of ours with values measured under the same conditions."""
    ours: dict[object, list[Found]] = {}
    for found in evidence.find(OURS, metric, "training", scope):
        if found.quantity.value:
            ours.setdefault(_shared(found), []).append(found)
    for found in evidence.find(other, metric, "training", scope):
        if found.quantity.value:
            yield from ((found, own) for own in ours.get(_shared(found), []))


def _shared(found: Found) -> tuple[object, ...]:
    """The conditions that two rows must share; for energy, also the session."""
    session = found.label if found.row.scope is not None else None
    held = (getattr(found.conditions, name) for name in METRICS[found.row.metric].agrees_on)
    return (session, *held)


@dataclass(frozen=True)
class _Pair:
    """A ratio, the row it comes from, and what it lacks to decide anything."""

    ratio: Quantity
    at: Found
    lacking: str

    @property
    def least(self) -> float:
        """The lower end of the interval, or the value without one."""
        return (self.ratio.ci95 or (self.ratio.value or 0.0,))[0]


def _worst(
    pairs: Iterable[tuple[Found, Found]],
    kind: str,
    what: str,
    need: str,
    bound: float,
    *,
    strict: bool,
    times: float = 1.0,
) -> Finding:
    """The least favourable pair of those that may decide the claim, else of all; its ratio is multiplied by `times`.

    Without a pair the finding names what is needed.
    """
    side = _side(bound, strict=strict)
    found = [
        _Pair(
            (ratio_by_rounds(other, own) or quotient(other.quantity, own.quantity)).scaled(times, "1"),
            other,
            lacking(kind, (other, own)),
        )
        for other, own in pairs
    ]
    if not found:
        return _missing(what, side, need)
    fit = [pair for pair in found if not pair.lacking] or found
    worst = min(fit, key=lambda pair: pair.least)
    several = f", the least favourable of {len(fit)} settings" if len(fit) > 1 else ""
    verdict = "not decided" if worst.lacking else judged(worst.ratio, bound, strict=strict)
    return Finding(what, worst.ratio, side, verdict, _why(f"{_where(worst.at)}{several}", worst.lacking))


def _why(where: str, missing: str) -> str:
    return joined(where, missing and f"not decisive: {missing}")


def _where(found: Found) -> str:
    c = found.conditions
    clips = c.clip_seconds and f"{c.clip_seconds:g} s clips"
    parts = [c.device, c.dtype, clips, c.batch_seconds and f"{c.batch_seconds:g} s of audio per step"]
    if found.row.metric == "flops_per_audio_second":
        parts = ["counted", clips]
    return ", ".join(str(part) for part in (*parts, f"record {found.label}") if part)


def _memory(evidence: Evidence, predicted: Predictions, other: str, bound: float, *, strict: bool) -> Finding:
    """By a measurement on a GPU if there is one, otherwise by prediction."""
    what = f"peak memory of a training step, {other} / {OURS}"
    need = f"a training step of {OURS} and {other} on one GPU with the same precision, clips and batch"
    pairs = list(_pairs(evidence, other, "peak_memory"))
    if {other, OURS} <= predicted.keys() and not any(a.on_gpu and b.on_gpu for a, b in pairs):
        ratio = quotient(predicted[other].peak, predicted[OURS].peak)
        return Finding(
            what,
            ratio,
            _side(bound, strict=strict),
            judged(ratio, bound, strict=strict),
            f"predicted for {STEP}",
            "predicted",
        )
    return _worst(pairs, "peak memory", what, _needed(predicted, other) or need, bound, strict=strict)


def _needed(predicted: Predictions, other: str) -> str:
    """What a prediction lacks, where others could be made: a run of the other model."""
    return f"{other} among the runs" if OURS in predicted and other not in predicted else ""


def _flops(evidence: Evidence, predicted: Predictions, other: str, bound: float) -> Finding:
    what = (
        f"training FLOPs per audio hour, {other} / {OURS}; both see {PAPER_HOURS:,.0f} h, so also of the full recipes"
    )
    return _by_count(evidence, predicted, other, what, bound, strict=True)


def _by_count(
    evidence: Evidence,
    predicted: Predictions,
    other: str,
    what: str,
    bound: float,
    *,
    strict: bool,
    times: float = 1.0,
) -> Finding:
    """By a count made for the claim, which the records must not contradict, or else by the counts of the records."""
    if not {other, OURS} <= predicted.keys():
        need = _needed(predicted, other) or f"the FLOPs of a training step of {OURS} and {other} with the same clips"
        pairs = _pairs(evidence, other, "flops_per_audio_second")
        found = _worst(pairs, "counted FLOPs", what, need, bound, strict=strict, times=times)
        return replace(found, basis="counted")
    ratio = quotient(predicted[other].flops, predicted[OURS].flops).scaled(times, "1")
    apart = [line for model in (other, OURS) for line in _contradicted(evidence, model, predicted[model])]
    verdict = "not decided" if apart else judged(ratio, bound, strict=strict)
    return Finding(
        what,
        ratio,
        _side(bound, strict=strict),
        verdict,
        _why(f"counted for clips of {RECIPE_CLIP:g} s", "; ".join(apart)),
        "counted",
    )


def _contradicted(evidence: Evidence, model: str, counted: Prediction) -> Iterator[str]:
    """Records whose count for clips as long as the recipes' is another than today's."""
    for found in evidence.find(model, "flops_per_audio_second", "training"):
        value, today = found.quantity.value, counted.flops.value
        alike = not lacking("counted FLOPs", [found])
        if alike and value and today and abs(value / today - 1) > TOLERANCE:
            yield f"record {found.label} has {value / today:.3g} times the FLOPs that are counted for {model}"


def _joules(evidence: Evidence, other: str, bound: float) -> Finding:
    what = f"joules per audio hour of training, {other} / {OURS}"
    need = f"{OURS} and {other} metered on a GPU in one session"
    return _worst(_joule_pairs(evidence, other), "joules", what, need, bound, strict=True)


def _joule_pairs(evidence: Evidence, other: str) -> Iterator[tuple[Found, Found]]:
    """Pairs of GPU energies from one record."""
    return _pairs(evidence, other, "energy_per_audio_hour", "gpu")


def _missing(what: str, bound: str, need: str) -> Finding:
    return Finding(what, None, bound, "not measured here", f"missing: {need}")


def _one_day(evidence: Evidence) -> Iterator[Finding]:
    """GPU-hours for the paper's audio at the measured rate, by the fastest setting of each GPU that may decide it."""
    what, bound = f"hours of one GPU for {PAPER_HOURS:,.0f} h of audio, {OURS}", "below 24 h"
    measured = [f for f in evidence.find(OURS, "audio_seconds_per_second", "training") if f.on_gpu and f.quantity.value]
    fastest: dict[str | None, tuple[Quantity, Found, str]] = {}
    for found in measured:
        hours, missing = projected_hours(found.quantity, paper_work()), lacking("speed", (found,))
        best = fastest.get(found.conditions.device)
        if best is None or (bool(missing), *_upper(hours)) < (bool(best[2]), *_upper(best[0])):
            fastest[found.conditions.device] = (hours, found, missing)
    for hours, found, missing in fastest.values():
        steps = f"{_where(found)}; steps only, without fitting targets"
        verdict = "not decided" if missing else _within_a_day(hours)
        yield Finding(what, hours, bound, verdict, _why(steps, missing))
    if not fastest:
        yield _missing(what, bound, f"the speed of a training step of {OURS} on a GPU")


def _within_a_day(hours: Quantity) -> Verdict:
    if hours.ci95 is None:
        return "not decided"
    return "holds" if hours.ci95[1] < 24 else "fails" if hours.ci95[0] >= 24 else "not decided"


def _upper(hours: Quantity) -> tuple[bool, float]:
    """Sort key: settings with an interval first, then by its upper end."""
    return hours.ci95 is None, hours.ci95[1] if hours.ci95 is not None else hours.value or 0.0


def _errors(evidence: Evidence) -> Iterator[Finding]:
    """Error rates of studies that trained both models with one budget."""
    bound, found = f"intervals do not overlap, {OURS} is lower", 0
    studies = [(r, label) for r, label in zip(evidence.records, evidence.labels, strict=True) if r.kind == "study"]
    for record, label in studies:
        rated = [
            Found(m, record, label) for m in record.measurements if m.metric in RATES and m.conditions.task is not None
        ]
        theirs = {(f.row.metric, f.row.phase, f.conditions): f for f in rated if f.row.model == BASELINE}
        for ours in (f for f in rated if f.row.model == OURS):
            other = theirs.get((ours.row.metric, ours.row.phase, ours.conditions))
            if other is not None:
                found += 1
                yield _error(ours, other, bound)
    if not found:
        small = [line for record, _ in studies if (line := c4_line(record))]
        need = f"a study of {OURS} and {BASELINE} with one budget"
        yield _missing("downstream error", bound, "; ".join([need, *(f"for other sizes: {line}" for line in small)]))


def _error(ours: Found, other: Found, bound: str) -> Finding:
    """Our error rate against the baseline's."""
    c, missing = ours.conditions, lacking("error rate", (other, ours))
    what = f"{METRICS[ours.row.metric].label}, {BASELINE} / {OURS} ({c.task}, {c.head or 'no'} head, {c.tested_on or 'test'})"
    result: Verdict = "not decided"
    if not missing:
        result = verdict(ours.quantity, other.quantity, lower_is_better=METRICS[ours.row.metric].better == "low")
    equal = ours.record.told(StudyDetails).study.equal
    why = _why(f"equal {equal}, record {ours.label}" if equal else f"record {ours.label}", missing)
    positive = (other.quantity.value or 0) > 0 and (ours.quantity.value or 0) > 0
    return Finding(what, quotient(other.quantity, ours.quantity) if positive else None, bound, result, why)


def _recipes(evidence: Evidence, predicted: Predictions, large: str) -> Iterator[Finding]:
    """FLOPs, and joules, of the full published recipes."""
    what = f"{{}} of the full recipe, {large} / {OURS}"
    theirs, ours = RECIPES[large].audio_hours, RECIPES[OURS].audio_hours
    if theirs is None or ours is None:
        yield _missing(
            what.format("FLOPs"), "at least 500", f"the audio hours that {large} saw ({RECIPES[large].source})"
        )
        return
    more, need = theirs / ours, "both metered on a GPU in one session"
    counted = _by_count(evidence, predicted, large, what.format("FLOPs"), 500.0, strict=False, times=more)
    metered = _worst(
        _joule_pairs(evidence, large), "joules", what.format("joules"), need, 500.0, strict=False, times=more
    )
    for found in (counted, metered):
        hours = f"; {theirs:,.0f} h of audio against {ours:,.0f} h" if found.quantity is not None else ""
        yield replace(found, why=f"{found.why}{hours}")

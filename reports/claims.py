"""The claims C1 to C6 of arXiv 2406.07696 against what the records hold.

A claim holds only if the whole interval lies on its side, and fails only if the whole interval lies on the other. What is counted
from a graph, or by the allocator of a GPU, has no spread: there the value decides. A CPU's numbers decide nothing about a GPU, nor tiny
sizes about full ones. GPU-hours of different chips are never divided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from benchmarks.comparability import conditions_that_matter
from benchmarks.projection import PAPER_HOURS, paper_work, projected_hours
from benchmarks.quantity import Quantity
from benchmarks.ratios import ratio
from models.recipes import RECIPES
from reports.claim_c4 import c4_line, verdict
from reports.evaluation_tables import NAMES
from reports.evidence import ERRORS, Evidence, Found
from reports.published import published_claims
from reports.rounds import ratio_by_rounds

Verdict = Literal["holds", "fails", "not decided", "not measured here"]

OURS, BASELINE = "efficient-base", "essl"
LARGE = ("wav2vec2-large", "hubert-large", "wavlm-large")
METERED = frozenset({"measured", "sampled"})


@dataclass(frozen=True)
class Finding:
    """One comparison that bears on a claim.

    Attributes:
        what: that was compared, and with what.
        quantity: a ratio (unit "1") or hours ("h"); None where nothing was measured.
        bound: what it is held against, such as "at least 10".
        verdict: by the whole interval.
        why: where it was measured, or what is missing.
    """

    what: str
    quantity: Quantity | None
    bound: str
    verdict: Verdict
    why: str


@dataclass(frozen=True)
class Claim:
    """A claim and all that bears on it."""

    id: str
    text: str
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """Holds if every finding that was measured holds, fails if one fails."""
        found = {finding.verdict for finding in self.findings} - {"not measured here"}
        if not found:
            return "not measured here"
        return "fails" if "fails" in found else "not decided" if "not decided" in found else "holds"


def claims(evidence: Evidence) -> list[Claim]:
    """All six, in order."""
    found = {
        "C1": [_memory(evidence, BASELINE, 1.0, strict=True)],
        "C2": [_flops(evidence, BASELINE, 1.0, strict=True), _joules(evidence, BASELINE, 1.0)],
        "C3": list(_one_day(evidence)),
        "C4": list(_errors(evidence)),
        "C5": [_memory(evidence, large, 10.0, strict=False) for large in LARGE],
        "C6": [each for large in LARGE for each in _recipes(evidence, large)],
    }
    return [Claim(each.about, each.text, tuple(found[each.about])) for each in published_claims()]


def quotient(above: Quantity, below: Quantity) -> Quantity:
    """The ratio of two quantities; of two without spread its interval is the value itself.

    Raises:
        ValueError: for two units.
    """
    if above.unit != below.unit:
        raise ValueError(f"no ratio of {above.unit} and {below.unit}")
    found = ratio(_with_ends(above), _with_ends(below))
    if found.value is not None and found.ci95 is None and _exact(above) and _exact(below):
        return replace(found, ci95=(found.value, found.value))
    return found


def _exact(quantity: Quantity) -> bool:
    """Whether repeats would give the same: counted from a graph, or by the allocator of a GPU."""
    return quantity.method == "analytic" or "CUDA allocator" in quantity.note


def _with_ends(quantity: Quantity) -> Quantity:
    if quantity.value is None or quantity.ci95 is not None or not _exact(quantity):
        return quantity
    return replace(quantity, ci95=(quantity.value, quantity.value))


def judged(ratio: Quantity, bound: float, *, strict: bool) -> Verdict:
    """Whether the whole interval is above `bound` (or, not `strict`, at it), or the whole of it below."""
    if ratio.ci95 is None:
        return "not decided"
    low, high = ratio.ci95
    if low > bound or (not strict and low == bound):
        return "holds"
    return "fails" if high < bound or (strict and high == bound) else "not decided"


def _side(bound: float, *, strict: bool) -> str:
    return f"above {bound:g}" if strict else f"at least {bound:g}"


def _pairs(evidence: Evidence, other: str, metric: str, scope: str | None = None) -> Iterator[tuple[Found, Found]]:
    """Rows of a training step of `other` and of ours that have a value and were measured alike."""
    ours: dict[object, Found] = {}
    for found in evidence.find(OURS, metric, "training", scope):
        if found.quantity.value:
            ours.setdefault(_alike(found), found)
    for found in evidence.find(other, metric, "training", scope):
        if found.quantity.value and _alike(found) in ours:
            yield found, ours[_alike(found)]


def _alike(found: Found) -> tuple[object, ...]:
    """What two rows must share: the attention is a model's own, and a count depends on the clip alone."""
    session = found.label if found.row.scope is not None else None
    held = (getattr(found.conditions, name) for name in conditions_that_matter(found.row.metric))
    return (session, *held)


def _worst(pairs: Iterable[tuple[Found, Found]], what: str, bound: float, *, strict: bool) -> Finding | None:
    """The pair that speaks least for the claim."""
    found = [(ratio_by_rounds(other, own) or quotient(other.quantity, own.quantity), other) for other, own in pairs]
    if not found:
        return None
    ratio, at = min(found, key=lambda each: (each[0].ci95 or (each[0].value or 0.0,))[0])
    several = f", the least favourable of {len(found)} settings" if len(found) > 1 else ""
    why = f"{_where(at)}{several}"
    return Finding(what, ratio, _side(bound, strict=strict), judged(ratio, bound, strict=strict), why)


def _where(found: Found) -> str:
    c = found.conditions
    parts = [c.device, c.dtype, c.clip_seconds and f"clips of {c.clip_seconds:g} s"]
    parts.append(c.batch_seconds and f"{c.batch_seconds:g} s a step")
    if found.row.metric == "flops_per_audio_second":
        parts = ["counted", c.clip_seconds and f"clips of {c.clip_seconds:g} s"]
    return ", ".join(str(part) for part in (*parts, f"record {found.label}") if part)


def _memory(evidence: Evidence, other: str, bound: float, *, strict: bool) -> Finding:
    what = f"peak memory of a training step, {other} / {OURS}"
    pairs = [
        pair for pair in _pairs(evidence, other, "peak_memory") if pair[0].on_gpu and pair[0].quantity.method in METERED
    ]
    need = f"a training step of {OURS} and {other} on one GPU at the same precision, clips and batch"
    return _worst(pairs, what, bound, strict=strict) or _missing(what, _side(bound, strict=strict), need)


def _flops(evidence: Evidence, other: str, bound: float, *, strict: bool) -> Finding:
    what = f"training FLOPs of an audio hour, {other} / {OURS}; both see {PAPER_HOURS:,.0f} h, so also of the recipes"
    need = f"the FLOPs of a training step of {OURS} and {other} at the same clips"
    found = _worst(_pairs(evidence, other, "flops_per_audio_second"), what, bound, strict=strict)
    return found or _missing(what, _side(bound, strict=strict), need)


def _joules(evidence: Evidence, other: str, bound: float) -> Finding:
    what = f"joules of an audio hour of training, {other} / {OURS}"
    need = f"{OURS} and {other} metered on a GPU in one session"
    return _worst(_metered(evidence, other), what, bound, strict=True) or _missing(
        what, _side(bound, strict=True), need
    )


def _metered(evidence: Evidence, other: str) -> list[tuple[Found, Found]]:
    """Joules of a GPU, both metered in one record."""
    pairs = _pairs(evidence, other, "energy_per_audio_hour", "gpu")
    return [pair for pair in pairs if pair[0].on_gpu and {found.quantity.method for found in pair} <= METERED]


def _missing(what: str, bound: str, need: str) -> Finding:
    return Finding(what, None, bound, "not measured here", f"missing: {need}")


def _one_day(evidence: Evidence) -> Iterator[Finding]:
    """Hours of a GPU for the paper's audio at the rate measured, the fastest setting of each GPU."""
    what, bound = f"hours of one GPU for {PAPER_HOURS:,.0f} h of audio, {OURS}", "below 24 h"
    measured = evidence.find(OURS, "audio_seconds_per_second", "training")
    fastest: dict[str | None, tuple[Quantity, Found]] = {}
    for found in (f for f in measured if f.on_gpu and f.quantity.value):
        hours, best = projected_hours(found.quantity, paper_work()), fastest.get(found.conditions.device)
        if best is None or _upper(hours) < _upper(best[0]):
            fastest[found.conditions.device] = (hours, found)
    for hours, found in fastest.values():
        ends = hours.ci95
        result: Verdict = (
            "not decided" if ends is None else "holds" if ends[1] < 24 else "fails" if ends[0] >= 24 else "not decided"
        )
        yield Finding(what, hours, bound, result, f"{_where(found)}; the steps alone, without fitting targets")
    if not fastest:
        yield _missing(what, bound, f"the speed of a training step of {OURS} on a GPU")


def _upper(hours: Quantity) -> tuple[bool, float]:
    """Settings with an interval come first, then the one with the lower end."""
    return hours.ci95 is None, hours.ci95[1] if hours.ci95 is not None else hours.value or 0.0


def _errors(evidence: Evidence) -> Iterator[Finding]:
    """Error rates of a study that trained both under one budget."""
    bound, found = f"intervals apart, {OURS} the lower", 0
    studies = [(r, label) for r, label in zip(evidence.records, evidence.labels, strict=True) if "study" in r.details]
    for record, label in studies:
        rated = [m for m in record.measurements if m.metric in ERRORS and m.conditions.task is not None]
        theirs = {(m.metric, m.phase, m.conditions): m.quantity for m in rated if m.model == BASELINE}
        for row in (m for m in rated if m.model == OURS):
            other = theirs.get((row.metric, row.phase, row.conditions))
            if other is not None and record.details["study"]["equal"] is not None:
                found += 1
                c, gpu = row.conditions, bool(record.environment.get("gpus"))
                what = f"{NAMES[row.metric]}, {BASELINE} / {OURS} ({c.task}, {c.head or 'no'} head, {c.tested_on or 'test'})"
                result = verdict(row.quantity, other, lower_is_better=row.metric != "accuracy")
                why = f"equal {record.details['study']['equal']}, record {label}{'' if gpu else ', trained on a CPU'}"
                positive = (other.value or 0) > 0 and (row.quantity.value or 0) > 0
                yield Finding(what, quotient(other, row.quantity) if positive else None, bound, result, why)
    if not found:
        small = [line for record, _ in studies if (line := c4_line(record))]
        need = f"a study of {OURS} and {BASELINE} under one budget"
        yield _missing("downstream error", bound, "; ".join([need, *(f"of other sizes: {line}" for line in small)]))


def _recipes(evidence: Evidence, large: str) -> Iterator[Finding]:
    """FLOPs, and joules, of the whole published recipes."""
    what = f"{{}} of the whole recipe, {large} / {OURS}"
    theirs, ours = RECIPES[large].audio_hours, RECIPES[OURS].audio_hours
    if theirs is None or ours is None:
        yield _missing(
            what.format("FLOPs"), "at least 500", f"the audio hours that {large} saw ({RECIPES[large].source})"
        )
        return
    more = theirs / ours
    for name, pairs, need in (
        (
            "FLOPs",
            list(_pairs(evidence, large, "flops_per_audio_second")),
            "the FLOPs of a training step of both at the same clips",
        ),
        ("joules", _metered(evidence, large), "both metered on a GPU in one session"),
    ):
        found = _worst(pairs, what.format(name), 500.0 / more, strict=False)
        if found is None or found.quantity is None:
            yield _missing(what.format(name), "at least 500", need)
            continue
        ratio = found.quantity.scaled(more, "1")
        why = f"{found.why}; {theirs:,.0f} h of audio against {ours:,.0f} h"
        yield Finding(found.what, ratio, "at least 500", judged(ratio, 500.0, strict=False), why)

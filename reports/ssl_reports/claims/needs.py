"""What evidence a claim needs before it is decided: one table of needs and their checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ssl_benchmarks.record.details.study import StudyDetails, StudyRun
from ssl_benchmarks.record.flaws import MEANINGS
from ssl_benchmarks.record.learned import doubts
from ssl_benchmarks.record.quantity import joined
from ssl_reports.reading.evidence import Found
from ssl_reports.reading.paired_rounds import by_round

METERED = frozenset({"measured", "sampled"})
RECIPE_CLIP, CLIPS_APART = 15.36, 0.1
"""Seconds per clip in the recipes that the claims are about, and the share by which a measurement may deviate."""
FEWEST_ROUNDS = 2
FEWEST_SEEDS = 2
BUDGET_SPENT = 0.9
"""Share of a study's budget that each of its runs must have used: a run that used a tenth of it has not lost."""

Check = Callable[[Sequence[Found]], str]
"""Takes the figures that are compared; returns what is lacking, empty if nothing is."""


def _on_gpu(found: Sequence[Found]) -> str:
    """Measured on a GPU."""
    others = [each.row.model for each in found if not each.on_gpu]
    return f"{' and '.join(others)} not on a GPU" if others else ""


def _trained_on_gpu(found: Sequence[Found]) -> str:
    """Trained on a GPU."""
    record = found[0].record
    return "" if record.machine.gpus and record.settings.device != "cpu" else "trained on a CPU"


def _hardware(found: Sequence[Found]) -> str:
    """Metered by hardware, all in the same way: nothing modelled, projected or published."""
    methods = {each.quantity.method for each in found}
    if not methods <= METERED:
        return f"{' and '.join(sorted(methods - METERED))}, not measured"
    return f"one {' and the other '.join(sorted(methods))}" if len(methods) > 1 else ""


def _sound(found: Sequence[Found]) -> str:
    """No flaw: undisturbed, after a steady warm-up, from a run that finished."""
    words = {each.row.model: [w for w in each.quantity.flaw.split("; ") if w in MEANINGS] for each in found}
    return ", ".join(f"{model} {' and '.join(flaws)}" for model, flaws in words.items() if flaws)


def _rounds(found: Sequence[Found]) -> str:
    """At least `FEWEST_ROUNDS` rounds or processes without a flaw."""
    few = [f"{each.row.model} {_repeats(each)}" for each in found if _repeats(each) < FEWEST_ROUNDS]
    return f"too few rounds: {', '.join(few)}" if few else ""


def _repeats(found: Found) -> int:
    """Sound rounds of a comparison, or processes of a measurement; the steps of a training count as enough repeats."""
    if rounds := by_round(found):
        return sum(quantity is not None and not quantity.flaw for quantity in rounds)
    if found.record.kind == "training":
        return FEWEST_ROUNDS
    return found.quantity.n or 1


def _recipe_clips(found: Sequence[Found]) -> str:
    """Clips as long as those of the recipes, to within `CLIPS_APART`."""
    for each in found:
        clip = each.conditions.clip_seconds
        if clip is None or abs(clip / RECIPE_CLIP - 1) > CLIPS_APART:
            return (
                f"clips of {'unknown length' if clip is None else f'{clip:g} s'}, but {RECIPE_CLIP:g} s in the recipes"
            )
    return ""


def _equal_budgets(found: Sequence[Found]) -> str:
    """A study with one budget for all runs, of which each used at least `BUDGET_SPENT`."""
    record = found[0].record
    study = record.told(StudyDetails).study if record.kind == "study" else None
    if study is None or study.equal is None:
        return "not a study with one budget for all"
    for each in found:
        runs = [run for run in study.runs if run.model == each.row.model and run.status == "finished"]
        shares = [(run.spent.of_budget if run.spent is not None else None) or 0.0 for run in runs]
        if not shares or min(shares) < BUDGET_SPENT:
            used = "an unknown share" if not all(shares) or not shares else f"{100 * min(shares):.0f} %"
            return f"{each.row.model} used {used} of the budget"
    return ""


def _catalog_settings(found: Sequence[Found]) -> str:
    """Trained with the settings of the catalogue."""
    asked = found[0].record.settings.training
    changed = [f"[{table}]" for table in ("encoder", "objective", "optimisation") if asked.get(table)]
    return f"not trained with the catalogue's settings: {', '.join(changed)}" if changed else ""


def _seeds(found: Sequence[Found]) -> str:
    """At least `FEWEST_SEEDS` seeds, all of which finished: leaving out failed ones would bias the result."""
    seeds = found[0].record.settings.seeds or 1
    if seeds < FEWEST_SEEDS:
        return f"{seeds} seed, {FEWEST_SEEDS} needed"
    lost = {each.row.model: [str(run.seed) for run in _runs(each) if run.status != "finished"] for each in found}
    return ", ".join(f"seed {' and '.join(those)} of {model} did not finish" for model, those in lost.items() if those)


def _runs(found: Found) -> list[StudyRun]:
    """The runs of a row's model in a study."""
    runs = found.record.told(StudyDetails).study.runs if found.record.kind == "study" else ()
    return [run for run in runs if run.model == found.row.model]


def _learned(found: Sequence[Found]) -> str:
    """Heads that converged, and systems better than their own random weights."""
    return ", ".join(f"{each.row.model} {doubt}" for each in found for doubt in doubts(each.quantity))


NEEDS: dict[str, Check] = {
    "gpu": _on_gpu,
    "trained on a gpu": _trained_on_gpu,
    "hardware": _hardware,
    "sound": _sound,
    "rounds": _rounds,
    "clips": _recipe_clips,
    "budget": _equal_budgets,
    "settings": _catalog_settings,
    "seeds": _seeds,
    "learned": _learned,
}
TIMED = ("gpu", "hardware", "sound", "rounds", "clips")
"""What figures of speed and energy need."""
CLAIM_NEEDS: dict[str, tuple[str, ...]] = {
    "peak memory": ("gpu", "hardware", "sound", "clips"),
    "counted FLOPs": ("sound", "clips"),
    "joules": TIMED,
    "speed": TIMED,
    "error rate": ("trained on a gpu", "budget", "settings", "seeds", "learned", "sound"),
}
"""Needs by what is compared: peak memory in C1 and C5, FLOPs and joules in C2 and C6, speed in C3, error in C4."""


def lacking(what: str, found: Sequence[Found]) -> str:
    """What the figures lack to decide a claim; empty if they lack nothing."""
    return joined(*(NEEDS[need](found) for need in CLAIM_NEEDS[what]))

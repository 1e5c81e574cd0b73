"""What a methods section says about how a record was made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from ssl_benchmarks.record.details.common import Details, Grid
from ssl_benchmarks.record.details.comparison import ComparisonDetails, Target
from ssl_benchmarks.record.details.evaluation import Evaluated
from ssl_benchmarks.record.details.study import StudyDetails
from ssl_benchmarks.record.metrics import RATES
from ssl_benchmarks.record.record import Record
from ssl_benchmarks.record.surroundings import Protocol
from ssl_reports.paper.display import display
from ssl_reports.paper.prose import cite, counted, enumeration
from ssl_reports.paper.surroundings import tool_of
from ssl_reports.reading.conditions import evaluated_on, learned_from
from ssl_reports.reading.repricing import country_of
from ssl_reports.words import budget_of, capital

TASKS = {
    "pr": "phone recognition", "asr": "speech recognition from frozen features", "asr-finetune": "speech recognition after fine-tuning",
    "sid": "speaker identification", "asv": "speaker verification", "ks": "keyword spotting", "abx": "ABX discrimination",
}  # fmt: skip
LIMITS = ("minutes", "steps", "audio_hours", "kwh")
"""What may bound a training."""
MOST_TESTS = 4
"""The most kinds of error rates that a section describes."""


def protocol(record: Record) -> Iterator[str]:
    """The sentences on one record."""
    settings, compared = record.settings, in_rounds(record)
    if record.kind == "comparison" and record.told(ComparisonDetails).sources is not None:
        yield "Numbers of finished runs are shown side by side; nothing was measured again, and ratios are not paired."
        return
    if settings.precision:
        compiled = " and compiled" if settings.compile else ""
        yield f"Models were run in {settings.precision}{compiled}."
    if compared is not None and settings.protocol is not None:
        yield from _rounds(compared, settings.protocol)
    elif settings.protocol is not None:
        yield from _repeats(settings.protocol)
    elif record.kind == "study":
        yield _trained(record)
    elif record.kind == "training":
        yield "The training was metered from start to finish, target fitting included."
    elif record.kind == "meter":
        yield "A command was metered from start to finish, with all its processes."
    elif record.kind == "import":
        yield f"The numbers were recorded by {tool_of(record)} and imported; each has the method that its tool supports."
    yield from _rated(record)


def in_rounds(record: Record) -> ComparisonDetails | None:
    """The details of a comparison whose models were measured in rounds."""
    compared = record.told(ComparisonDetails) if record.kind == "comparison" else None
    return compared if compared is not None and compared.rounds and compared.target is not None else None


def warmed_up(p: Protocol) -> str:
    """The warm-up; older records do not hold its limit."""
    limit = f", for at most {p.warm_up_limit:g} s" if p.warm_up_limit else ""
    medians = f"medians of two {p.window:g} s windows differed by at most {100 * p.tolerance:g} %"
    return f"warmed up until the {medians}{limit}"


def _repeats(p: Protocol) -> Iterator[str]:
    repeats = f"{counted(p.repeats)} repeat{'s' if p.repeats > 1 else ''}"
    if p.cool_down:
        yield (
            f"Each setting was measured in a separate process, which was {warmed_up(p)}, in {repeats} of "
            f"{p.duration:g} s with {p.cool_down:g} s of rest between them."
        )
        return
    yield (
        f"Each setting was measured in {repeats} of up to {p.duration:g} s, each in a separate process that was "
        f"{warmed_up(p)}."
    )


def _rounds(compared: ComparisonDetails, p: Protocol) -> Iterator[str]:
    count, sets = len(compared.rounds), len({each.processes for each in compared.rounds})
    yield f"All models ({enumeration(display(each).shown for each in compared.models)}) were measured in one session."
    yield (
        "In each round every model and phase was run once, in random order, each in a process of its own that was kept "
        f"between rounds; each was {warmed_up(p)}, then timed for {p.duration:.3g} s."
    )
    yield (
        "Only one round was completed, so intervals exclude between-round variance."
        if count == 1
        else f"{capital(counted(count))} rounds were completed."
    )
    if sets > 1:
        yield f"All processes were restarted {_times(sets - 1)}; intervals are over these {counted(sets)} sets of processes."
        if len(compared.models) > 2:
            yield f"The variance of a ratio is moderated by that of all models (moderated t{cite('smyth2004linear')})."
    if compared.target is not None:
        yield _reached(compared.target)


def _times(number: int) -> str:
    return "once" if number == 1 else "twice" if number == 2 else f"{counted(number)} times"


def _reached(target: Target) -> str:
    ended = f" ({why_ended(target)})" if why_ended(target) and not target.met else ""
    return (
        f"The target, every 95 % interval within ± {100 * target.precision:g} %, was "
        f"{'' if target.met else 'not '}reached{ended}."
    )


def why_ended(target: Target) -> str:
    """What ended the rounds; older records name the option that did."""
    return "the time budget left no room for another round" if "--" in target.ended else target.ended


def _trained(record: Record) -> str:
    """The models, seeds and budget of a study."""
    seeds, single = record.settings.seeds or 1, len(record.settings.models) == 1
    who = "The model was trained" if single else "Each model was trained in a separate process"
    of = f"{counted(seeds)} seed{'s' if seeds > 1 else ''}"
    return f"{who} with {of}{_budget(record)}{' each' if seeds > 1 else ''}."


def _budget(record: Record) -> str:
    """The budget that all runs share, or what bounded each of them."""
    study, training = record.told(StudyDetails).study, record.settings.training
    if study.equal is not None and study.budget is not None:
        return f" and the same budget, {budget_of(study.equal, study.budget)}"
    limits = [budget_of(name, float(training[name])) for name in LIMITS if training.get(name)]
    return f", for {' or '.join(limits)}" if limits else ""


def _rated(record: Record) -> Iterator[str]:
    """What error rates were evaluated on, and which labelled speech was used to learn the task."""
    rated = [row for row in record.measurements if row.metric in RATES and not row.quantity.elsewhere]
    told = record.told(Evaluated).speech if record.kind in {"evaluation", "study"} else None
    drawn = "" if told is None or told.train is None else PurePath(told.train.folder).name
    tests = {(c.task, c.head, learned_from(row), evaluated_on(row)): None for row in rated for c in [row.conditions]}
    for task, head, learned, test in list(tests)[:MOST_TESTS]:
        yield (
            f"For {TASKS.get(task or '', task or 'the probe')}, a {f'{head} ' if head else ''}head was trained on "
            f"{learned or 'labelled speech'}{f' from {drawn}' if drawn else ''} and evaluated on {test or 'held-out speech'}."
        )


def carbon(record: Record) -> str:
    """How CO2e follows from energy."""
    grid = record.told(Details).grid
    if grid is None:
        return "CO2e is not reported, because no electricity grid was named and none is guessed."
    return f"CO2e is energy multiplied by {grid_text(grid, pue_of(record))}."


def pue_of(record: Record) -> float:
    """The PUE behind the record's CO2e: that of its rows, which a report may have recomputed, else that of its settings."""
    known = (row.conditions.pue for row in record.measurements if row.conditions.pue is not None)
    return next(known, record.settings.pue)


def grid_text(grid: Grid, pue: float) -> str:
    """PUE and grid intensity with country, year and source."""
    country = country_of(grid)
    source = (
        grid.source.replace("codecarbon", "CodeCarbon")
        .removesuffix(f" ({country})")
        .replace(" (", ", ")
        .replace(")", "")
    )
    about = ", ".join(str(each) for each in (country, grid.year, source) if each is not None)
    return (
        f"a power usage effectiveness (PUE) of {pue:.3g} and a grid intensity of {grid.g_per_kwh:.3g} g/kWh ({about})"
    )

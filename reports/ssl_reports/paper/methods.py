"""How the numbers were had: a paragraph for hardware, software, protocol, uncertainty, and the grid's carbon."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from ssl_benchmarks.record.details.common import Details, Grid
from ssl_benchmarks.record.details.comparison import ComparisonDetails, Target
from ssl_benchmarks.record.details.study import StudyDetails
from ssl_benchmarks.record.record import Record
from ssl_benchmarks.record.surroundings import Gpu, Machine
from ssl_reports.flaw_marks import SIGN, meaning
from ssl_reports.reading.evidence import Evidence
from ssl_reports.tables.latex import escape_latex
from ssl_reports.tables.table import escape_markdown
from ssl_reports.units import plain

NAMED = 4
"""So many records are named where a sentence is about some of them; more are counted."""

UNCERTAINTY = (
    "Intervals are of 95 %. That of a time is the hull of the one by order statistics over all calls and Student's over repeats; "
    "that of energy is Student's over repeats; those of error rates are of a bootstrap over speakers and their "
    "utterances; a ratio of two figures that were not measured in the same rounds adds the relative half-widths of both in squares. A projection carries the "
    "interval of its rate; the recipe's audio hours are taken as exact. Every number says how it was come by: measured, sampled, "
    "modelled, counted, projected, published, or not available."
)
IN_TURN = (
    "Of models measured in turn, a figure is the geometric mean over rounds, its interval the hull of Student's over the rounds' logs "
    "and of the rounds' own, averaged; a peak is the largest. Their ratios are paired: both figures are of the same round, and "
    "the interval is Student's over the logs of the rounds' ratios, so that a drift which both share is not in it. "
)
COUNTING = (
    "FLOPs are counted from the graph of a forward pass or a training step (matrix products, 1 MAC = 2 FLOPs), with "
    "attention unfused so that none of it is lost. Peak memory is that of torch's allocator on a GPU and the growth of the resident "
    "set, in a process of its own, on a CPU."
)


def paragraphs(evidence: Evidence) -> list[tuple[str, str]]:
    """Heading and text of each, in a fixed order."""
    return [
        ("Hardware", _grouped(evidence, _hardware)),
        ("Software", _grouped(evidence, _software)),
        ("Energy", _grouped(evidence, _energy)),
        ("Protocol", f"{_grouped(evidence, _protocol)} {COUNTING}"),
        ("Uncertainty", (IN_TURN if any(map(_in_turn, evidence.records)) else "") + UNCERTAINTY),
        ("Carbon", _grouped(evidence, _carbon)),
        ("Disturbances", _disturbances(evidence)),
    ]


def methods_latex(evidence: Evidence) -> str:
    """`methods.tex`."""
    return "\n".join(f"\\paragraph{{{head}.}} {escape_latex(text)}\n" for head, text in paragraphs(evidence))


def methods_markdown(evidence: Evidence) -> str:
    """`methods.md`."""
    return "# Methods\n\n" + "\n".join(f"**{head}.** {escape_markdown(text)}\n" for head, text in paragraphs(evidence))


def said_of(record: Record) -> list[tuple[str, str]]:
    """Heading and text of what one record tells of its surroundings."""
    about = {"Hardware": _hardware, "Software": _software, "Energy": _energy}
    return [(head, say(record)) for head, say in about.items()]


def _grouped(evidence: Evidence, say: Callable[[Record], str]) -> str:
    """What `say` says of each record, once, with the records it is of where they differ."""
    said: dict[str, list[str]] = {}
    for record, label in zip(evidence.records, evidence.labels, strict=True):
        said.setdefault(say(record), []).append(label)
    if len(said) == 1:
        return next(iter(said))
    return " ".join(f"{named(labels)}: {text}" for text, labels in said.items())


def named(labels: Iterable[str]) -> str:
    """A few records by name, many by their number."""
    known = list(labels)
    if len(known) > NAMED:
        return f"{len(known)} records"
    return f"Record{'s' if len(known) > 1 else ''} {', '.join(known)}"


def hardware_of(record: Record) -> str:
    """The device that did the work: "1 x NVIDIA H100", or the processor."""
    cpu, cores = _processor(record.machine)
    return f"1 x {record.machine.gpus[0].name}" if _on_gpu(record) else f"{cpu} ({cores})"


def _processor(machine: Machine) -> tuple[str, str]:
    return machine.cpu or "processor not told", f"{'?' if machine.cores is None else machine.cores} cores"


def _hardware(record: Record) -> str:
    machine = record.machine
    parts = [
        ", ".join(_processor(machine)),
        f"{plain(machine.memory_bytes / 2**30)} GiB of memory" if machine.memory_bytes else "memory not told",
        *map(_gpu, machine.gpus),
        machine.system or "system not told",
    ]
    return f"{'; '.join(parts)}; the work was done on {'the GPU' if _on_gpu(record) else 'the CPU'}."


def _on_gpu(record: Record) -> bool:
    return bool(record.machine.gpus) and record.settings.device != "cpu"


def _gpu(gpu: Gpu) -> str:
    told = [
        f"{plain(gpu.memory_bytes / 2**30)} GiB" if gpu.memory_bytes else None,
        f"driver {gpu.driver}" if gpu.driver else None,
        f"power limit {gpu.power_limit_w:g} W" if gpu.power_limit_w else None,
    ]
    return f"{gpu.name} ({', '.join(each for each in told if each) or 'nothing more is told'})"


def _software(record: Record) -> str:
    machine = record.machine
    packages = ", ".join(f"{name} {version}" for name, version in sorted(machine.packages.items()) if version)
    cuda = f", CUDA {machine.cuda}" if machine.cuda else ""
    return f"Python {machine.python or 'not told'}{cuda}; {packages or 'packages not told'}."


def _energy(record: Record) -> str:
    found = record.machine.capabilities.measurable
    parts = {"energy_gpu": "GPU", "energy_cpu": "CPU", "energy_dram": "DRAM"}
    said = [f"{word}: {found[key].method} ({found[key].how})" for key, word in parts.items() if key in found]
    return f"{'; '.join(said)}." if said else "How energy was had is not told."


def _protocol(record: Record) -> str:
    settings = record.settings
    compiled = ", compiled" if settings.compile else ""
    number = f"Precision {settings.precision}{compiled}. " if settings.precision else ""
    compared = record.told(ComparisonDetails) if record.kind == "comparison" else None
    if compared is not None and compared.sources is not None:
        return "Rows of finished runs put side by side; nothing was measured anew, and their ratios are not paired."
    if (p := settings.protocol) is not None:
        steady = f"warmed up until the medians of two windows of {p.window:g} s part by at most {100 * p.tolerance:g} %"
        if compared is not None and compared.rounds and compared.target is not None:
            return f"{number}{_rounds(compared, compared.target, steady, p.duration)}"
        if not p.cool_down:
            return (
                f"{number}{p.repeats} repeats of up to {p.duration:g} s, each in a process of its own, {steady}; the interval of a "
                "time is Student's over processes, widened to hold the middle of repeated runs."
            )
        return (
            f"{number}Each setting in a process of its own, {steady}, then {p.repeats} repeats of {p.duration:g} s with "
            f"{p.cool_down:g} s of rest."
        )
    if record.kind == "study":
        equal = record.told(StudyDetails).study.equal
        return f"{number}Models trained in processes of their own under {f'equal {equal}' if equal else 'the budget given'}."
    return f"{number}Metered whole, from the first joule to the last."


def _in_turn(record: Record) -> bool:
    """Whether models were measured in rounds."""
    compared = record.told(ComparisonDetails) if record.kind == "comparison" else None
    return compared is not None and bool(compared.rounds) and compared.target is not None


def _rounds(compared: ComparisonDetails, target: Target, steady: str, duration: float) -> str:
    count = len(compared.rounds)
    within = (
        "in one round, whose like may scatter more than the intervals say,"
        if count == 1
        else f"in each of {count} rounds"
    )
    ended = f" ({target.ended})" if target.ended else ""
    return (
        f"{', '.join(compared.models)} measured in turn: {within} every model and phase once, in an order "
        f"drawn at random by the seed, each in a process of its own, {steady}, then timed for {duration:.3g} s. Rounds were to end when all "
        f"intervals had come to {100 * target.precision:g} %, which was {'' if target.met else 'not '}reached{ended}."
    )


def _carbon(record: Record) -> str:
    grid = record.told(Details).grid
    if grid is None:
        return "No CO2e: no grid was named, and none is guessed."
    return f"CO2e is energy x PUE {record.settings.pue:g} x {grid.g_per_kwh:g} g/kWh ({_grid(grid)})."


def _grid(grid: Grid) -> str:
    return ", ".join(str(each) for each in (grid.country, grid.year, grid.source) if each is not None)


def _disturbances(evidence: Evidence) -> str:
    pairs = list(zip(evidence.records, evidence.labels, strict=True))
    disturbed = [label for record, label in pairs if any(_lines(record))]
    unfinished = [label for record, label in pairs if record.status != "finished"]
    first = (
        f"{named(disturbed)} saw other work or a throttled device, named in the record."
        if disturbed
        else "None was seen."
    )
    flawed = [found.quantity.flaw for found in evidence.rows if found.quantity.flaw]
    marked = f" Rounds and repeats with a flaw are left out where two or more have none; what stays is marked {SIGN}: {meaning(flawed)}."
    return first + (marked if flawed else "") + (f" {named(unfinished)} did not finish." if unfinished else "")


def _lines(record: Record) -> list[str]:
    return [json.dumps(lines) for lines in record.told(Details).disturbances.values() if lines]

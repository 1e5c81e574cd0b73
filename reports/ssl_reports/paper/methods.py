"""The methods section: hardware, software, energy, protocol, uncertainty, carbon and disturbances."""

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
from ssl_reports.tables.grid import grouped
from ssl_reports.tables.latex import escape_latex
from ssl_reports.tables.markdown import escape_markdown
from ssl_reports.units import plain

NAMED = 4
"""The most records that a sentence names; more are counted."""

UNCERTAINTY = (
    "Intervals are 95 % confidence intervals. For a time, the interval is the union of the order-statistics interval "
    "over all batches and Student's t interval over repeats; for energy, it is Student's t over repeats; for an error "
    "rate, it comes from a hierarchical bootstrap over speakers and utterances. For a ratio of two figures that were "
    "not measured in the same rounds, relative half-widths are added in quadrature. A projection carries the interval "
    "of its rate; the audio hours of the recipe are taken as exact. Every number states its source: measured, "
    "sampled, modelled, counted, projected, published or not available."
)
IN_ROUNDS = (
    "For models measured in rounds, a figure is the geometric mean over rounds; its interval is the union of "
    "Student's t interval over the logarithms of the rounds and the mean within-round interval. A peak is the maximum "
    "over rounds. Ratios are paired by round, and their interval is Student's t over the logarithms of the per-round "
    "ratios, so that drift common to both models cancels. "
)
COUNTING = (
    "FLOPs are counted from the graph of a forward pass or a training step (matrix products only, 1 MAC = 2 FLOPs), "
    "with attention unfused so that all of it is counted. Peak memory is that of PyTorch's allocator on a GPU and, on "
    "a CPU, the growth of the resident set of a separate process."
)


def paragraphs(evidence: Evidence) -> list[tuple[str, str]]:
    """Heading and text of each paragraph, in a fixed order."""
    return [
        ("Hardware", _grouped(evidence, _hardware)),
        ("Software", _grouped(evidence, _software)),
        ("Energy", _grouped(evidence, _energy)),
        ("Protocol", f"{_grouped(evidence, _protocol)} {COUNTING}"),
        ("Uncertainty", (IN_ROUNDS if any(map(_in_rounds, evidence.records)) else "") + UNCERTAINTY),
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
    """Heading and text of each paragraph about the surroundings of one record."""
    about = {"Hardware": _hardware, "Software": _software, "Energy": _energy}
    return [(head, say(record)) for head, say in about.items()]


def _grouped(evidence: Evidence, say: Callable[[Record], str]) -> str:
    """What `say` returns for each record, once; with the names of the records if they differ."""
    said = grouped(zip(map(say, evidence.records), evidence.labels, strict=True))
    if len(said) == 1:
        return next(iter(said))
    return " ".join(f"{named(labels)}: {text}" for text, labels in said.items())


def named(labels: Iterable[str]) -> str:
    """A few records by name, many by how many there are."""
    known = list(labels)
    if len(known) > NAMED:
        return f"{len(known)} records"
    return f"Record{'s' if len(known) > 1 else ''} {', '.join(known)}"


def hardware_of(record: Record) -> str:
    """The device used: "1 x NVIDIA H100", or the processor."""
    cpu, cores = _processor(record.machine)
    return f"1 x {record.machine.gpus[0].name}" if _on_gpu(record) else f"{cpu} ({cores})"


def _processor(machine: Machine) -> tuple[str, str]:
    cores = "number of cores not recorded" if machine.cores is None else f"{machine.cores} cores"
    return machine.cpu or "processor not recorded", cores


def _hardware(record: Record) -> str:
    machine = record.machine
    parts = [
        ", ".join(_processor(machine)),
        f"{plain(machine.memory_bytes / 2**30)} GiB of memory" if machine.memory_bytes else "memory not recorded",
        *map(_gpu, machine.gpus),
        machine.system or "system not recorded",
    ]
    return f"{'; '.join(parts)}; all models ran on the {'GPU' if _on_gpu(record) else 'CPU'}."


def _on_gpu(record: Record) -> bool:
    return bool(record.machine.gpus) and record.settings.device != "cpu"


def _gpu(gpu: Gpu) -> str:
    known = [
        f"{plain(gpu.memory_bytes / 2**30)} GiB" if gpu.memory_bytes else None,
        f"driver {gpu.driver}" if gpu.driver else None,
        f"power limit {gpu.power_limit_w:g} W" if gpu.power_limit_w else None,
    ]
    return f"{gpu.name} ({', '.join(each for each in known if each) or 'no details recorded'})"


def _software(record: Record) -> str:
    machine = record.machine
    packages = ", ".join(f"{name} {version}" for name, version in sorted(machine.packages.items()) if version)
    cuda = f", CUDA {machine.cuda}" if machine.cuda else ""
    return f"Python {machine.python or 'not recorded'}{cuda}; {packages or 'packages not recorded'}."


def _energy(record: Record) -> str:
    found = record.machine.capabilities.measurable
    parts = {"energy_gpu": "GPU", "energy_cpu": "CPU", "energy_dram": "DRAM"}
    said = [f"{word}: {found[key].method} ({found[key].how})" for key, word in parts.items() if key in found]
    return f"{'; '.join(said)}." if said else "Energy source not recorded."


def _protocol(record: Record) -> str:
    settings = record.settings
    compiled = ", compiled" if settings.compile else ""
    number = f"Precision {settings.precision}{compiled}. " if settings.precision else ""
    compared = record.told(ComparisonDetails) if record.kind == "comparison" else None
    if compared is not None and compared.sources is not None:
        return "Rows of finished runs are shown side by side; nothing was measured again, and ratios are not paired."
    if (p := settings.protocol) is not None:
        steady = (
            f"warmed up until the medians of two {p.window:g} s windows differed by at most {100 * p.tolerance:g} %"
        )
        if compared is not None and compared.rounds and compared.target is not None:
            return f"{number}{_rounds(compared, compared.target, steady, p.duration)}"
        if not p.cool_down:
            return (
                f"{number}Each setting was measured in {p.repeats} repeats of up to {p.duration:g} s, each in a "
                f"separate process, {steady}. The interval of a time is Student's t over processes, widened to cover a "
                "further run."
            )
        return (
            f"{number}Each setting was measured in a separate process, {steady}, in {p.repeats} repeats of "
            f"{p.duration:g} s with {p.cool_down:g} s of rest between them."
        )
    if record.kind == "study":
        equal = record.told(StudyDetails).study.equal
        budget = f"the same budget ({equal})" if equal else "the budgets given"
        return f"{number}Each model was trained in a separate process with {budget}."
    fitting = ", target fitting included" if record.kind == "training" else ""
    return f"{number}Metered from start to finish{fitting}."


def _in_rounds(record: Record) -> bool:
    """Whether models were measured in rounds."""
    compared = record.told(ComparisonDetails) if record.kind == "comparison" else None
    return compared is not None and bool(compared.rounds) and compared.target is not None


def _rounds(compared: ComparisonDetails, target: Target, steady: str, duration: float) -> str:
    count = len(compared.rounds)
    completed = (
        "Only one round was completed, so intervals exclude between-round variance."
        if count == 1
        else f"{count} rounds were completed."
    )
    sets = len({each.processes for each in compared.rounds})
    if sets > 1:
        completed += f" Processes were started anew {sets - 1} times; intervals count these {sets} sets of processes."
        if len(compared.models) > 2:
            completed += " The variance of a ratio is moderated by that of all models (moderated t; Smyth, 2004)."
    ended = f" ({target.ended})" if target.ended and not target.met else ""
    return (
        f"All models ({', '.join(compared.models)}) were measured in one session. In each round every model and phase "
        f"was run once, in random order, in a separate process; each was {steady}, then timed for {duration:.3g} s. "
        f"{completed} The target, every 95 % interval within ± {100 * target.precision:g} %, was "
        f"{'' if target.met else 'not '}reached{ended}."
    )


def _carbon(record: Record) -> str:
    grid = record.told(Details).grid
    if grid is None:
        return "CO2e is not reported, because no electricity grid was named and none is guessed."
    return f"CO2e is energy x PUE {record.settings.pue:g} x {grid.g_per_kwh:g} g/kWh ({_grid(grid)})."


def _grid(grid: Grid) -> str:
    return ", ".join(str(each) for each in (grid.country, grid.year, grid.source) if each is not None)


def _disturbances(evidence: Evidence) -> str:
    pairs = list(zip(evidence.records, evidence.labels, strict=True))
    disturbed = [label for record, label in pairs if any(_lines(record))]
    unfinished = [label for record, label in pairs if record.status != "finished"]
    first = (
        f"{named(disturbed)} saw other processes at work or a throttled device; the record gives details."
        if disturbed
        else "None was observed."
    )
    flawed = [found.quantity.flaw for found in evidence.rows if found.quantity.flaw]
    marked = (
        " Flawed rounds and repeats are left out if at least two sound ones remain; other flawed figures are marked "
        f"{SIGN}: {meaning(flawed)}."
    )
    return first + (marked if flawed else "") + (f" {named(unfinished)} did not finish." if unfinished else "")


def _lines(record: Record) -> list[str]:
    return [json.dumps(lines) for lines in record.told(Details).disturbances.values() if lines]

"""The methods section: hardware, software, models, speech, energy, protocol, uncertainty, carbon and disturbances."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ssl_benchmarks.record.details.common import Details
from ssl_benchmarks.record.record import Record
from ssl_reports.paper.prose import latex_text, named, plain_text, record_names, said_once
from ssl_reports.paper.protocol import carbon, protocol
from ssl_reports.paper.speech import speech
from ssl_reports.paper.surroundings import energy, machine, models, on_gpu, software
from ssl_reports.paper.uncertainty import uncertainty
from ssl_reports.reading.evidence import Evidence
from ssl_reports.tables.grid import grouped
from ssl_reports.tables.markdown import escape_markdown
from ssl_reports.tables.table import PaperTable

COUNTING = (
    "FLOPs are counted from the graph of a forward pass or a training step (matrix products and convolutions, 1 MAC = "
    "2 FLOPs), with attention unfused so that all of it is counted."
)
MEMORY = {
    True: "Peak memory is that of PyTorch's allocator on the GPU.",
    False: "Peak memory is the growth of the resident set of a separate process.",
}


def paragraphs(evidence: Evidence, tables: Sequence[PaperTable] = ()) -> list[tuple[str, str]]:
    """Heading and plain text of each paragraph, in a fixed order; `tables` are those that the text belongs to."""
    return [(head, plain_text(text)) for head, text in _paragraphs(evidence, tables)]


def _paragraphs(evidence: Evidence, tables: Sequence[PaperTable]) -> list[tuple[str, str]]:
    """The paragraphs with their citations; see `ssl_reports.paper.prose`."""
    found = [
        ("Hardware", _hardware(evidence)),
        ("Software", _each(evidence, lambda record: [software(record)])),
        ("Models", " ".join(models(evidence.records))),
        ("Speech", _each(evidence, lambda record: list(speech(record)))),
        ("Energy", _each(evidence, lambda record: list(energy(record)))),
        ("Protocol", f"{COUNTING} {_each(evidence, _measured)}"),
        ("Uncertainty", uncertainty(evidence, tables)),
        ("Carbon", _each(evidence, lambda record: [carbon(record)])),
        ("Disturbances", _disturbances(evidence)),
    ]
    return [(head, text) for head, text in found if text]


def methods_latex(evidence: Evidence, tables: Sequence[PaperTable] = ()) -> str:
    """`methods.tex`."""
    return "\n".join(f"\\paragraph{{{head}.}} {latex_text(text)}\n" for head, text in _paragraphs(evidence, tables))


def methods_markdown(evidence: Evidence, tables: Sequence[PaperTable] = ()) -> str:
    """`methods.md`."""
    said = (f"**{head}.** {escape_markdown(text)}\n" for head, text in paragraphs(evidence, tables))
    return "# Methods\n\n" + "\n".join(said)


def said_of(record: Record) -> list[tuple[str, str]]:
    """Heading and text of each paragraph about the surroundings of one record, with every package and the whole name of the system."""
    found = record.machine
    packages = ", ".join(f"{name} {version}" for name, version in sorted(found.packages.items()) if version)
    said = f"Python {found.python or 'not recorded'}; {packages or 'packages not recorded'}."
    hardware = f"{machine(record)}; {found.system or 'system not recorded'}."
    return [("Hardware", hardware), ("Software", said), ("Energy", plain_text(" ".join(energy(record))))]


def _each(evidence: Evidence, say: Callable[[Record], Sequence[str]]) -> str:
    names = record_names(evidence.records, evidence.labels)
    return said_once(list(zip(names, map(say, evidence.records), strict=True)))


def _hardware(evidence: Evidence) -> str:
    found = grouped(zip(map(machine, evidence.records), evidence.labels, strict=True))
    if len(found) == 1:
        return f"All measurements were made on {next(iter(found))}."
    return " ".join(f"Measurements were made on {what} ({named(labels)})." for what, labels in found.items())


def _measured(record: Record) -> list[str]:
    """The protocol, and how peak memory was measured where it was."""
    peaks = [row for row in record.measurements if row.metric == "peak_memory" and row.quantity.method == "measured"]
    return [*protocol(record), *([MEMORY[on_gpu(record)]] if peaks else [])]


def _disturbances(evidence: Evidence) -> str:
    pairs = list(zip(evidence.records, evidence.labels, strict=True))
    disturbed = [label for record, label in pairs if any(record.told(Details).disturbances.values())]
    unfinished = [label for record, label in pairs if record.status != "finished"]
    said = [
        f"Other processes at work or a throttled device were observed in {len(disturbed):,} of {len(pairs):,} records ({named(disturbed)})."
        if disturbed
        else "No competing processes and no throttling were observed."
    ]
    if any(found.quantity.flaw for found in evidence.rows):
        said.append(
            "Flawed rounds and repeats were left out where at least two unflawed ones remained; other flawed numbers are "
            "marked, as explained below each table."
        )
    if unfinished:
        said.append(f"{len(unfinished):,} of {len(pairs):,} runs did not finish ({named(unfinished)}).")
    return " ".join(said)

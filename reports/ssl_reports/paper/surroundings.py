"""What a methods section says about hardware, software, models and energy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ssl_benchmarks.record.details.imported import ImportDetails
from ssl_benchmarks.record.record import Record
from ssl_benchmarks.record.surroundings import Gpu, Machine
from ssl_models.efficient.config import EFFICIENT
from ssl_reports.paper.prose import cite, enumeration
from ssl_reports.units import plain

BY_MODEL = f"with CodeCarbon{cite('codecarbon')}, since no counter was available"
METERS = {
    ("gpu", "measured"): "read from the energy counter of the driver (NVML)",
    ("gpu", "sampled"): "integrated from samples of its power (NVML)",
    ("cpu", "measured"): "read from the energy counter of the processor (RAPL)",
    ("dram", "measured"): "read from the energy counter of the processor (RAPL)",
    ("cpu", "modelled"): f"modelled from the processor's thermal design power and load {BY_MODEL}",
    ("dram", "modelled"): f"modelled from the number of memory modules {BY_MODEL}",
}  # fmt: skip
"""By scope and method, how energy was obtained."""
ENERGY = frozenset({"energy", "energy_per_audio_hour"})
SCOPES = {"gpu": "the GPU", "cpu": "the CPU", "dram": "the memory"}
SOURCES = {
    "essl": "essl", "wav2vec2": "baevski2020wav2vec", "hubert": "hsu2021hubert", "melhubert": "lin2022melhubert",
    "wavlm": "chen2021wavlm", "data2vec": "baevski2022data2vec", "best-rq": "chiu2022bestrq",
}  # fmt: skip
"""The reference of each family of models, by the beginning of their names."""
FAMILIES = {
    "essl": "essL", "wav2vec2": "wav2vec 2.0", "hubert": "HuBERT", "melhubert": "MelHuBERT", "wavlm": "WavLM",
    "data2vec": "data2vec", "best-rq": "BEST-RQ",
}  # fmt: skip


def hardware_of(record: Record) -> str:
    """The device used: "1 x NVIDIA H100", or the processor."""
    found = record.machine
    return (
        f"1 x {found.gpus[0].name}" if on_gpu(record) else f"{found.cpu or 'processor not recorded'} ({_cores(found)})"
    )


def on_gpu(record: Record) -> bool:
    """Whether the models ran on a GPU."""
    return bool(record.machine.gpus) and record.settings.device != "cpu"


def device(record: Record) -> str:
    """What the models ran on, such as "one NVIDIA H100" or "one AMD EPYC processor (2 cores)"."""
    return f"one {record.machine.gpus[0].name}" if on_gpu(record) else _processor(record.machine)


def _processor(found: Machine) -> str:
    name = (found.cpu or "unrecorded").removesuffix(" Processor")
    return f"one {name} processor ({_cores(found)})"


def _cores(found: Machine) -> str:
    return "number of cores not recorded" if found.cores is None else f"{found.cores} cores"


def machine(record: Record) -> str:
    """The device with the machine around it."""
    found = record.machine
    memory = f"{plain(found.memory_bytes / 2**30)} GiB" if found.memory_bytes else "an unrecorded amount"
    system = (found.system or "").partition("-")[0]
    around = f"{_processor(found)} and {memory} of memory" + (f", under {system}" if system else "")
    return (
        f"{device(record)}{_gpu(found.gpus[0])} in a machine with {around}"
        if on_gpu(record)
        else f"one machine with {around}"
    )


def _gpu(gpu: Gpu) -> str:
    known = [
        f"{plain(gpu.memory_bytes / 2**30)} GiB" if gpu.memory_bytes else None,
        f"driver {gpu.driver}" if gpu.driver else None,
        f"power limit {gpu.power_limit_w:g} W" if gpu.power_limit_w else None,
    ]
    said = ", ".join(each for each in known if each)
    return f" ({said})" if said else ""


def software(record: Record) -> str:
    """The versions that matter for a measurement."""
    found = record.machine
    cuda = f" with CUDA {found.cuda}" if found.cuda else ""
    forms = {"sslbench": f"sslbench {{}}{cite('sslbench')}", "torch": f"PyTorch {{}}{cuda}"}
    parts = [form.format(v.partition("+")[0]) for name, form in forms.items() if (v := found.packages.get(name))]
    parts += [f"Python {found.python}"] if found.python else []
    return f"We used {enumeration(parts)}." if parts else "The versions of the software were not recorded."


def energy(record: Record) -> Iterator[str]:
    """How the energy of each part of the machine was obtained, by the methods of the record's own rows."""
    if record.kind == "import":
        yield f"Energy was recorded by {tool_of(record)}, not by sslbench."
        return
    methods = {scope: tuple(dict.fromkeys(_methods(record, scope))) for scope in SCOPES}
    both_modelled = methods["cpu"] == methods["dram"] == ("modelled",)
    if both_modelled:
        yield (
            "The energy of the CPU was modelled from the processor's thermal design power and load, and that of the "
            f"memory from the number of its modules, both {BY_MODEL}."
        )
    for scope, name in SCOPES.items():
        ways = [METERS.get((scope, method), method) for method in methods[scope]]
        if ways and (scope == "gpu" or not both_modelled):
            yield f"The energy of {name} was {enumeration(ways)}."
    whole = tuple(dict.fromkeys(_methods(record, "machine")))
    if sum(map(bool, methods.values())) > 1:
        yield "The energy of the machine is the sum of these parts."
    elif whole and not any(methods.values()):
        yield f"The energy of the machine was {enumeration(whole)}; its parts were not recorded."
    if not any(methods.values()) and not whole:
        yield "No energy was recorded."


def tool_of(record: Record) -> str:
    """The tool whose numbers were imported, with its version."""
    told = record.told(ImportDetails)
    return " ".join(part for part in (told.tool or "another tool", told.version) if part)


def _methods(record: Record, scope: str) -> Iterator[str]:
    own = {"measured", "sampled", "modelled"}
    rows = (row for row in record.measurements if row.scope == scope and row.metric in ENERGY)
    return (row.quantity.method for row in rows if row.quantity.method in own)


def models(records: Sequence[Record]) -> Iterator[str]:
    """The sentences on the efficient model, and on those of others with their publications, as far as their names show."""
    names = {row.model for record in records for row in record.measurements}
    ours = [
        f"{name}: {c.encoder.blocks} blocks of width {c.encoder.width}"
        for name, c in EFFICIENT.items()
        if name in names
    ]
    if ours:
        yield (
            f"The efficient model is our reconstruction of that of Lugo and Vielzeuf{cite('lugo2024sustainable')}: a "
            "Transformer on log-mel frames, four stacked to 40 ms, that predicts k-means clusters of masked speech "
            f"({'; '.join(ours)})."
        )
    known = [family for family in FAMILIES if any(name == family or name.startswith(f"{family}-") for name in names)]
    if known:
        cited = enumeration(f"{FAMILIES[family]}{cite(SOURCES[family])}" for family in known)
        yield f"We {'compare it with' if ours else 'measured'} {cited}, in the sizes that the tables name."

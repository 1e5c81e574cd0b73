"""`emissions.csv` of codecarbon: a line for each run."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from ssl_bench.importing.recorded import Recorded
from ssl_benchmarks.energy.carbon import GridIntensity
from ssl_benchmarks.files.text_files import UnreadableTextError, text_of
from ssl_benchmarks.record.quantity import FROM_OTHERS, JOULES_PER_KWH, Quantity, joined, total, unavailable
from ssl_models.errors import BadInputError

NEEDED = ("project_name", "duration", "emissions", "cpu_energy", "gpu_energy", "ram_energy", "codecarbon_version")
PARTS = {"gpu": "gpu_energy", "cpu": "cpu_energy", "dram": "ram_energy"}
MOST = 10_000
"""The most runs that are read from one file."""


def read_emissions(path: Path) -> list[Recorded]:
    """The runs of a file, each with a name of its own.

    Raises:
        BadInputError: for a file that cannot be read or is not codecarbon's.
    """
    try:
        lines = list(csv.DictReader(io.StringIO(text_of(path.read_bytes()), newline=""), strict=True))
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror or 'unreadable'}") from error
    except (UnreadableTextError, csv.Error) as error:
        raise BadInputError(f"{path}: not a CSV file ({error})") from error
    missing = [name for name in NEEDED if not lines or lines[0].get(name) is None]
    if missing:
        raise BadInputError(f"{path}: not codecarbon's emissions.csv: no {missing[0]}")
    if len(lines) > MOST:
        raise BadInputError(f"{path}: holds more than {MOST:,} runs; split it")
    names = Counter(line["project_name"] for line in lines)
    seen: Counter[str] = Counter()
    found = []
    for number, line in enumerate(lines, start=2):
        name = line["project_name"] or "codecarbon"
        seen[name] += 1
        own = f"{name} #{seen[name]}" if names[line["project_name"]] > 1 else name
        try:
            found.append(_recorded(line, own))
        except ValueError as error:
            raise BadInputError(f"{path}, line {number}: {error}") from error
    return found


def _recorded(line: Mapping[str, str | None], name: str) -> Recorded:
    version, pue = _word(line, "codecarbon_version") or "of unknown version", _number(line, "pue", 1.0)
    if pue < 1:
        raise ValueError(f"pue {pue:g} is less than 1")
    said = f"{FROM_OTHERS} codecarbon {version}"
    energy = {scope: _part(line, scope, pue, said) for scope in PARTS}
    parts = total(energy, "J")
    whole = replace(parts, note=joined(said, parts.note))
    grams, joules = 1000 * _number(line, "emissions", 0.0), whole.value
    known = bool(joules and _word(line, "emissions"))
    country = _word(line, "country_iso_code") or _word(line, "country_name") or "unknown country"
    intensity = grams / (joules * pue / JOULES_PER_KWH) if joules and known else None
    grid = None if intensity is None else GridIntensity(intensity, None, None, f"{country} by codecarbon {version}")
    gpus, cpu = _gpus(_word(line, "gpu_model")), _word(line, "cpu_model") or "processor not recorded"
    count = _word(line, "cpu_count").removesuffix(".0")
    return Recorded(
        name=name,
        created=_word(line, "timestamp"),
        seconds=Quantity(_number(line, "duration"), "s", "measured", note=said),
        energy={**energy, "machine": whole},
        carbon=Quantity(grams, "g", "modelled", note=f"{said}; its intensity of {country}; PUE {pue:g}")
        if known else unavailable("g", f"{said}: it recorded no {'emissions' if joules else 'energy'}"),
        pue=pue,
        device=gpus[0] if gpus else f"{cpu} x {count}" if count else cpu,
        gpus=gpus,
        grid=grid,
        version=version,
        system=_word(line, "os"),
        python=_word(line, "python_version"),
    )  # fmt: skip


def _part(line: Mapping[str, str | None], scope: str, pue: float, said: str) -> Quantity:
    """The energy of a part: codecarbon multiplies it by the PUE, and writes 0 where it saw nothing.

    A file that `sslbench export` wrote is blank there, and does not say how the GPUs' energy was obtained.
    """
    joules = _number(line, PARTS[scope], 0.0) * JOULES_PER_KWH / pue
    if scope == "gpu":
        if not _word(line, "gpu_model"):
            return unavailable("J", f"{said}: it saw no GPU")
        if joules == 0:
            return unavailable("J", f"{said}: it read no energy of its GPUs ({_word(line, 'gpu_model')})")
        if said.startswith(f"{FROM_OTHERS} codecarbon sslbench"):
            return Quantity(joules, "J", "modelled", note=f"{said}: its method is not in the file")
        return Quantity(joules, "J", "measured", note=f"{said}: the driver's counter")
    if joules == 0:
        return unavailable("J", f"{said}: it recorded none")
    how = (
        "a guess from the memory's size"
        if scope == "dram"
        else "it does not say whether from a counter or from TDP and load"
    )
    return Quantity(joules, "J", "modelled", note=f"{said}: {how}")


def _gpus(text: str) -> tuple[str, ...]:
    """Names from "2 x NVIDIA A100", as often as there are GPUs."""
    return tuple(_of_kind(text)) if text else ()


def _of_kind(text: str) -> Iterator[str]:
    count, _, kind = text.partition(" x ")
    if kind and count.strip().isdecimal() and int(count) <= 1024:
        yield from [kind.strip()] * int(count)
    else:
        yield text.strip()


def _word(line: Mapping[str, str | None], name: str) -> str:
    return " ".join((line.get(name) or "").split())


def _number(line: Mapping[str, str | None], name: str, otherwise: float | None = None) -> float:
    text = _word(line, name)
    if not text and otherwise is not None:
        return otherwise
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name} {text!r} is not a number") from None
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} {text} is not a finite number of at least 0")
    return value

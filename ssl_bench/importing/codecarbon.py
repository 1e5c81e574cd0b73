"""`emissions.csv` of CodeCarbon: a line for each run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ssl_bench.importing.recorded import Recorded, by_scope, origin
from ssl_bench.importing.rows import Row, number, read_text, rows_of, word
from ssl_benchmarks.energy.carbon import GridIntensity
from ssl_benchmarks.record.quantity import FROM_OTHERS, JOULES_PER_KWH, Quantity, unavailable
from ssl_models.errors import BadInputError

NEEDED = ("project_name", "duration", "emissions", "cpu_energy", "gpu_energy", "ram_energy", "codecarbon_version")
PARTS = {"gpu": "gpu_energy", "cpu": "cpu_energy", "dram": "ram_energy"}


def read_emissions(path: Path) -> list[Recorded]:
    """The runs of a file.

    Raises:
        BadInputError: for a file that cannot be read or is not CodeCarbon's.
    """
    found = []
    for place, row in enumerate(rows_of(read_text(path), path, NEEDED, "CodeCarbon's emissions.csv"), start=2):
        try:
            found.append(_recorded(row))
        except ValueError as error:
            raise BadInputError(f"{path}, row {place}: {error}") from error
    return found


def _recorded(row: Row) -> Recorded:
    version, pue = word(row, "codecarbon_version") or "of unknown version", number(row, "pue", 1.0)
    if pue < 1:
        raise ValueError(f"pue {pue:g} is less than 1")
    said = origin("CodeCarbon", version)
    energy = by_scope({scope: _part(row, scope, pue, said) for scope in PARTS}, said)
    grams, joules = 1000 * number(row, "emissions", 0.0), energy["machine"].value
    known = bool(joules and word(row, "emissions"))
    country = word(row, "country_iso_code") or word(row, "country_name") or "unknown country"
    intensity = grams / (joules * pue / JOULES_PER_KWH) if joules and known else None
    grid = None if intensity is None else GridIntensity(intensity, None, None, f"{country} by CodeCarbon {version}")
    gpus, cpu = _gpus(word(row, "gpu_model")), word(row, "cpu_model")
    count = word(row, "cpu_count").removesuffix(".0")
    return Recorded(
        name=word(row, "project_name") or "codecarbon",
        created=word(row, "timestamp"),
        seconds=Quantity(number(row, "duration"), "s", "measured", note=said),
        energy=energy,
        carbon=Quantity(grams, "g", "modelled", note=f"{said}; its intensity of {country}; PUE {pue:g}")
        if known else unavailable("g", f"{said}: it recorded no {'emissions' if joules else 'energy'}"),
        pue=pue,
        device=gpus[0] if gpus else f"{cpu} x {count}" if cpu and count else cpu,
        gpus=gpus,
        devices=max(1, len(gpus)),
        grid=grid,
        version=version,
        system=word(row, "os"),
        python=word(row, "python_version"),
    )  # fmt: skip


def _part(row: Row, scope: str, pue: float, said: str) -> Quantity:
    """The energy of a part: CodeCarbon multiplies it by the PUE, and writes 0 where it saw nothing.

    A file that `sslbench export` wrote is blank there, and does not say how the GPUs' energy was obtained.
    """
    joules = number(row, PARTS[scope], 0.0) * JOULES_PER_KWH / pue
    if scope == "gpu":
        if not word(row, "gpu_model"):
            return unavailable("J", f"{said}: it saw no GPU")
        if joules == 0:
            return unavailable("J", f"{said}: it read no energy of its GPUs ({word(row, 'gpu_model')})")
        if said.startswith(f"{FROM_OTHERS} CodeCarbon sslbench"):
            return Quantity(joules, "J", "modelled", note=f"{said}: its method is not in the file")
        return Quantity(joules, "J", "measured", note=f"{said}: the driver's counter")
    if joules == 0:
        return unavailable("J", f"{said}: it recorded none")
    how = (
        "a guess from the memory's size"
        if scope == "dram"
        else "it does not say whether from a counter or from thermal design power and load"
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

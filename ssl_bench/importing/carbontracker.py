"""Logs of carbontracker: the duration and the mean power of each epoch."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from ssl_bench.importing.recorded import Recorded, by_scope, origin
from ssl_benchmarks.energy.carbon import GridIntensity
from ssl_benchmarks.files.text_files import UnreadableTextError, read_lines
from ssl_benchmarks.record.quantity import JOULES_PER_KWH, Quantity, unavailable
from ssl_models.errors import BadInputError

UNITS = {"days": 86_400, "hours": 3600, "minutes": 60, "seconds": 1}
SUFFIX = "_carbontracker.log"
MOST = 10_000
"""The most logs that are read from one folder."""
WHEN = r"(?P<when>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) - "
VERSION = re.compile(WHEN + r"carbontracker version (?P<version>[\w.+-]{1,40})")
PUE = re.compile(r".* multiplied by a PUE coefficient of (?P<pue>[\d.]{1,20}) ")
FOUND = re.compile(r".*components were found: (?P<devices>.+)")
DURATION = re.compile(
    WHEN + r"Duration: (?:(?P<days>\d{1,6}) days?, )?(?P<hours>\d{1,6}):(?P<minutes>\d\d):(?P<seconds>[\d.]{2,20})"
)
POWER = re.compile(WHEN + r"Average power usage \(W\) for (?P<part>gpu|cpu): (?P<watts>.{1,4000})")
INTENSITY = re.compile(r".*Average carbon intensity during training was (?P<grams>[\d.]{1,20}) gCO2")
PLACE = re.compile(r".* at detected location:? (?P<place>[^:\[]{1,80})")


def read_logs(path: Path) -> list[Recorded]:
    """The runs of a log, or of a folder of logs.

    Raises:
        BadInputError: for what cannot be read, or is no log of carbontracker.
    """
    if not path.exists():
        raise BadInputError(f"{path}: no such file or folder")
    files = sorted(path.glob(f"*{SUFFIX}"))[: MOST + 1] if path.is_dir() else [path]
    if not files:
        raise BadInputError(f"{path}: holds no *{SUFFIX}")
    if len(files) > MOST:
        raise BadInputError(f"{path}: holds more than {MOST:,} logs; split it")
    return [_read(file) for file in files]


def _read(file: Path) -> Recorded:
    try:
        lines = read_lines(file)
    except UnreadableTextError as error:
        raise BadInputError(f"{file}: {error}") from error
    first = next((match for line in lines if (match := VERSION.match(line))), None)
    if first is None:
        raise BadInputError(f"{file}: not a log of carbontracker")
    try:
        return _recorded(file, lines, first["version"], first["when"])
    except ValueError as error:
        raise BadInputError(f"{file}: {error}") from error


def _recorded(file: Path, lines: list[str], version: str, when: str) -> Recorded:
    said = origin("carbontracker", version)
    seconds, joules = _epochs(lines)
    if not seconds:
        raise ValueError("no epoch ended while it was monitored")
    pue = max(1.0, _first(PUE, lines, "pue") or 1.0)
    names = next((match["devices"] for line in lines if (match := FOUND.match(line))), "")
    gpus = tuple(_devices(names, "GPU"))
    processor = next(_devices(names, "CPU"), "")
    energy = by_scope(_energy(joules, said, len(gpus)), said)
    whole = energy["machine"]
    grams = _first(INTENSITY, lines, "grams")
    place = next((match["place"].strip() for line in lines if (match := PLACE.match(line))), "an unknown place")
    carbon = unavailable("g", f"{said}: it recorded no intensity")
    if grams is not None and whole.value is not None:
        note = f"{said}; its intensity of {grams:g} g/kWh at {place}, a default where it knew no place; PUE {pue:g}"
        carbon = Quantity(whole.value * pue * grams / JOULES_PER_KWH, "g", "modelled", note=note)
    return Recorded(
        name=file.name.removesuffix(SUFFIX),
        created=when,
        seconds=Quantity(
            seconds, "s", "measured", note=f"{said}: epochs that it monitored, without what lay between them"
        ),
        energy=energy,
        carbon=carbon,
        pue=pue,
        device=gpus[0] if gpus else processor,
        gpus=gpus,
        devices=max(1, len(gpus)),
        grid=None if grams is None else GridIntensity(grams, None, None, f"{place} by carbontracker {version}"),
        version=version,
    )


def _energy(joules: dict[str, float], said: str, gpus: int) -> dict[str, Quantity]:
    """By scope: the GPUs' power was sampled; whether that of the CPU was, the log does not say; memory it does not know."""
    gpu = (
        Quantity(joules["gpu"], "J", "sampled", note=f"{said}: mean power of each epoch, sampled from the driver")
        if joules.get("gpu")
        else unavailable("J", f"{said}: {'it read no power of its GPUs' if gpus else 'it saw no GPU'}")
    )
    cpu = (
        Quantity(
            joules["cpu"],
            "J",
            "modelled",
            note=f"{said}: it does not say whether from a counter or from thermal design power",
        )
        if joules.get("cpu")
        else unavailable("J", f"{said}: it recorded no power of a CPU")
    )
    return {"gpu": gpu, "cpu": cpu, "dram": unavailable("J", f"{said}: it does not meter memory by itself")}


def _epochs(lines: Iterable[str]) -> tuple[float, dict[str, float]]:
    """Seconds of all epochs, and joules by part: each epoch's duration times its mean power."""
    whole, current = 0.0, 0.0
    joules: dict[str, float] = defaultdict(float)
    for line in lines:
        if match := DURATION.match(line):
            current = sum(float(match[name] or 0) * seconds for name, seconds in UNITS.items())
            whole += current
        elif match := POWER.match(line):
            joules[match["part"]] += current * sum(_numbers(match["watts"]))
    return whole, dict(joules)


def _numbers(text: str) -> Iterator[float]:
    """The watts of each device, from "60.0" or "[200. 198.5]"."""
    for word in text.strip("[] \t").replace(",", " ").split():
        value = float(word)
        if not 0 <= value < math.inf:
            raise ValueError(f"a power of {word} W")
        yield value


def _devices(text: str, kind: str) -> Iterator[str]:
    """Names from "GPU with device(s) A, B. CPU with device(s) C."."""
    match = re.search(rf"{kind} with device\(s\) (.+?)\.(?: [A-Z]+ with device|$)", text)
    if match:
        yield from (name.strip() for name in match[1].split(","))


def _first(pattern: re.Pattern[str], lines: Iterable[str], name: str) -> float | None:
    """The first number that a pattern finds."""
    found = next((match[name] for line in lines if (match := pattern.match(line))), None)
    return None if found is None else float(found)

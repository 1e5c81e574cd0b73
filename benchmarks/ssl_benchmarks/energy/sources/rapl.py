"""CPU and DRAM energy from RAPL, Intel's and AMD's running counters under /sys/class/powercap."""

from __future__ import annotations

import math
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from ssl_benchmarks.energy.sources.source import FRESH_SHARE, Mark, Scope, Source, Span

UPDATE_S = 0.001
"""The processor updates its counters about once a millisecond (Intel SDM vol. 3, section on RAPL)."""
HIGHEST_W = 1000.0
"""No package draws more than this (W) for longer than a poll."""
BASE_W, THREAD_W = 100.0, 25.0
"""If no limit is reported: the most (W) that a package draws, apart from its threads and per thread of the machine; a
processor with 2 threads draws up to 60 W, one with 32 up to 350 W."""
HIGHEST_DRAM_W = 300.0
"""No memory of a package draws more than this (W): two dozen DIMMs at about 10 W."""
ABOVE_LIMIT = 2.0
"""A processor may briefly draw this many times its limits."""
LATE_S = 0.02
"""Energy drawn this long (s) before a reading may only appear in the next one."""
POLLS = 3
"""Readings in the time in which a counter could wrap at `HIGHEST_W`: with two, a late one could miss a wrap-around."""
STALL_S = 1.0
SEEN_S = 0.3
"""Seconds in which a working counter moves many times."""
READ_BYTES = 64


@dataclass
class Domain:
    """One counter in microjoules that wraps around at `range_j`; `joules` is its unwrapped total since `open`.

    A step that implies more than `highest_w` is a fault; `mirrors` are other names of the same counter.
    """

    name: str
    path: Path
    range_j: float | None
    joules: float = 0.0
    moved_s: float = 0.0
    fault: str = ""
    highest_w: float = HIGHEST_W
    mirrors: tuple[str, ...] = ()
    _last_j: float = 0.0
    _read_s: tuple[float, float] = (0.0, 0.0)

    def open(self, now_s: float) -> None:
        """Take the first reading."""
        self._read_s = now_s, time.perf_counter()
        first = self._read()
        self._last_j, self.moved_s = self._last_j if first is None else first, now_s

    def update(self, now_s: float) -> None:
        """Add what was counted since the last reading, including a wrap-around."""
        began_s = time.perf_counter()
        raw = None if self.fault else self._read()
        if raw is None:
            return
        # However late the readings were.
        elapsed = max(now_s - self._read_s[0], time.perf_counter() - self._read_s[1])
        step = self._possible(raw - self._last_j, elapsed)
        if step > 0:
            self.joules, self.moved_s = self.joules + step, now_s
        elif not self.fault and now_s - self.moved_s > STALL_S:
            self.fault = f"{self.name}: the counter did not move for {now_s - self.moved_s:.1f} s"
        self._last_j, self._read_s = raw, (now_s, began_s)

    def _possible(self, step: float, elapsed: float) -> float:
        """The step, corrected for a wrap-around; a fault and 0 if the hardware cannot have drawn that much."""
        most = self.highest_w * (elapsed + LATE_S)
        if step < 0:
            whole = None if self.range_j is None else step + self.range_j
            if whole is not None and 0 <= whole <= most:
                return whole
            self.fault = f"{self.name}: the counter decreased by {-step:g} J"
            return 0.0
        if step > most:
            self.fault = (
                f"{self.name}: the counter jumped by {step:.4g} J within {elapsed:.2g} s, more than the {self.highest_w:g} W "
                "that it can draw"
            )
            return 0.0
        return step

    def _read(self) -> float | None:
        """Microjoules as J; an unreadable or empty file is read once more."""
        error: Exception = OSError("no reading")
        for _ in range(2):
            try:
                return int(read_text(self.path / "energy_uj")) / 1e6
            except (OSError, ValueError, OverflowError) as caught:
                error = caught
        self.fault = f"{self.name}: {error}"
        return None


def read_text(path: Path) -> str:
    """Read a sysfs file in three system calls, at a third of the cost of `open`."""
    handle = os.open(path, os.O_RDONLY)
    try:
        return os.read(handle, READ_BYTES).decode().strip()
    finally:
        os.close(handle)


def powercap_root() -> Path:
    """The folder where the kernel lists its power domains; SSLBENCH_POWERCAP_ROOT changes it."""
    return Path(os.environ.get("SSLBENCH_POWERCAP_ROOT", "/sys/class/powercap"))


def allow() -> str:
    """The command that lets all users read the counters until the next reboot."""
    return f"sudo chmod a+r {powercap_root()}/*/energy_uj"


def find_domains(root: Path) -> dict[Scope, list[Domain]]:
    """Every package under "cpu" and every DRAM domain under "dram", each once.

    Cores and the uncore are inside the package, psys covers more than the machine's parts, and a package that is
    listed by two drivers (MSR and MMIO), or besides its dies, counts once. Reads no counter; an unreadable domain is
    listed too.
    """
    found: dict[tuple[Scope, str], Domain] = {}
    for zone, path in sorted(_zones(root).items(), key=lambda item: ("mmio" in item[0], item[0])):
        name = _name(path)
        parent = _name(path.parent / zone.rpartition(":")[0]) or _name(path.parent)
        if name.startswith("package"):
            found.setdefault(("cpu", name), _domain(name, path))
        elif name == "dram":
            full = f"{parent} dram" if parent.startswith("package") else f"{zone} dram"
            found.setdefault(("dram", full), _domain(full, path))
    in_dies = {(scope, re.sub(r"-die-\d+", "", name)) for scope, name in found if "-die-" in name}
    scopes: tuple[Scope, ...] = ("cpu", "dram")
    return {
        scope: [domain for key, domain in found.items() if key[0] == scope and key not in in_dies] for scope in scopes
    }


def _domain(name: str, path: Path) -> Domain:
    limits = [watts for watts in (micro(each) for each in path.glob("constraint_*_power*_uw")) if watts]
    untold = HIGHEST_DRAM_W if name.endswith("dram") else BASE_W + THREAD_W * (os.cpu_count() or math.inf)
    highest = ABOVE_LIMIT * max(limits) if limits else untold
    return Domain(name, path, micro(path / "max_energy_range_uj"), highest_w=min(HIGHEST_W, highest))


def names_of_zones(root: Path) -> dict[str, str]:
    """The name of every zone that the kernel lists, including those that are not added up (core, uncore, psys)."""
    return {zone: _name(path) for zone, path in _zones(root).items()}


def _zones(root: Path) -> dict[str, Path]:
    """Zones by name (intel-rapl:0, intel-rapl:0:2); the kernel lists subzones flat, nested, or both."""
    pattern = re.compile(r"[\w-]*rapl[\w-]*(:\d+)+")
    zones: dict[str, Path] = {}
    folders = [root]
    while folders:
        try:
            children = sorted(folders.pop(0).iterdir())
        except OSError:
            continue
        fresh = [child for child in children if pattern.fullmatch(child.name) and child.name not in zones]
        zones |= {child.name: child for child in fresh}
        folders += fresh
    return zones


def _name(path: Path) -> str:
    try:
        return read_text(path / "name").lower()
    except (OSError, ValueError):
        return ""


def micro(path: Path) -> float | None:
    """The content of a file of microjoules or microwatts, in J or W."""
    try:
        return int(read_text(path)) / 1e6
    except (OSError, ValueError, OverflowError):
        return None


def mirrored(domain: Domain) -> str:
    """The other names of a counter, in words."""
    return f"{', '.join(domain.mirrors)} {'show' if len(domain.mirrors) > 1 else 'shows'} the same counter as {domain.name}, which is counted once"


def unreadable(domains: list[Domain]) -> str:
    """Why these domains cannot be read; empty if they can."""
    for domain in domains:
        try:
            int(read_text(domain.path / "energy_uj"))
        except PermissionError:
            return f"{domain.name}: RAPL is readable by root only ({allow()} changes that)"
        except (OSError, ValueError) as error:
            return f"{domain.name}: RAPL is unreadable ({error})"
    return ""


def unmoved(domains: list[Domain]) -> str:
    """Which of these counters, watched for up to `SEEN_S`, did not move; empty if all did."""
    end, first = time.perf_counter() + SEEN_S, {domain.name: micro(domain.path / "energy_uj") for domain in domains}
    still = list(domains)
    while still and time.perf_counter() < end:
        time.sleep(UPDATE_S)
        still = [domain for domain in still if micro(domain.path / "energy_uj") == first[domain.name]]
    names = ", ".join(domain.name for domain in still)
    return f"{names}: the counter did not move in {SEEN_S:g} s" if still else ""


class RaplSource(Source):
    """All domains of a scope, added up."""

    def __init__(self, scope: Scope, domains: list[Domain], period_s: float) -> None:
        super().__init__(scope, scope, "measured")
        self._domains, self._period_s = domains, period_s
        self._sampled_s = self._sampled_j = 0.0
        self._samples = 0

    @property
    def poll_s(self) -> float:
        """The longest time in s between readings that cannot miss a wrap-around."""
        return min(
            (domain.range_j / HIGHEST_W / POLLS for domain in self._domains if domain.range_j), default=float("inf")
        )

    @property
    def energy_j(self) -> float:
        """J since `open`."""
        return sum(domain.joules for domain in self._domains)

    def open(self, now_s: float) -> None:
        """Take the first reading."""
        for domain in self._domains:
            domain.open(now_s)
        self._sampled_s = now_s

    def sample(self, now_s: float) -> None:
        """Read again."""
        for domain in self._domains:
            domain.update(now_s)
            if domain.fault:
                self.fail(domain.fault)
        elapsed = now_s - self._sampled_s
        if not self.fault and elapsed >= FRESH_SHARE * self._period_s:
            joules = self.energy_j
            self.power_w = (joules - self._sampled_j) / elapsed
            self.trace.add(now_s, self.power_w)
            self._sampled_s, self._sampled_j, self._samples = now_s, joules, self._samples + 1

    def mark(self, now_s: float) -> Mark:
        """Read at an edge."""
        self.sample(now_s)
        slack = time.perf_counter() - now_s
        return Mark(now_s, slack, self.energy_j, 0.0, self._samples, 0.0, self.power_w)

    def between(self, start: Mark, end: Mark) -> Span:
        """Energy between two edges."""
        duration, energy = end.time_s - start.time_s, end.energy_j - start.energy_j
        highest = max(self.trace.peak(start.time_s, end.time_s), energy / max(duration, UPDATE_S))
        error = highest * (UPDATE_S + start.slack_s + end.slack_s)
        return Span(duration, energy, error, samples=end.samples - start.samples, fault=self.fault)

    def note(self, span: Span) -> str:
        """How the energy was obtained."""
        parts = [f"RAPL {' + '.join(domain.name for domain in self._domains)}"]
        parts += [mirrored(domain) for domain in self._domains if domain.mirrors]
        parts += ["window too short for 1 % precision"] if span.error_j > 0.01 * span.energy_j else []
        return "; ".join(parts)

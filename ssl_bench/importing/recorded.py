"""What another tool recorded of one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ssl_benchmarks.energy.carbon import GridIntensity
from ssl_benchmarks.record.flaws import WHOLE
from ssl_benchmarks.record.quantity import FROM_OTHERS, Quantity, joined, total, unavailable

Figure = tuple[str, str | None]
"""A metric of the long table and its scope."""
UNNAMED_GPU, UNNAMED = "GPU not recorded", "device not recorded"
NO_CARBON = "its tool recorded no CO2e; --country of table and report computes it"
UNCOUNTED = "the number of its devices is not recorded"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One run of another tool.

    Attributes:
        name: its name there.
        created: when it began or was written, as it says.
        version: of the tool; empty where it does not say.
        seconds: wall time.
        energy: in J by scope, without PUE.
        carbon: in g, of the whole; None if it recorded none.
        others: further figures, which replace what follows from those above: peak memory, error rates, FLOPs, hours of audio.
        device: processor, or kind of GPU; empty where it does not say.
        gpus: names of the GPUs.
        devices: how many GPUs or processors did the work, if not one for each of `gpus`.
        pue: power usage effectiveness.
        grid: intensity of the grid, with the tool as its source; None where there is no energy.
        system, python: that it ran on; empty where it does not say.
        flaw: why every figure may be wrong.
        remarks: what the source holds besides, or does not say.
    """

    name: str
    created: str
    version: str = ""
    seconds: Quantity
    energy: Mapping[str, Quantity]
    carbon: Quantity | None = None
    others: Mapping[Figure, Quantity] = field(default_factory=dict)
    device: str = ""
    gpus: tuple[str, ...] = ()
    devices: int | None = None
    pue: float = 1.0
    grid: GridIntensity | None = None
    system: str = ""
    python: str = ""
    flaw: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def hardware(self) -> tuple[str, ...]:
        """The GPUs, at least one where their energy is known; empty if a processor did the work."""
        seen = self.gpus or self.energy["gpu"].value is None
        return self.gpus if seen else (self.device or UNNAMED_GPU,)

    @property
    def device_kind(self) -> str:
        """`cuda` if the headline is the energy of GPUs: theirs is known, or nothing is; else `cpu`, that of the machine."""
        whole = self.energy["gpu"].value is None and self.energy["machine"].value is not None
        return "cuda" if self.hardware and not whole else "cpu"

    def place(self, source: str) -> str:
        """The device as conditions name it; one that is not recorded is taken for that of the same source alone."""
        named = self.device or next((gpu for gpu in self.gpus if gpu != UNNAMED_GPU), "")
        return named or f"{UNNAMED_GPU if self.hardware else UNNAMED} ({source})"

    @property
    def figures(self) -> dict[Figure, Quantity]:
        """Every figure of the run."""
        devices = self.devices or len(self.gpus)
        hours = self.seconds.scaled(devices / 3600, "h") if devices else unavailable("h", UNCOUNTED)
        return {
            ("duration", None): self.seconds,
            ("device_hours", None): hours,
            **{("energy", scope): quantity for scope, quantity in self.energy.items()},
            ("co2e", "machine"): self.carbon or unavailable("g", NO_CARBON),
            **self.others,
        }


def origin(tool: str, version: str = "") -> str:
    """How the notes of a tool's figures begin."""
    return " ".join(filter(None, (FROM_OTHERS, tool, version)))


def moment(time_s: float) -> str:
    """Seconds since 1970 in ISO 8601, UTC; empty for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return ""


def by_scope(parts: Mapping[str, Quantity], said: str) -> dict[str, Quantity]:
    """Energy by scope: the parts, and what they add up to, unless that is given too."""
    whole = total({scope: quantity for scope, quantity in parts.items() if scope != "machine"}, "J")
    return {"machine": replace(whole, note=joined(said, whole.note)), **parts}


def host_memory(largest: float, gpus: Sequence[str], note: str) -> dict[Figure, Quantity]:
    """The peak of resident sets in B: that of the host where GPUs did the work."""
    quantity = Quantity(largest, "B", "sampled", note=note, flaw=WHOLE)
    return {("peak_host_memory" if gpus else "peak_memory", None): quantity}

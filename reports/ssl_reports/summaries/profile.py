"""The tables and remarks of a profile, for the terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from ssl_benchmarks.profile.profile import OPINION_SECONDS, PhaseCount, Profile
from ssl_reports.units import plain, shown, with_prefix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssl_benchmarks.counting.flops import FlopCount

LISTED = re.compile(r"\.\d+(\.|$)")
"""Items of a module list; the list is shown as a whole instead."""
ROWS = 12
"""Number of modules or operators shown; `--json` has all."""


def profile_tables(profile: Profile, depth: int) -> list[Table]:
    """Cost by clip length, by module and by operator, and predicted memory."""
    longest = max(profile.setting.seconds)
    counts = [c for c in profile.counts if c.seconds == longest]
    return [
        _cost(profile),
        _split(
            f"by module, {longest:g} s; a module includes those whose names begin with its own",
            "module",
            counts,
            _by_module(counts, depth),
        ),
        _split(f"by operator, {longest:g} s", "operator", counts, [c.count.by_operator for c in counts]),
        _memory(profile),
    ]


def _table(title: str, columns: Sequence[str], left: int = 1) -> Table:
    table = Table(title=escape(title), title_justify="left")
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number < left else "right")
    return table


def _cost(profile: Profile) -> Table:
    columns = ("clip", "phase", "MACs", "FLOPs", "GFLOP per s of audio", "× forward", "closed form")
    table = _table(f"{profile.model}: counted, 1 MAC = 2 FLOPs", columns, left=2)
    for counted in profile.counts:
        table.add_row(*_cost_row(profile, counted))
    return table


def _cost_row(profile: Profile, counted: PhaseCount) -> list[str]:
    count, forward = counted.count, profile.at("inference", counted.seconds)
    ratio = count.flops / forward.count.flops if forward and forward.count.flops else None
    apart = "none known" if counted.apart is None else _difference(counted.apart, 3)
    least = "≥ " if count.missed else ""
    return [
        f"{counted.seconds:g} s",
        counted.phase,
        least + with_prefix(count.macs, "", 4),
        least + with_prefix(count.flops, "", 4),
        least + plain(count.flops / counted.seconds / 1e9, 4),
        "" if ratio is None or least else f"{ratio:.2f}",
        apart,
    ]


def _difference(share: float, places: int) -> str:
    """A signed share in per cent; zero has no sign."""
    text = f"{100 * share:+.{places}f}"
    return f"{text if float(text) else text[1:]} %"


def _by_module(counts: Sequence[PhaseCount], depth: int) -> list[dict[str, int]]:
    """FLOPs by module, the same modules in all phases, named as in pretraining, each followed by those inside it."""
    found = [_named(counted, depth) for counted in counts]
    shown_names = {name for counted, part in zip(counts, found, strict=True) for name in _told_apart(counted, part)}
    names = sorted(shown_names, key=lambda name: name.split("."))
    return [{name: part.get(name, 0) for name in names} for part in found]


def _named(counted: PhaseCount, depth: int) -> dict[str, int]:
    """FLOPs of every module, named as in pretraining, where all that inference runs is the encoder."""
    inference = counted.phase == "inference"
    modules = counted.count.by_module(depth - 1 if inference else depth)
    if not inference:
        return {name: flops for name, flops in modules.items() if name}
    return {f"encoder.{name}".removesuffix("."): flops for name, flops in modules.items()}


def _told_apart(counted: PhaseCount, modules: dict[str, int]) -> list[str]:
    """The modules without the whole and without those that hold a single other one."""

    def repeated(name: str) -> bool:
        return any(other.startswith(f"{name}.") and modules[other] == modules[name] for other in modules)

    whole = counted.count.flops
    return [
        name
        for name, flops in modules.items()
        if flops and flops != whole and not LISTED.search(name) and not repeated(name)
    ]


def _split(title: str, what: str, counts: Sequence[PhaseCount], parts: Sequence[dict[str, int]]) -> Table:
    table = _table(title, (what, *(f"{c.phase} MACs" for c in counts), *(f"{c.phase} %" for c in counts)))
    names = dict.fromkeys(name for part in reversed(parts) for name in part)
    shown_names = sorted(names, key=lambda name: -max(part.get(name, 0) for part in parts))[:ROWS]
    for name in [n for n in names if n in shown_names]:
        macs = [with_prefix(part.get(name, 0) / 2, "") for part in parts]
        shares = [
            f"{100 * part.get(name, 0) / max(1, c.count.flops):.1f}" for part, c in zip(parts, counts, strict=True)
        ]
        table.add_row(escape(name), *macs, *shares)
    if len(names) > ROWS:
        table.add_row(f"and {len(names) - ROWS} smaller", *[""] * 2 * len(counts))
    return table


def _memory(profile: Profile) -> Table:
    setting = profile.setting
    title = (
        f"predicted peak memory on {setting.device}, {setting.precision}, "
        f"{setting.clips} × {setting.clip_seconds:g} s, {setting.optimiser}"
    )
    columns = ("phase", "peak", "weights", "gradients", "optimiser", "activations", "elementwise traffic")
    table = _table(title, columns)
    for phase, f in profile.memory.items():
        sizes = (f.peak, f.weights, f.gradients, f.optimizer, f.activations, f.bytes_moved)
        table.add_row(phase, *("–" if size is None else " ".join(shown(size)) for size in sizes))
    return table


def remarks(profile: Profile, card_gb: float) -> list[str]:
    """Remarks to print below the tables, one line each."""
    said = [f"{phase}: {reason}" for phase, reason in profile.missing.items()]
    said += [f"memory of {phase} is not predicted: {reason}" for phase, reason in profile.unpredicted.items()]
    for phase, forecast in profile.memory.items():
        peak = forecast.peak.value or 0.0
        fits = "fits" if peak <= 0.95 * card_gb * 1e9 else "does not fit"
        if profile.setting.device == "cuda":
            said.append(
                f"{phase} {fits} on a {card_gb:g} GB card ({peak / 1e9:.3g} GB, 5 % left for context and workspaces)"
            )
    longest = max(profile.setting.seconds)
    for phase in ("inference", "training"):
        counted = profile.at(phase, longest)
        if counted:
            said += _uncounted(phase, counted.count)
    return said + _opinion(profile)


def _uncounted(phase: str, count: FlopCount) -> list[str]:
    said = []
    if count.missed:
        said.append(f"WARNING, {phase}: the count is a lower bound: {count.missed}")
    most = sorted(count.uncounted.items(), key=lambda item: -item[1])
    named = ", ".join(f"{name.removeprefix('aten.')} × {calls}" for name, calls in most[:8])
    said.append(
        f"{phase}, operators not counted (elementwise, {len(most)} kinds, {sum(count.uncounted.values())} calls): {named}"
    )
    if count.hardware_flops != count.flops:
        said.append(
            f"{phase}: {with_prefix(count.hardware_flops, 'FLOP')} executed, {with_prefix(count.flops, 'FLOP')} "
            "without recomputation"
        )
    return said


def _opinion(profile: Profile) -> list[str]:
    opinion = profile.opinion
    if opinion is None or isinstance(opinion, str):
        return [] if opinion is None else [f"second opinion: none, {opinion}"]
    said = f"second opinion: fvcore counts {with_prefix(opinion.macs, 'MAC', 4)} at {OPINION_SECONDS:g} s"
    reasons = []
    if opinion.norms:
        reasons.append(f"{with_prefix(opinion.norms, '')} of them for norms, which count as elementwise work here")
    if opinion.missed:
        missed = ", ".join(f"{name} × {calls}" for name, calls in opinion.missed.items())
        reasons.append(f"without {missed}, which it cannot count")
    rest = (opinion.macs - opinion.norms) / max(1, profile.opinion_macs) - 1
    reasons.append(f"{_difference(rest, 2)} relative to our count{', norms aside' if opinion.norms else ''}")
    return [f"{said} ({'; '.join(reasons)}); forward only, fused attention counted by our handler"]

"""Which rows a note concerns, in few words: "peak memory (inference, training; all models)"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ssl_benchmarks.record.metrics import label_of
from ssl_benchmarks.record.record import Measurement
from ssl_reports.units import phase_word

Key = tuple[str, str, str]
"""Figure, phase and model."""


def concerned(rows: Iterable[Measurement], models: Sequence[str]) -> str:
    """The figures, phases and models of some rows, each named once where all combinations are there.

    Args:
        rows: that share a note.
        models: all that the record holds; "all models" stands for them.
    """
    keys = [(_figure(row), phase_word(row.phase), row.model) for row in rows]
    parts = dict.fromkeys(
        (_listed(figures), _listed(phases), _models(named, models)) for figures, phases, named in _products(keys)
    )
    return "; ".join(f"{figures} ({', '.join(filter(None, (phases, named)))})" for figures, phases, named in parts)


def _figure(row: Measurement) -> str:
    return label_of(row.metric) + (f" of the {row.scope}" if row.scope else "")


def _models(named: Sequence[str], models: Sequence[str]) -> str:
    return "all models" if len(named) > 1 and set(named) >= set(models) else _listed(named)


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, words)) if len(words) < 3 else f"{', '.join(words[:-1])} and {words[-1]}"


def _products(keys: Iterable[Key]) -> list[tuple[list[str], list[str], list[str]]]:
    """The keys as few products of figures, phases and models: first models with equal phases, then figures with equal both."""
    phases: dict[tuple[str, str], list[str]] = {}
    for figure, phase, model in dict.fromkeys(keys):
        phases.setdefault((figure, model), []).append(phase)
    models: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (figure, model), found in phases.items():
        models.setdefault((figure, tuple(found)), []).append(model)
    figures: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (figure, both), named in models.items():
        figures.setdefault((both, tuple(named)), []).append(figure)
    return [(kept, list(both), list(named)) for (both, named), kept in figures.items()]

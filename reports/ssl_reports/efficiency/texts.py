"""Columns of words, by which the rows of an efficiency table may be grouped too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ssl_benchmarks.record.record import Measurement
from ssl_benchmarks.record.stated import Stated
from ssl_models.catalog import CATALOG


@dataclass(frozen=True)
class Subject:
    """A model and what is known of it.

    Attributes:
        model: its name in the runs.
        rows: the figures that stand in its row.
        stated: costs and licences that the user states.
    """

    model: str
    rows: Sequence[Measurement]
    stated: Stated

    def shared(self, condition: str) -> str:
        """The values of a condition, most often one."""
        values = (getattr(row.conditions, condition) for row in self.rows if row.quantity.value is not None)
        return ", ".join(dict.fromkeys(str(value) for value in values if value is not None))


def _family(subject: Subject) -> str:
    name = subject.model.partition(" (")[0]
    return re.sub("-(tiny|small|base|large|xlarge)$", "", name) if name in CATALOG else "other"


def _licence(subject: Subject) -> str:
    known = "Apache-2.0" if subject.model.partition(" (")[0] in CATALOG else ""
    return subject.stated.licence.get(subject.model, known)


TEXTS: Mapping[str, tuple[str, Callable[[Subject], str]]] = {
    "family": ("Family", _family),
    "device": ("Device", lambda subject: subject.shared("device")),
    "precision": ("Precision", lambda subject: subject.shared("dtype")),
    "licence": ("Licence", _licence),
}
"""Head and text of each column, by key. The licence is the stated one, or that of the code that builds a catalogue model."""

"""A gate for engineers: whether a cost has risen beyond a limit, by the whole interval of its ratio."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ssl_benchmarks.comparing.side_by_side import ENERGY, FLOPS, MEMORY, SPEED
from ssl_benchmarks.record.details.comparison import ComparisonDetails, Ratio
from ssl_benchmarks.record.record import Record
from ssl_models.errors import BadInputError, choose

METRICS = {"energy": ENERGY, "speed": SPEED, "memory": MEMORY, "flops": FLOPS}
"""The metric of each word."""
FORM = re.compile(r"\s*([a-z]+)\s*([<>])\s*([+-]?\d+(?:\.\d+)?)\s*%\s*")


@dataclass(frozen=True)
class Gate:
    """A condition on the change of a metric against the baseline, such as "energy>+5%".

    Attributes:
        text: as it was written.
        metric: whose ratios are looked at.
        above: whether more than the limit fails; otherwise less does.
        limit: the ratio at the limit: 1.05 for +5 %.
    """

    text: str
    metric: str
    above: bool
    limit: float

    def beyond(self, ratio: Ratio) -> bool:
        """Whether the whole interval of a ratio lies beyond the limit; a count is exact, and a figure with a flaw decides nothing."""
        q = ratio.ratio
        if q.value is None or q.flaw or (q.ci95 is None and q.method != "analytic"):
            return False
        low, high = q.ci95 or (q.value, q.value)
        return low > self.limit if self.above else high < self.limit


def parse_gate(text: str) -> Gate:
    """A gate from its text.

    Raises:
        BadInputError: if it is not of the form METRIC>+N% or METRIC<-N%.
    """
    match = FORM.fullmatch(text)
    if match is None:
        raise BadInputError(
            f"--fail-if {text!r}: write METRIC>+N% or METRIC<-N%, such as 'energy>+5%'; METRIC is one of {', '.join(METRICS)}"
        )
    word, sign, percent = match.groups()
    return Gate(text.strip(), METRICS[choose(word, METRICS, "--fail-if metric")], sign == ">", 1 + float(percent) / 100)


def failures(record: Record, gates: Sequence[Gate]) -> list[str]:
    """A line for each ratio of a comparison that lies beyond a gate."""
    return [line for gate in gates for line in _lines(record.told(ComparisonDetails).ratios, gate)]


def _lines(ratios: Sequence[Ratio], gate: Gate) -> Iterator[str]:
    for each in ratios:
        if each.metric == gate.metric and gate.beyond(each):
            q = each.ratio
            ends = "" if q.ci95 is None else f" [{q.ci95[0]:.3g}, {q.ci95[1]:.3g}]"
            yield f"{gate.text}: {each.model}, {each.phase}: {q.value:.3g} times the baseline{ends}"

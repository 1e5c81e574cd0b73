"""One comparison that bears on a claim, and a claim with all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ssl_benchmarks.record.quantity import Quantity

Verdict = Literal["holds", "fails", "not decided", "not measured here"]
Basis = Literal["measured", "counted", "predicted"]


@dataclass(frozen=True)
class Finding:
    """One comparison that bears on a claim.

    Attributes:
        what: what was compared with what.
        quantity: a ratio (unit "1") or hours ("h"); None if nothing was measured.
        bound: what it must satisfy, such as "at least 10".
        verdict: decided by the whole interval.
        why: the conditions of the measurement, or what is missing.
        basis: what the verdict rests on.
    """

    what: str
    quantity: Quantity | None
    bound: str
    verdict: Verdict
    why: str
    basis: Basis = "measured"

    @property
    def said(self) -> str:
        """The verdict with its basis, unless that is a measurement."""
        return with_basis(self.verdict, self.basis)

    @property
    def shown(self) -> Quantity | None:
        """The quantity as it is shown: one of counts, whose interval is the value itself, without the interval."""
        found = self.quantity
        return replace(found, ci95=None) if found is not None and found.ci95 == (found.value, found.value) else found


@dataclass(frozen=True)
class Claim:
    """A claim and all comparisons that bear on it."""

    id: str
    text: str
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """Holds if every finding with a verdict holds, fails if one fails."""
        found = {finding.verdict for finding in self._deciding}
        if not found:
            return "not measured here"
        return "fails" if "fails" in found else "not decided" if "not decided" in found else "holds"

    @property
    def basis(self) -> Basis:
        """What the verdict rests on: a prediction if on any, a count if on nothing else."""
        own = [finding.basis for finding in self._deciding if finding.verdict == self.verdict]
        if "predicted" in own:
            return "predicted"
        return "counted" if set(own) == {"counted"} else "measured"

    @property
    def said(self) -> str:
        """The verdict with its basis, unless that is a measurement."""
        return with_basis(self.verdict, self.basis)

    @property
    def _deciding(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.verdict != "not measured here"]


def with_basis(verdict: Verdict, basis: Basis) -> str:
    """Such as "holds (predicted)"."""
    return f"{verdict} ({basis})" if verdict in {"holds", "fails"} and basis != "measured" else verdict

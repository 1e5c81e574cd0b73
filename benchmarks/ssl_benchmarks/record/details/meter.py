"""What a record of `meter` holds besides its rows."""

from __future__ import annotations

from dataclasses import dataclass

from ssl_benchmarks.record.details.common import Details


@dataclass(frozen=True)
class MeterDetails(Details):
    """Details of a metered command or block of code.

    Attributes:
        ended: how it ended, in words; empty for a block of code that ran through.
        exit_code: of the command; None for a block of code, or while it runs.
        outlived: the processes of the command that were still there when it ended.
        remarks: effects of a setting, and what could not be watched.
    """

    ended: str = ""
    exit_code: int | None = None
    outlived: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

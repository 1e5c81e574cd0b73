"""What a record of `profile` holds besides its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ssl_benchmarks.record.details.common import Details


@dataclass(frozen=True)
class ProfileDetails(Details):
    """Details of a profile.

    Attributes:
        profile: the counts by module and operator, and what the second opinion found, as `profile --json` prints them.
    """

    profile: dict[str, Any] = field(default_factory=dict)

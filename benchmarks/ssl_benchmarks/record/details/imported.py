"""What a record of `import` holds besides its rows."""

from __future__ import annotations

from dataclasses import dataclass

from ssl_benchmarks.record.details.common import Details


@dataclass(frozen=True)
class ImportDetails(Details):
    """Details of figures that another tool recorded.

    Attributes:
        tool, version: that recorded them.
        file, sha256: name and digest of its file.
        remarks: what it does not say.
    """

    tool: str = ""
    version: str = ""
    file: str = ""
    sha256: str = ""
    remarks: tuple[str, ...] = ()

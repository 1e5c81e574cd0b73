"""What a metered piece of work cost, in a few lines."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssl_bench.metering.session import MeterSession


def summary(session: MeterSession) -> list[str]:
    """Time, memory and energy of work that has ended, what disturbed it, and the next command to type."""
    from ssl_reports.units import worded

    record = session.record("finished")
    energy = record.find("energy", session.phase, session.scope)
    memory, seconds = record.find("peak_memory", session.phase), record.find("duration", session.phase)
    parts = [worded(q) for q in (seconds, memory) if q is not None and q.value is not None]
    if energy is not None:
        parts.append(
            f"{worded(energy)} ({session.scope}, {energy.method})" if energy.value is not None else "energy n/a"
        )
    lines = [f"sslbench: {session.name} {session.ended}: {', '.join(parts)}"]
    lines += [f"sslbench: disturbed: {line}" for line in (session.reading.disturbances if session.reading else ())]
    lines += [f"sslbench: still running: {', '.join(session.outlived)}"] if session.outlived else []
    path = session.run.path
    return [*lines, f"sslbench: run: {path}; next: sslbench table {shlex.quote(str(path))}"]

"""`reproduce.sh`: how to have the records again, with versions, seeds and every setting."""

from __future__ import annotations

import json
import shlex

from ssl_benchmarks.record.record import Record
from ssl_reports.reading.evidence import Evidence

HEAD = """#!/usr/bin/env bash
# Makes the records behind these tables again. Times and joules depend on the machine; counts and seeds do not.
set -euo pipefail
"""


def reproduce_script(evidence: Evidence) -> str:
    """One block for each record; what is no command of sslbench is left as a comment."""
    blocks = [_block(record, label) for record, label in zip(evidence.records, evidence.labels, strict=True)]
    return "\n".join([HEAD, *_installs(evidence), *blocks])


def _installs(evidence: Evidence) -> list[str]:
    """The versions of each environment; the first is what the script installs."""
    found = dict.fromkeys(_install(record) for record in evidence.records if record.machine.packages)
    lines = [line if number == 0 else f"# another environment: {line}" for number, line in enumerate(found)]
    return [*lines, ""] if lines else []


def _install(record: Record) -> str:
    """Without the local part of a version, such as `+cpu`, which no index serves under that name."""
    pins = [
        f"{name}=={version.partition('+')[0]}" for name, version in sorted(record.machine.packages.items()) if version
    ]
    return f"python -m pip install {shlex.join(pins)}  # Python {_flat(record.machine.python or 'not told')}"


def _block(record: Record, label: str) -> str:
    seed = record.config.get("seed")
    lines = [f"# {_flat(label)}: {_flat(record.status)}, begun {_flat(record.created)}, seed {_flat(seed)}"]
    lines.append(f"# settings: {json.dumps(record.config, sort_keys=True)}")
    words = _words(record.command)
    if words is None:
        lines.append(f"# no command of sslbench: {_flat(record.command)}")
    elif "--resume" in words:
        lines.append(f"# went on with a stopped run, whose first command had the settings above: {shlex.join(words)}")
    else:
        lines.append(shlex.join(words))
    return "\n".join(lines) + "\n"


def _words(command: str) -> list[str] | None:
    """The words of a command of ours, else None: nothing that a record says is run as anything else."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    return words if words[:1] == ["sslbench"] and "\n" not in command and "\0" not in command else None


def _flat(text: object) -> str:
    return " ".join(str(text).split())

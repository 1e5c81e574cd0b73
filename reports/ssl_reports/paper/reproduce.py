"""`reproduce.sh`: how to reproduce the records, with versions, seeds and every setting."""

from __future__ import annotations

import json
import shlex

from ssl_benchmarks.record.record import Record
from ssl_reports.reading.evidence import Evidence

HEAD = """#!/usr/bin/env bash
# Reproduces the records behind these tables. Times and joules depend on the machine; counts and seeds do not.
set -euo pipefail
"""


def reproduce_script(evidence: Evidence) -> str:
    """One block per record; anything but an sslbench command becomes a comment."""
    blocks = [_block(record, label) for record, label in zip(evidence.records, evidence.labels, strict=True)]
    return "\n".join([HEAD, *_installs(evidence), *blocks])


def _installs(evidence: Evidence) -> list[str]:
    """The versions of each environment; the script installs the first."""
    found = dict.fromkeys(_install(record) for record in evidence.records if record.machine.packages)
    lines = [line if number == 0 else f"# another environment: {line}" for number, line in enumerate(found)]
    return [*lines, ""] if lines else []


def _install(record: Record) -> str:
    """A pip command, without the local part of a version (such as `+cpu`), which package indexes do not serve."""
    pins = [
        f"{name}=={version.partition('+')[0]}" for name, version in sorted(record.machine.packages.items()) if version
    ]
    return f"python -m pip install {shlex.join(pins)}  # Python {_flat(record.machine.python or 'not recorded')}"


def _block(record: Record, label: str) -> str:
    seed = record.config.get("seed")
    lines = [f"# {_flat(label)}: {_flat(record.status)}, started {_flat(record.created)}, seed {_flat(seed)}"]
    lines.append(f"# settings: {json.dumps(record.config, sort_keys=True)}")
    words = _words(record.command)
    if words is None:
        lines.append(f"# not an sslbench command: {_flat(record.command)}")
    elif "--resume" in words:
        lines.append(f"# resumed a stopped run, whose first command had the settings above: {shlex.join(words)}")
    else:
        lines.append(shlex.join(words))
    return "\n".join(lines) + "\n"


def _words(command: str) -> list[str] | None:
    """The words of an sslbench command, else None: the script runs nothing else that a record may contain."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    return words if words[:1] == ["sslbench"] and "\n" not in command and "\0" not in command else None


def _flat(text: object) -> str:
    return " ".join(str(text).split())

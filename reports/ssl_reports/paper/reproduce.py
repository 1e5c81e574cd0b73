"""`reproduce.sh`: how to reproduce the records, with versions, seeds and every setting."""

from __future__ import annotations

import json
import re
import shlex
from functools import cache
from importlib.metadata import requires

from ssl_benchmarks.record.record import Record
from ssl_reports.reading.evidence import Evidence

HEAD = """#!/usr/bin/env bash
# Reproduces the records behind these tables. Times and joules depend on the machine; counts and seeds do not.
# SSLBENCH_WHEEL is a wheel of sslbench, or a folder with its source; PYTHON is the interpreter of the new environment.
set -euo pipefail
"""
ENVIRONMENT = "reproduce-venv"
NAME, VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*"), re.compile(r"[A-Za-z0-9][A-Za-z0-9.!_-]*")
COMMIT = re.compile(r"[0-9a-f]{7,40}")


def reproduce_script(evidence: Evidence) -> str:
    """The installation, then one block per record; anything but an sslbench command becomes a comment."""
    blocks = [_block(record, label) for record, label in zip(evidence.records, evidence.labels, strict=True)]
    return "\n".join([HEAD, _installation(evidence), *blocks])


def _installation(evidence: Evidence) -> str:
    """A new environment for a wheel, else the installed sslbench if it is of the recorded version, else one line and the end."""
    found = list(dict.fromkeys(_environment(record) for record in evidence.records))
    _, pins, wanted, commit = found[0] if found else ("", (), "", "")
    named = f"sslbench {wanted}" if wanted else "sslbench"
    source = f"{named} (commit {commit})" if commit else named
    installed = (
        f'[ "$(sslbench --version 2>/dev/null)" = {shlex.quote(named)} ]'
        if wanted
        else "command -v sslbench >/dev/null"
    )
    others = [f"# another environment: {_flat(python)}: {shlex.join(others)}" for python, others, *_ in found[1:]]
    lines = [
        *(f"# {_flat(python)}" for python, *_ in found[:1]),
        'if [ -n "${SSLBENCH_WHEEL:-}" ]; then',
        f'  "${{PYTHON:-python3}}" -m venv {ENVIRONMENT}',
        f'  export PATH="$PWD/{ENVIRONMENT}/bin:$PATH"',
        f'  python -m pip install {shlex.join([*pins, "--"])} "$SSLBENCH_WHEEL"',
        f"elif ! {installed}; then",
        f"  echo {shlex.quote(f'install {source}: set SSLBENCH_WHEEL to its wheel, or to a folder with its source')} >&2",
        "  exit 2",
        "fi",
        *others,
        "",
    ]
    return "\n".join(lines)


def _environment(record: Record) -> tuple[str, tuple[str, ...], str, str]:
    """Python, pins of what sslbench needs, and sslbench's own version and commit.

    Local parts of versions (such as `+cpu`) are left out, since package indexes do not serve them.
    """
    versions = {name: version.partition("+")[0] for name, version in sorted(record.machine.packages.items()) if version}
    pins = tuple(
        f"{name}=={version}" for name, version in versions.items() if name in _needed() and VERSION.fullmatch(version)
    )
    own, commit = versions.get("sslbench", ""), str(record.environment.get("commit") or "")
    return (
        f"Python {record.machine.python or 'not recorded'}",
        pins,
        own if VERSION.fullmatch(own) else "",
        commit if COMMIT.fullmatch(commit) else "",
    )


@cache
def _needed() -> frozenset[str]:
    """The names of the packages that sslbench depends on: nothing else that a record names is installed."""
    return frozenset(found[0] for each in requires("sslbench") or () if (found := NAME.match(each)))


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

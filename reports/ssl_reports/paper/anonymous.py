"""Records without the names of people, machines and folders, for reviewers who must not know the authors."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from typing import Any

from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.record import PHASES, SCOPES, Conditions, Measurement, Record
from ssl_benchmarks.record.run_names import told_apart
from ssl_models.catalog import CATALOG
from ssl_reports.reading.evidence import Evidence

IN_PATH = r"""[^\s'"`<>|:;,()\[\]{}\\]"""
PATHS = re.compile(
    rf"""(?P<quote>['"])(?P<quoted>(?:/(?!/)|~\w*/|[A-Za-z]:[\\/])[^'"\n]*)(?P=quote)"""
    rf"""|(?<![\w.~/<-])(?:file://)?(?P<plain>(?:/(?!/)|~[A-Za-z]\w*/){IN_PATH}+)"""
    r"""|(?<!\w)(?P<drive>[A-Za-z]:\\[^\s'"`<>|;,()\[\]{}]*)"""
)
"""Absolute paths: in quotes with spaces, on their own, and those of Windows."""
WHOLE = re.compile(r"(?:/(?!/)|~\w*/|[A-Za-z]:[\\/])[^\n]*")
HOME = re.compile(r"(?:/home|/Users|[A-Za-z]:\\Users)[\\/]+([^\\/\s'\":;,]+)|~([A-Za-z]\w*)/")
SERVER = re.compile(r"mlflow:https?://(?:[^\s@/]*@)?([\w.-]+)")
"""The host in `--track mlflow:URI`."""
ONLY_HOME = re.compile(r"(?:/root|(?:/home|/Users|[A-Za-z]:\\Users)[\\/]+[^\\/]+|~\w*)[\\/]*")
ACCOUNT = re.compile(r"(?<![\w./@-])([A-Za-z_][\w.-]*)@([A-Za-z0-9][\w-]*(?:\.[\w-]+)*)")
USER_KEYS = frozenset({"user", "username", "login", "owner", "author"})
HOST_KEYS = frozenset({"host", "hostname", "node", "nodename", "computer", "server"})
"""Settings and facts that name a person or a machine."""
OF_THE_SYSTEM = ("/sys/", "/proc/", "/dev/")
"""Paths that are the same on every machine."""
COMMON = frozenset(
    {
        *METRICS, *PHASES, *SCOPES, *CATALOG, *["audio", "batch", "data", "default", "dev", "essl", "eval", "evaluate", "hubert", "import", "librispeech", "local", "localhost", "main", "measure", "meter", "model", "monitor", "nobody", "none", "null", "profile", "python", "report", "root", "run", "runs", "sample", "speech", "sslbench", "study", "table", "tables", "test", "torch", "train", "user", "users", "host", "admin", "ubuntu", "docker", "worker", "home", "linux", "unknown"],
    }
)  # fmt: skip
"""Words that name nobody, and that texts need."""
FEWEST = 3
"""Letters of a name: shorter ones are in too many words."""
Scrub = Callable[[str], str]


def anonymous(evidence: Evidence) -> Evidence:
    """The evidence without user names, host names and absolute paths: a path becomes its last part, a home folder "~"."""
    return without_names(evidence, scrubber(evidence))


def without_names(evidence: Evidence, scrub: Scrub) -> Evidence:
    """The evidence with every text scrubbed."""
    labels = told_apart([scrub(label) for label in evidence.labels])
    return Evidence(tuple(_record(*pair, scrub) for pair in zip(evidence.records, labels, strict=True)))


def scrubber(evidence: Evidence) -> Scrub:
    """The function that removes names from a text of these records; models that differ by their folders alone are numbered."""
    users, hosts = {getpass.getuser()}, {socket.gethostname()}
    texts = {text for record in evidence.records for text in _texts(record, users, hosts)} | set(evidence.labels)
    for text in texts:
        users |= {name for found in HOME.findall(text) for name in found}
        hosts |= set(SERVER.findall(text))
        for user, host in ACCOUNT.findall(text):
            users.add(user)
            hosts |= {host, host.partition(".")[0]}
    names = [(_names(hosts), "host"), (_names(users), "user")]
    return _Scrubber([(pattern, word) for pattern, word in names if pattern is not None], evidence.models)


def _names(found: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern for any of these names as a word, the longest first."""
    kept = sorted({n for n in found if len(n) >= FEWEST and n.lower() not in COMMON}, key=lambda n: (-len(n), n))
    if not kept:
        return None
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, kept))})(?![A-Za-z0-9])", re.IGNORECASE)


class _Scrubber:
    """A function of a text that remembers its results."""

    def __init__(self, names: list[tuple[re.Pattern[str], str]], models: Iterable[str]) -> None:
        self._names = names
        self._known: dict[str, str] = {}
        self._numbered: dict[str, str] = {}
        taken: dict[str, int] = {}
        for model in models:
            for path in (match[match.lastgroup or 0] for match in PATHS.finditer(model)):
                if path not in self._numbered:
                    last = _last(path)
                    taken[last] = taken.get(last, 0) + 1
                    self._numbered[path] = last if taken[last] == 1 else f"{last} #{taken[last]}"

    def __call__(self, text: str) -> str:
        if text not in self._known:
            self._known[text] = self._scrubbed(text)
        return self._known[text]

    def _scrubbed(self, text: str) -> str:
        if WHOLE.fullmatch(text) and ": " not in text and "; " not in text and text not in self._numbered:
            text = _last(text)
        elif "/" in text or "\\" in text:
            text = PATHS.sub(self._path, text)
        for pattern, word in self._names:
            text = pattern.sub(word, text)
        return text

    def _path(self, match: re.Match[str]) -> str:
        quote, path = match["quote"] or "", match["quoted"] or match["plain"] or match["drive"]
        return f"{quote}{self._numbered.get(path) or _last(path)}{quote}"


def _last(path: str) -> str:
    """The last part of a path, "~" for a home folder; paths of the system stay."""
    if path.startswith(OF_THE_SYSTEM):
        return path
    if ONLY_HOME.fullmatch(path):
        return "~"
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1] or "/"


def _texts(record: Record, users: set[str], hosts: set[str]) -> Iterator[str]:
    """Every text of a record; what its settings and facts name as a person or a machine is added to `users` and `hosts`."""
    yield from (record.id, record.command)
    for part in (record.config, record.environment, record.details, record.artifacts):
        yield from _nested(part, users, hosts)
    for row in record.measurements:
        yield from (row.model, row.quantity.note, row.quantity.flaw)
    for held in {row.conditions for row in record.measurements}:
        yield from _words(held).values()


def _nested(value: Any, users: set[str], hosts: set[str]) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if isinstance(inner, str):
                users.update({inner} if key.lower() in USER_KEYS else ())
                hosts.update({inner, inner.partition(".")[0]} if key.lower() in HOST_KEYS else ())
            yield from _nested(inner, users, hosts)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _nested(inner, users, hosts)


def _record(record: Record, label: str, scrub: Scrub) -> Record:
    """A record under a label of its own, which needs no folder; the record itself if it names nobody."""
    held: dict[Conditions, Conditions] = {}
    changed = {
        "id": label, "command": scrub(record.command), "config": _value(record.config, scrub),
        "environment": _value(record.environment, scrub), "details": _value(record.details, scrub),
        "artifacts": _value(record.artifacts, scrub), "measurements": tuple(_row(row, scrub, held) for row in record.measurements),
    }  # fmt: skip
    found = {name: value for name, value in changed.items() if value != getattr(record, name)}
    return replace(record, **found) if found else record


def _row(row: Measurement, scrub: Scrub, held: dict[Conditions, Conditions]) -> Measurement:
    if row.conditions not in held:
        texts: dict[str, Any] = {name: scrub(value) for name, value in _words(row.conditions).items()}
        held[row.conditions] = replace(row.conditions, **texts)
    q = row.quantity
    model, note, flaw, conditions = scrub(row.model), scrub(q.note), scrub(q.flaw), held[row.conditions]
    if (model, note, flaw, conditions) == (row.model, q.note, q.flaw, row.conditions):
        return row
    return replace(row, model=model, quantity=replace(q, note=note, flaw=flaw), conditions=conditions)


def _words(held: Conditions) -> dict[str, str]:
    """The conditions that are texts."""
    values = ((field.name, getattr(held, field.name)) for field in fields(held))
    return {name: value for name, value in values if isinstance(value, str)}


def _value(value: Any, scrub: Scrub) -> Any:  # noqa: ANN401 - any JSON value
    """A JSON value with every text scrubbed, keys too; keys that become equal are numbered."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, list | tuple):
        return type(value)(_value(inner, scrub) for inner in value)
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, inner in value.items():
        name, number = scrub(key), 1
        while name in found:
            number += 1
            name = f"{scrub(key)} #{number}"
        found[name] = _value(inner, scrub)
    return found

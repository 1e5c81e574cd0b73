"""Results of controls, kept beside an evaluation and reused for the same weights, seed, settings and speech.

An untrained model and log-mel do not depend on what was pretrained, so a second study need not rate them again. A reused
result is named in the record with the run that it comes from, which also holds its cost.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ssl_benchmarks.downstream
import ssl_models
from ssl_bench.evaluating.subject import Finding
from ssl_benchmarks.downstream.outcome import Outcome
from ssl_benchmarks.downstream.recognition.phones import dictionary_hash
from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.record.metrics import RATES
from ssl_benchmarks.record.quantity import Quantity, joined
from ssl_benchmarks.record.record import Conditions, read_document
from ssl_models.documents import typed
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from ssl_bench.evaluating.subject import Subject

FILE = "controls.json"
SCHEMA = "sslbench.controls/1"
MACHINE = ("device", "dtype", "threads", "torch")
"""Conditions that must agree for the same work to give the same numbers."""


@dataclass(frozen=True)
class KeptFinding:
    """The result of one head on a control; see `ssl_bench.evaluating.subject.Finding`."""

    task: str
    head: str | None
    tested_on: str | None
    converged: bool | None
    rates: dict[str, Quantity]
    details: dict[str, Any]

    def __post_init__(self) -> None:
        if unknown := set(self.rates) - set(RATES):
            raise ValueError(f"unknown metric {min(unknown)!r}")


@dataclass(frozen=True)
class KeptControl:
    """The results of a control on a task, and the run that holds their cost."""

    system: str
    seed: int
    task: str
    head: str | None
    run: str
    findings: tuple[KeptFinding, ...]


@dataclass
class KeptControls:
    """Findings of controls.

    Attributes:
        path: the file for this evaluation's own results; None keeps none.
        held: the conditions of this evaluation.
        known: results from earlier runs, by key.
        read: results that this evaluation reused, for its record.
    """

    path: Path | None = None
    held: Conditions = field(default_factory=Conditions)
    known: dict[str, KeptControl] = field(default_factory=dict)
    read: list[dict[str, Any]] = field(default_factory=list)
    _own: dict[str, KeptControl] = field(default_factory=dict)

    @classmethod
    def of(cls, folders: Sequence[str], path: Path, held: Conditions) -> KeptControls:
        """Read those of earlier evaluations or studies; `path` is for those of this one.

        Raises:
            BadInputError: for a folder without any, or with broken ones.
        """
        known: dict[str, KeptControl] = {}
        for file in map(controls_file, map(Path, folders)):
            document = read_document(file, "file", SCHEMA)
            try:
                known |= typed(dict[str, KeptControl], document.get("controls"))
            except ValueError as error:
                raise BadInputError(f"{file}: not a file of control results ({error})") from error
        return cls(path, held, known)

    def found(self, subject: Subject, task: str, head: str | None) -> list[Finding] | None:
        """The earlier results of a control; None if unknown."""
        if not subject.system.is_control or not self.known:
            return None
        key = self._key(subject, task, head)
        entry = self.known.get(key)
        if entry is None:
            return None
        self.read.append({**_named(subject, task, head), "from": entry.run})
        self._keep(key, entry)
        return [_finding(subject, found, entry.run) for found in entry.findings]

    def keep(self, subject: Subject, task: str, head: str | None, findings: Sequence[Finding]) -> None:
        """Keep the results of a control; those of other systems are not kept."""
        if subject.system.is_control and self.path is not None:
            # An evaluation in a study's folder is known to readers by the study's name.
            run = self.path.parent
            run = run.parent if (run.parent / "run.json").is_file() else run
            entry = KeptControl(**_named(subject, task, head), run=run.name, findings=tuple(map(_kept, findings)))
            self._keep(self._key(subject, task, head), entry)

    def _keep(self, key: str, entry: KeptControl) -> None:
        self._own[key] = entry
        if self.path is not None:
            document = {"schema": SCHEMA, "controls": {key: asdict(entry) for key, entry in self._own.items()}}
            write_atomically(self.path, json.dumps(document, indent=1, allow_nan=False) + "\n")

    def _key(self, subject: Subject, task: str, head: str | None) -> str:
        """SHA-256 of everything that determines a control's results."""
        machine = [getattr(self.held, name) for name in MACHINE]
        key = [subject.digest, subject.system.seed, task, head, *machine, *_settings(subject), *_speech(subject, task)]
        return hashlib.sha256(json.dumps([*key, _code()]).encode()).hexdigest()


def controls_file(folder: Path) -> Path:
    """The file of a finished evaluation, or of a study's evaluation.

    Raises:
        BadInputError: where there is none.
    """
    for place in (folder / FILE, folder / "evaluation" / FILE):
        if place.is_file():
            return place
    raise BadInputError(f"{folder}: no {FILE} in it; --controls takes the folder of an evaluation or a study")


def _named(subject: Subject, task: str, head: str | None) -> dict[str, Any]:
    return {"system": subject.system.name, "seed": subject.system.seed, "task": task, "head": head}


def _settings(subject: Subject) -> Iterator[Any]:
    """Settings of the evaluation that affect rates."""
    evaluation = subject.evaluation
    settings = evaluation.settings
    yield settings.labels
    yield settings.chosen_hours(evaluation.device.type)
    yield None if settings.lm is None else hashlib.sha256(Path(settings.lm).read_bytes()).hexdigest()


def _speech(subject: Subject, task: str) -> Iterator[Any]:
    """Every utterance with its words; also the aligned phones for `abx`, the dictionary for `pr`."""
    evaluation = subject.evaluation
    splits = evaluation.keywords if task == "ks" else [part.spoken for part in evaluation.speech.parts.values()]
    yield [[(s.key, s.samples, s.speaker, s.text, s.session) for s in spoken] for spoken in splits]
    yield [repr(token) for token in evaluation.tokens] if task == "abx" else None
    yield dictionary_hash() if task == "pr" else None


@lru_cache(maxsize=1)
def _code() -> str:
    """SHA-256 of the code that learns and rates: an edited head or learning-rate schedule gives other numbers."""
    ours = Path(__file__).parent
    packages = (Path(next(iter(package.__path__))) for package in (ssl_benchmarks.downstream, ssl_models))
    learning = [path for package in packages for path in sorted(package.rglob("*.py"))]
    files = [*learning, *(ours / f"{name}.py" for name in ("evaluation", "subject", "tasks"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _kept(finding: Finding) -> KeptFinding:
    o = finding.outcome
    return KeptFinding(finding.task, finding.head, finding.tested_on, o.converged, dict(o.rates), o.details)


def _finding(subject: Subject, kept: KeptFinding, run: str) -> Finding:
    rates = {metric: replace(q, note=joined(q.note, f"reused from {run}")) for metric, q in kept.rates.items()}
    outcome = Outcome(rates, kept.converged, {**kept.details, "read_from": run})
    return Finding(subject.system, kept.task, kept.head, outcome, kept.tested_on)

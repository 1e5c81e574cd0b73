"""Evaluation of systems task by task: features once, then a head, an error rate and a cost for each task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ssl_bench.evaluating.forecast import FEATURES, kind
from ssl_bench.evaluating.kept_controls import KeptControls
from ssl_bench.evaluating.subject import Evaluation, Finding, Subject, System
from ssl_bench.sessions.time_limit import TimeIsUpError
from ssl_bench.settings.tasks import TASKS, Task
from ssl_benchmarks.downstream.outcome import Outcome
from ssl_benchmarks.processes.out_of_memory import is_out_of_memory
from ssl_benchmarks.record.quantity import unavailable
from ssl_models.errors import BadInputError
from ssl_models.interface import SAMPLE_RATE
from ssl_reports.units import duration

if TYPE_CHECKING:
    from ssl_bench.settings.evaluating import Head


def evaluated(
    systems: Sequence[System], evaluation: Evaluation, controls: KeptControls | None = None
) -> Iterator[Finding]:
    """Run every task on every system, in the order given; results in `controls` are reused.

    Each finding may take an equal share of the time left; those not reached have a reason instead of a rate.
    """
    controls = controls or KeptControls()
    evaluation.forecast.begin()
    wanted = [(name, head) for name in evaluation.settings.tasks for head in evaluation.heads(name)]
    for number, system in enumerate(systems):
        subject = Subject(system, evaluation)
        for done, (name, head) in enumerate(wanted):
            left = (len(systems) - number) * len(wanted) - done
            subject.limit = None if evaluation.limit is None else evaluation.limit.part(evaluation.limit.left / left)
            try:
                evaluation.in_time()
                found = _found(subject, name, head, controls)
            except TimeIsUpError:
                found = [_out_of_time(subject, name, head)]
                evaluation.forecast.spared(kind(name, head))
            yield from found
        evaluation.forecast.ended(FEATURES)


def _run(subject: Subject, task: Task, head: Head | None) -> Sequence[Finding]:
    """The findings of a task.

    Raises:
        BadInputError: where memory does not suffice, naming the longest utterance.
    """
    try:
        return task.findings_of(subject, head)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        spoken = [s for part in subject.evaluation.speech.parts.values() for s in part.spoken]
        longest = max(spoken, key=lambda s: s.samples, default=None)
        about = f"; the longest utterance lasts {longest.samples / SAMPLE_RATE:.0f} s: {longest.key}" if longest else ""
        raise BadInputError(f"{subject.system.name}: out of memory on {subject.evaluation.device}{about}") from error


def _out_of_time(subject: Subject, name: str, head: Head | None) -> Finding:
    seconds = 0.0 if subject.evaluation.limit is None else subject.evaluation.limit.seconds
    none = unavailable("1", f"not rated: the time limit of {duration(seconds)} was reached")
    return Finding(subject.system, name, head, Outcome(dict.fromkeys(TASKS[name].metrics, none), None))


def _found(subject: Subject, name: str, head: Head | None, controls: KeptControls) -> Sequence[Finding]:
    system, evaluation, task = subject.system, subject.evaluation, TASKS[name]
    line = f"{system.name}, seed {system.seed}: {name}{f', {head} head' if head else ''}"
    known = controls.found(subject, name, head)
    if known is not None:
        evaluation.say(f"{line}: reused from {known[0].outcome.details['read_from']}")
        evaluation.forecast.spared(kind(name, head))
        return known
    evaluation.say(line)
    subject.work = kind(name, head)
    with evaluation.meter.window(f"{system.name}: {task.phase}"):
        found = _run(subject, task, head)
    evaluation.forecast.ended(subject.work)
    if not any("cut_short" in finding.outcome.details for finding in found):
        controls.keep(subject, name, head, found)
    return found

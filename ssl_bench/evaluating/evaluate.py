"""`sslbench evaluate`: models, runs and their controls, task by task, into a run folder."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ssl_bench.console import stderr
from ssl_bench.evaluating.evaluation import evaluated
from ssl_bench.evaluating.forecast import forecast_of
from ssl_bench.evaluating.kept_controls import FILE, KeptControls
from ssl_bench.evaluating.plan import LITTLE, fitted, limit_document
from ssl_bench.evaluating.progress import EvaluationProgress
from ssl_bench.evaluating.remarks import remarked
from ssl_bench.evaluating.rows import bill_rows, documents, pretraining_rows, rate_rows
from ssl_bench.evaluating.speech import EvaluationSpeech, SpeechAt, no_speech
from ssl_bench.evaluating.splits import splits_of, splits_of_sample
from ssl_bench.evaluating.subject import Evaluation, Finding, System
from ssl_bench.evaluating.systems import shown_name, systems_of
from ssl_bench.exporting.tracked import tracked
from ssl_bench.sessions.metering import new_meter
from ssl_bench.sessions.run_folder import RunFolder, folder_name, new_run
from ssl_bench.sessions.session import Session
from ssl_bench.sessions.time_limit import TimeLimit
from ssl_bench.settings.evaluating import OF_SPEECH, EvaluateConfig
from ssl_benchmarks.energy.carbon import chosen_intensity
from ssl_benchmarks.machine.environment import conditions
from ssl_benchmarks.record.record import Measurement, Record, headline_scope
from ssl_models.errors import BadInputError
from ssl_reports.summaries.evaluating import write_evaluation_report

if TYPE_CHECKING:
    from rich.console import Console


REPORT_SECONDS = 2.0
"""Reserved in `--minutes` for the report after the last finding."""


@dataclass(kw_only=True)
class Evaluating(Session):
    """One call of `evaluate`.

    Attributes:
        speech: gives the share of it that there is time for.
        limit: the time limit; None if there is none.
        rated: rows of rates and costs so far.
        pretraining: rows of the pretraining costs of the models that are runs.
    """

    kind = "evaluation"
    config: EvaluateConfig
    speech: SpeechAt
    limit: TimeLimit | None
    rated: list[Measurement] = field(default_factory=list)
    pretraining: list[Measurement] = field(default_factory=list)

    def contents(self) -> tuple[list[Measurement], dict[str, Any]]:
        """Costs of pretraining, then rates and costs of the evaluation."""
        return [*self.pretraining, *self.rated], {}


def evaluate(
    config: EvaluateConfig,
    *,
    command: str = "ssl_bench.evaluate",
    console: Console | None = None,
    began: float | None = None,
) -> tuple[RunFolder, Record]:
    """Evaluate every system on every task; returns the run and its record, whose status says whether all were reached.

    `began` is the start of the command on the monotonic clock (None: now), from which `config.minutes` count.

    Raises:
        BadInputError: for a model, a setting or speech that cannot be used.
    """
    config.check()
    config = config.resolved(cuda=torch.cuda.is_available())
    grid = chosen_intensity(config.country, config.grid_intensity)
    seeds = list(range(config.seed, config.seed + config.seeds))
    began = time.monotonic() if began is None else began
    limit = None if config.minutes is None else TimeLimit(60 * config.minutes - REPORT_SECONDS, began)
    speech = splits_at(config)
    systems = systems_of(config.models, seeds, config.pretrained)
    details: dict[str, Any] = {
        "seeds": seeds,
        "systems": [{"name": s.name, "seed": s.seed} for s in systems],
        "findings": [],
    }
    part = speech(1.0 if limit is None else LITTLE)
    details["speech"] = part.document()
    for task in config.evaluation.tasks:
        part.require(task)
    run = new_run(config.out, folder_name(shown_name(config.models[0]), "evaluate"))
    session = Evaluating(
        config=config, run=run, grid=grid, command=command, details=details, speech=speech, limit=limit,
        pretraining=pretraining_rows(config.models),
    )  # fmt: skip
    with tracked(config.track, run.path), EvaluationProgress(console or stderr(), headline_scope(config.device)) as say:

        def work() -> None:
            try:
                _evaluate_all(session, systems, part, say)
            except BadInputError:
                if not details["findings"]:
                    shutil.rmtree(run.path)
                raise

        return run, session.recorded(work, write_evaluation_report)


def splits_at(config: EvaluateConfig) -> SpeechAt:
    """The speech to train, tune and test on, the same for every seed of the heads.

    Raises:
        BadInputError: for folders that cannot be used.
    """
    c, tasks = config, set(config.evaluation.tasks)
    if not OF_SPEECH & tasks:
        return lambda _: no_speech(c.evaluation.labels)
    if c.train == "sample":
        return splits_of_sample(c.evaluation.labels, 0)
    dev, test = (None if folder is None else Path(folder) for folder in (c.dev, c.test))
    return splits_of(
        Path(c.train), dev, test, c.evaluation.labels, 0,
        share_speakers=tasks == {"sid"}, speakers=c.speakers, keep_odd=c.keep_odd_audio,
    )  # fmt: skip


def _evaluate_all(session: Evaluating, systems: list[System], part: EvaluationSpeech, say: EvaluationProgress) -> None:
    """Write each finding to the record as it arrives; costs come last, also after an interruption."""
    config = session.config
    device = torch.device(config.device)
    label = None if session.grid is None else session.grid.label
    held = conditions(device, config.precision, None, pue=config.pue, grid=label)
    meter = new_meter(idle=config.idle, say=say.phase)
    findings: list[Finding] = []
    report = lambda system, text: say.learning(system, text, meter)  # noqa: E731 - two names for three arguments
    kept = KeptControls.of(config.evaluation.controls, session.run.path / FILE, held)
    evaluation = Evaluation(
        config.evaluation,
        part,
        device,
        config.precision,
        meter,
        say.phase,
        report,
        limit=session.limit,
        keep_odd=config.keep_odd_audio,
    )
    wanted = len(systems) * sum(evaluation.findings(task) for task in config.evaluation.tasks)
    try:
        with meter:
            evaluation = fitted(evaluation, systems, session.speech, controls_known=bool(kept.known))
            evaluation.prepare()
            systems = _known(session, systems, evaluation)
            evaluation.forecast = forecast_of(evaluation.settings, evaluation.speech, device.type, len(systems))
            say.opened(evaluation.forecast, wanted)
            for finding in evaluated(systems, evaluation, kept):
                findings.append(finding)
                session.details["findings"] = documents(findings)
                session.rated = rate_rows(findings, held, evaluation.speech)
                session.run.write(session.record("unfinished"))
                say.found(finding, wanted, meter)
    finally:
        session.rated = rate_rows(findings, held, evaluation.speech)
        session.rated += bill_rows(meter.windows, evaluation.flops, held, session.grid)
        session.details["left_out"] = evaluation.about
        session.details["controls_read"] = kept.read
        session.details["meter_cpu_seconds"] = meter.own_cpu_seconds
        if meter.reading.disturbances:
            session.details["disturbances"] = {"evaluation": list(meter.reading.disturbances)}
        session.run.add_trace(meter.reading.samples, part="evaluation")


def _known(session: Evaluating, systems: list[System], evaluation: Evaluation) -> list[System]:
    """Attach the remarks that a reader of the rates needs; remarks and speech go into the record."""
    config = session.config
    systems, remarks = remarked(systems, config.models, config.pretrained, evaluation.speech)
    for remark in remarks:
        evaluation.say(remark)
    session.details |= {
        "speech": evaluation.speech.document(),
        "remarks": remarks,
        "evaluation_limit": limit_document(evaluation),
    }
    return systems

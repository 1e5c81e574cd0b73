"""The main job: pretrain a model on speech, metered from start to finish, and write a record."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from ssl_bench.console import stderr
from ssl_bench.data.clips import SHORTEST, ClipSource
from ssl_bench.data.measured_speech import speech_sample
from ssl_bench.data.splits import drawn_hours
from ssl_bench.data.waveforms import as_floats
from ssl_bench.exporting.tracked import tracked
from ssl_bench.sessions.metering import new_meter
from ssl_bench.sessions.run_folder import RunFolder
from ssl_bench.sessions.time_limit import TimeLimit, time_of_day
from ssl_bench.settings.training import TrainAndMeasureConfig, clip_shape
from ssl_bench.training.after_training import (
    TARGETS_SHARE,
    billed,
    limit_after,
    promise,
    untrained_because,
    without_report,
)
from ssl_bench.training.job import Job, begun, opening, resumed
from ssl_bench.training.ledger import Ledger, Logged
from ssl_bench.training.loop import Trained, pretrain
from ssl_bench.training.probing import probe_rows
from ssl_bench.training.progress import Progress
from ssl_bench.training.rows import Trial, inference_rows, training_rows
from ssl_bench.training.step_metrics import DivergedError
from ssl_benchmarks.energy import EnergyMeter
from ssl_benchmarks.energy.phase_cost import PhaseCost
from ssl_benchmarks.memory.peak import PeakMemory
from ssl_benchmarks.processes.interruption import stop_asked, stopped_by_signals, told_of_signals
from ssl_benchmarks.profile.second_opinion import opinion_or_reason
from ssl_benchmarks.record.quantity import unavailable
from ssl_benchmarks.record.record import Record
from ssl_models.catalog import checkpoint_folder, load_model, named
from ssl_models.errors import BadInputError
from ssl_models.families import family_of
from ssl_models.interface import SAMPLE_RATE
from ssl_models.loading.pretrained import load_pretrained
from ssl_models.parts.targets import READING_SHARE
from ssl_models.training_step import make_fabric, make_optimiser
from ssl_reports.paper.model_card import write_model_card
from ssl_reports.summaries.training import write_run_report

if TYPE_CHECKING:
    from rich.console import Console

    from ssl_bench.sessions.run_folder import TrainingState
    from ssl_benchmarks.profile.second_opinion import ModuleMacs
    from ssl_models.interface import Pretraining

LOG_EVERY = {"cpu": 5, "cuda": 50}
FIT_HOURS = 1.0
"""Hours of speech that targets are fitted on, unless the objective states another amount."""
WHOLE = 0.98
"""Share of the drawn speech that counts as all of it, since broken and very short clips are left out."""


def train_and_measure(
    config: TrainAndMeasureConfig,
    *,
    resume: bool = False,
    command: str = "ssl_bench.train_and_measure",
    console: Console | None = None,
    began: float | None = None,
) -> tuple[RunFolder, Record]:
    """Train, measure, evaluate; returns the run and its record, whose status says whether it finished.

    With `resume`, an unfinished run continues with its own settings; given ones must be the run's or at their defaults.
    `began` is the start of the command by the monotonic clock (None: now), from which the budget's minutes count.

    Raises:
        BadInputError: for settings or data that cannot be used.
    """
    began = time.monotonic() if began is None else began
    config.check()
    job = (resumed if resume else begun)(config, command, console or stderr())
    job.began = began
    with ExitStack() as stack:
        stack.enter_context(job.run.locked())
        stack.enter_context(stopped_by_signals())
        job.run.write(job.record("unfinished"))
        stack.enter_context(tracked(job.config.track, job.run.path))
        say = stack.enter_context(Progress(job.console, job.scope, job.grid, job.config.pue))
        say.phase(f"{opening(job)}; {promise(job)}")
        try:
            trial = _trained(job, say)
        except KeyboardInterrupt:
            job.details["stopped"] = "by the user, before the first step"
            record, modules = job.record("unfinished"), None
        else:
            stopped = "stopped" in job.details
            with EnergyMeter() as meter, nullcontext() if stopped else billed(job, meter):
                record, modules = _rated(job, trial, say, meter)
            _note_disturbances(job, "evaluation", meter)
            record = replace(record, details=job.record(record.status).details)
        write_run_report(record, job.run.path, job.run.metrics(), modules)
        if record.status == "finished":
            write_model_card(record, checkpoint_folder(job.run.path))
        job.run.write(record)
        if record.status == "finished":
            job.run.drop_optimiser(record)
        return job.run, record


def _rated(job: Job, trial: Trial, say: Progress, meter: EnergyMeter) -> tuple[Record, Sequence[ModuleMacs] | str]:
    """The record with the rows of training and measuring, and fvcore's table; only what is quick if it was stopped."""
    limit = limit_after(job)
    if stop_asked():
        job.details.setdefault("stopped", "by the user, before measuring")
    metrics = job.run.metrics()
    try:
        rows = training_rows(trial, job.attempts, metrics, in_haste=stop_asked() or not trial.state.step)
    except KeyboardInterrupt:
        job.details["stopped"] = "by the user, before measuring"
        rows = training_rows(trial, job.attempts, metrics, in_haste=True)
    record = job.record("unfinished").extended(rows)
    work = without_report(limit, limit.seconds - limit.left)
    job.run.write(record)
    if "stopped" not in job.details:
        say.phase(f"trained {trial.state.step} steps; the rest ends by {time_of_day(limit.left)}")
        try:
            record = _measured(job, trial, record, say, limit=work, meter=meter)
        except KeyboardInterrupt:
            job.details["stopped"] = "by the user, while measuring"
    if stop_asked() or limit.left <= 0:
        return record, "the run was stopped" if stop_asked() else "time was up"
    clip_seconds = trial.training_conditions().clip_seconds or 1.0
    opinion = opinion_or_reason(lambda: trial.pretraining.encoder.cpu().float(), clip_seconds)
    return record, opinion if isinstance(opinion, str) else opinion.modules


def _measured(job: Job, trial: Trial, record: Record, say: Progress, *, limit: TimeLimit, meter: EnergyMeter) -> Record:
    """The finished record: inference in a separate process, then the probe."""
    if job.config.inference:
        say.phase("measuring inference in a separate process")
        speech = speech_sample(job.split.held_out or job.split.training, job.waveforms, 240.0)
        record = record.extended(inference_rows(trial, job.run.path, speech, limit, job.start_up))
        job.run.write(record)
    if job.config.evaluate:
        rows, about = probe_rows(job, trial, lambda: built(job.config).encoder, meter, say=say.phase, limit=limit)
        record = record.extended(rows)
        job.details |= about
    return replace(record, status="finished")


def _trained(job: Job, say: Progress) -> Trial:
    """Train; if the input proves unusable, a new run leaves nothing behind."""
    try:
        with ExitStack() as until_saved:
            return _train(job, say, until_saved)
    except torch.OutOfMemoryError as error:
        job.discard_if_new()
        seconds = job.config.batch_seconds
        raise BadInputError(f"out of GPU memory at {seconds:g} s of audio per step; halve --batch-seconds") from error
    except BadInputError:
        job.discard_if_new()
        raise


def _train(job: Job, say: Progress, until_saved: ExitStack) -> Trial:
    """Fit the targets, then train; the attempt's cost goes into `job.attempts`, what happened into `job.details`.

    From the first step until `until_saved` is closed, a signal ends the steps but not the saving of their results.
    """
    config, model_config = job.config, job.config.model_config()
    fabric = make_fabric(config.device, config.precision)
    with (
        new_meter(idle=config.idle, say=say.phase, seconds=min(10.0, 6 * (config.minutes or 10.0))) as meter,
        PeakMemory(fabric.device) as memory,
        ExitStack() as stack,
    ):
        pretraining = built(config).to(fabric.device)
        optimiser = make_optimiser(pretraining, model_config.optimisation)
        if config.pretrained is not None:
            load_pretrained(pretraining.encoder, config.pretrained)
        state = job.run.load_checkpoint(pretraining, optimiser)
        if config.compile:
            pretraining.compile()
        module, ready = fabric.setup(pretraining, optimiser)
        unknown = unavailable("B", "training did not end")
        trial = Trial(
            named(config.model or "", model_config),
            pretraining,
            optimiser,
            fabric.device,
            state,
            config,
            job.grid,
            unknown,
        )
        ledger = Ledger(job.attempts, config, meter, state, job.began)
        job.start_up = time.monotonic() - job.began
        _say_how_kwh_is_known(job, ledger, say)
        stack.enter_context(ledger.billed(job.run.bill_path))
        _fit_targets(job, pretraining, ledger, state, say)
        memory.restart()
        kept_before = job.waveforms.kept_bytes
        stop = until_saved.enter_context(told_of_signals())
        ledger.begin_training(state)
        steps = partial(pretrain, fabric=fabric, module=module, optimiser=ready, ledger=ledger, stop=stop)
        trained = _stepped(job, trial, steps, ledger, say)
        trial.peak_memory = memory.so_far(less=job.waveforms.kept_bytes - kept_before)
    ledger.close(trained.data_wait if trained else 0.0)
    job.details["meter_cpu_seconds"] = meter.own_cpu_seconds
    _note_disturbances(job, f"training, attempt {len(job.attempts)}", meter)
    job.run.add_trace(meter.reading.samples, attempt=len(job.attempts))
    # Shortly before a divergence the weights are finite but degraded: an earlier checkpoint is better.
    if trained or not job.run.has_checkpoint():
        _checkpoint(job, trial, ledger)
    return trial


def _stepped(job: Job, trial: Trial, steps: Callable[..., Trained], ledger: Ledger, say: Progress) -> Trained | None:
    """Train with `steps`, a partial `pretrain`; None if it diverged. Why it stopped goes into `job.details`."""
    config, (clips, samples) = job.config, clip_shape(job.config)
    try:
        trained = steps(
            settings=config.model_config().optimisation,
            source=ClipSource(job.split.training, job.waveforms, samples, clips, config.seed),
            state=trial.state,
            log=lambda logged: _log(job, ledger, logged, say),
            save=lambda: _checkpoint(job, trial, ledger),
            save_every=config.checkpoint_minutes * 60,
            log_every=LOG_EVERY[trial.device.type],
        )
    except DivergedError as error:
        kept = "the checkpoint before it is kept" if job.run.has_checkpoint() else "the weights are those before it"
        job.details["stopped"] = f"{error}; {kept}"
        return None
    if trained.stopped:
        job.details["stopped"] = "by the user"
    elif not trial.state.step:
        job.details["stopped"] = untrained_because(job)
    return trained


def _say_how_kwh_is_known(job: Job, ledger: Ledger, say: Progress) -> None:
    """Print the energy source if it is not a measurement: a budget in kWh is only as good as its source."""
    energy = ledger.meter.live().energy[ledger.scope]
    if job.config.kwh is not None and energy.method != "measured":
        job.details["kwh_budget"] = f"energy of scope {ledger.scope} is {energy.method}, not measured: {energy.note}"
        say.phase(f"--kwh: {job.details['kwh_budget']}")


def _note_disturbances(job: Job, part: str, meter: EnergyMeter) -> None:
    """Put into the record what disturbed this part of the run, and what could not be monitored."""
    reading = meter.reading
    for key, lines in (("disturbances", reading.disturbances), ("meter_remarks", reading.remarks)):
        if lines:
            job.details[key] = {**job.details.get(key, {}), part: list(lines)}


def built(config: TrainAndMeasureConfig) -> Any:  # noqa: ANN401 - a module that is a Pretraining
    """The model with random weights, drawn from the seed."""
    model_config = config.model_config()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        module = family_of(model_config).pretraining(model_config)
    if config.teacher is not None:
        module.quantiser.teach(load_model(config.teacher))
    return module


def _fit_targets(job: Job, pretraining: Pretraining, ledger: Ledger, state: TrainingState, say: Progress) -> None:
    """Fit targets on training speech, if the objective needs any; a resumed run has its targets and their cost already.

    This may take a share of the budget that is left; at its end the targets stay as they are, as the record says.
    """
    before = ledger.progress(state)
    if pretraining.targets_fitted or before >= 1.0:
        return
    hours = getattr(job.config.model_config().objective, "fit_hours", FIT_HOURS)
    speech = drawn_hours(job.split.training, hours, job.config.seed)
    whole = sum(u.samples for u in speech) / SAMPLE_RATE / 3600
    say.phase(f"fitting the targets on {whole:.2g} h of speech, for at most {100 * TARGETS_SHARE:.0f} % of the budget")

    def spent() -> float:
        return (ledger.progress(state) - before) / (TARGETS_SHARE * (1.0 - before))

    clips = (as_floats(samples) for samples in map(job.waveforms.to_train_on, speech) if len(samples) >= SHORTEST)
    ledger.begin("targets")
    with ledger.meter.window("targets"):
        try:
            found: dict[str, Any] = pretraining.fit_targets(clips, job.config.seed, spent)
        except ValueError as error:
            raise BadInputError(f"{job.corpus.root}: {error}") from error
    if spent() >= READING_SHARE and (spent() >= 1.0 or found["hours"] < WHOLE * whole):
        found["limited"] = (
            f"on {found['hours']:.2g} of {whole:.2g} h of speech, {found['passes']:.2g} passes over it: "
            f"targets take at most {100 * TARGETS_SHARE:.0f} % of the budget"
        )
        say.phase(f"targets were fitted {found['limited']}")
    job.details["targets"] = found
    ledger.spend("targets", PhaseCost.of(ledger.meter.windows["targets"]))


def _log(job: Job, ledger: Ledger, logged: Logged, say: Progress) -> None:
    """Write a line to `metrics.jsonl`, and show one on the screen."""
    job.run.add_metrics(ledger.line(logged))
    say.step(logged, ledger.meter.live(), ledger.rate(logged.state), ledger.left(logged.state))
    if say.full_run_due:
        ledger.update()
        say.full_run(job.full_run())


def _checkpoint(job: Job, trial: Trial, ledger: Ledger) -> None:
    """Save weights, optimiser and position, and the record that states their cost so far."""
    if ledger.running:
        ledger.update()
    trial.state.attempt = job.attempts[-1].document()
    # The cost first: a kill in between may lose weights, but never their cost.
    job.run.write(job.record("unfinished"))
    job.run.save_checkpoint(
        trial.pretraining, trial.optimiser, job.config.model or "", job.config.model_config(), trial.state
    )
    job.run.write(job.record("unfinished"))

"""Several models and seeds, trained on one budget and evaluated the same way, in one record."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ssl_bench.console import stderr
from ssl_bench.evaluating.evaluate import evaluate, splits_at
from ssl_bench.evaluating.plan import LITTLE
from ssl_bench.exporting.tracked import tracked
from ssl_bench.sessions.run_folder import RunFolder, new_run, unfinished_run
from ssl_bench.sessions.session import Session
from ssl_bench.sessions.time_limit import time_of_day
from ssl_bench.settings.evaluating import EvaluateConfig
from ssl_bench.settings.studying import StudyConfig, config_of, document_of, require_unchanged
from ssl_bench.settings.training import TrainAndMeasureConfig
from ssl_bench.studying.plan import Plan, planned, spent
from ssl_bench.studying.run import finished_record, train_apart
from ssl_bench.studying.time import evaluation_seconds, study_seconds
from ssl_benchmarks.energy.carbon import chosen_intensity
from ssl_benchmarks.machine.capabilities import capabilities
from ssl_benchmarks.record.record import Measurement, Record, headline_scope
from ssl_benchmarks.record.seed_rows import study_rows
from ssl_models.catalog import named
from ssl_models.errors import BadInputError
from ssl_reports.claims.error_rates import c4_line
from ssl_reports.summaries.studying import write_study_report

if TYPE_CHECKING:
    from rich.console import Console

SETTINGS = ("device", "precision", "pue", "country", "grid_intensity", "strict")
"""Settings of the runs that the study's record holds under the same names as every record."""

EVALUATED = frozenset({"evaluation", "finetuning"})


@dataclass(kw_only=True)
class Study(Session):
    """One call of `study`.

    Attributes:
        shared: settings of the runs with the machine's choices made.
        plans: plan of each model.
        records: records of the finished runs.
        failed: reasons of the failed runs.
        evaluation: record of the evaluation.
    """

    kind = "study"
    config: StudyConfig
    shared: TrainAndMeasureConfig
    plans: dict[str, Plan]
    console: Console
    records: dict[tuple[str, int], Record] = field(default_factory=dict)
    failed: dict[tuple[str, int], str] = field(default_factory=dict)
    evaluation: Record | None = None

    @property
    def scope(self) -> str:
        """The scope whose energy is the headline of the runs."""
        return headline_scope(self.shared.device)

    def folder(self, model: str, seed: int) -> Path:
        """The folder of one run."""
        return self.run.path / f"{model}-seed{seed}"

    def shown(self, model: str) -> str:
        """The name of a model in the rows of its runs."""
        try:
            return named(model, replace(self.shared, model=model).model_config())
        except BadInputError:  # the study lists it as a model that failed
            return model

    def settings(self) -> dict[str, Any]:
        """The settings, with those of the machine that every record has."""
        return {**document_of(self.config), **{name: getattr(self.shared, name) for name in SETTINGS}}

    def contents(self) -> tuple[list[Measurement], dict[str, Any]]:
        """Each model's rows over its seeds, then those of the evaluation, without the costs of runs that it repeats."""
        names = {model: self.shown(model) for model in self.config.models}
        rows = study_rows(self.config.models, self.records, self.failed, self.scope)
        found = [replace(row, model=names[row.model]) for row in rows]
        found += [m for m in (self.evaluation.measurements if self.evaluation else ()) if m.phase in EVALUATED]
        runs = [self._entry(model, seed) for model, seed in self.config.runs]
        study = {**self.details["study"], "names": names, "runs": runs}
        return found, {"study": study, "disturbances": self._disturbances()}

    def record(self, status: str) -> Record:
        """The record; finished only if at least one run is."""
        return super().record(status if self.records else "unfinished")

    def _entry(self, model: str, seed: int) -> dict[str, Any]:
        record, reason = self.records.get((model, seed)), self.failed.get((model, seed))
        return {
            "model": model,
            "seed": seed,
            "folder": self.folder(model, seed).name,
            "status": "finished" if record is not None else "unfinished" if reason is None else "failed",
            "reason": reason,
            "spent": None if record is None else spent(record, self.config.equal, self.config.budget),
        }

    def _disturbances(self) -> dict[str, list[str]]:
        """The disturbances of all parts, by run."""
        found = {f"{model}, seed {seed}": record for (model, seed), record in self.records.items()}
        found |= {} if self.evaluation is None else {"evaluation": self.evaluation}
        return {
            f"{name}, {part}": lines
            for name, record in found.items()
            for part, lines in record.details.get("disturbances", {}).items()
        }


def study(
    config: StudyConfig, *, resume: bool = False, command: str = "ssl_bench.study", console: Console | None = None
) -> tuple[RunFolder, Record]:
    """Train every model with every seed, evaluate what was trained; returns the study's folder and record.

    A run that fails is an entry with its reason. The record is "unfinished" if the user stopped it or all runs failed.

    Raises:
        BadInputError: for settings, speech or budgets that cannot be used; nothing is begun then.
    """
    whole = (_resumed if resume else _begun)(config, command, console or stderr())
    with tracked(whole.shared.track, whole.run.path):
        return whole.run, whole.recorded(lambda: _all_of(whole), _report)


def _all_of(whole: Study) -> None:
    """Train, then evaluate; if the user stopped a part of it, the whole study is stopped."""
    if not (_trained(whole) and _evaluated(whole)):
        raise KeyboardInterrupt


def _report(record: Record, folder: Path) -> None:
    """Write the report, with the verdict on the claim about its models."""
    if (line := c4_line(record)) is not None:
        record.details["study"]["claim_c4"] = line
    write_study_report(replace(record), folder)


def _begun(config: StudyConfig, command: str, console: Console) -> Study:
    """A new study; its folder is created last, when everything else is known to be usable."""
    known = _prepared(config, console)
    config = known["config"]
    _check_speech(config, known["shared"])
    name = f"{config.models[0]}-seeds" if len(config.models) == 1 else "study"
    return Study(**known, run=new_run(config.out, name), command=command)


def _check_speech(config: StudyConfig, shared: TrainAndMeasureConfig) -> None:
    """Check the speech against the evaluation's tasks before hours of training, not after.

    Raises:
        BadInputError: as `evaluate` would, whose --train and --test are our --data and --eval-data.
    """
    if config.evaluation is None:
        return
    try:
        speech = splits_at(_evaluate_config(config, shared, (), None))(LITTLE)
        for task in config.evaluation.tasks:
            speech.require(task)
    except BadInputError as error:
        raise BadInputError(str(error).replace("--train", "--data").replace("--test", "--eval-data")) from error


def _resumed(asked: StudyConfig, command: str, console: Console) -> Study:
    """An unfinished study, resumed with its own settings."""
    run = unfinished_run(asked.out)
    before = run.read()
    if before.kind != "study":
        raise BadInputError(
            f"{run.path}: a single run; resume it with: sslbench train-and-measure --resume --out {run.path}"
        )
    config = config_of(before.config)
    require_unchanged(asked, config)
    return Study(**_prepared(config, console), run=run, command=command, created=before.created)


def _prepared(config: StudyConfig, console: Console) -> dict[str, Any]:
    """Fields of `Study`: the config with its models, the runs' shared settings and budgets, the grid, the details."""
    cuda = torch.cuda.is_available()
    model = config.models[0] if config.models else None
    shared = TrainAndMeasureConfig(**{**config.training, "model": model}).resolved(cuda=cuda)
    config = replace(config, models=config.models or (str(shared.model),))
    config.check()
    grid = chosen_intensity(shared.country, shared.grid_intensity)
    plans = {name: planned(config, name, cuda=cuda) for name in config.models}
    about: dict[str, Any] = {
        "equal": config.equal,
        "budget": config.budget,
        "plans": {name: asdict(plan) for name, plan in plans.items()},
    }
    if config.equal == "joules":
        about["joules"] = joules_known(headline_scope(shared.device))
        console.print(f"--equal joules: {about['joules']}", highlight=False, markup=False, soft_wrap=True)
    known = {"config": config, "shared": shared, "plans": plans, "grid": grid, "console": console}
    return {**known, "details": {"study": about}}


def joules_known(scope: str) -> str:
    """How energy is measured on this machine: a budget in joules is only as good as its source.

    Raises:
        BadInputError: if there is no energy source.
    """
    ways = capabilities().measurable
    way = ways[f"energy_{scope}"]
    if way.method == "unavailable" and scope == "gpu":
        scope, way = "machine, since the GPU reports none,", ways["energy_machine"]
    if way.method == "unavailable":
        raise BadInputError(f"--equal joules: energy is unavailable ({way.how})")
    known = way.method if way.method == "measured" else f"{way.method}, not measured"
    return f"energy of scope {scope} is {known}: {way.how}"


def _trained(whole: Study) -> bool:
    """Train what is not trained yet; False if the user stopped it."""
    runs = whole.config.runs
    _say(whole, f"{len(runs)} runs{_ends_by(whole)}")
    for number, (model, seed) in enumerate(runs, 1):
        folder, plan = whole.folder(model, seed), whole.plans[model]
        if (before := finished_record(folder)) is not None:
            whole.records[model, seed] = before
        elif plan.failed:
            whole.failed[model, seed] = plan.failed
        else:
            _say(whole, f"run {number} of {len(runs)}: {model}, seed {seed}{_ends_by(whole) if number > 1 else ''}")
            ended = train_apart(whole.config.run_settings(model, seed, plan.budget), folder)
            if ended.status == "unfinished":
                return False
            if ended.status == "failed":
                whole.failed[model, seed] = ended.reason
                _say(whole, f"failed: {ended.reason}")
            elif ended.record is not None:
                whole.records[model, seed] = ended.record
        whole.run.write(whole.record("unfinished"))
    return True


def _say(whole: Study, text: str) -> None:
    whole.console.print(text, highlight=False, markup=False, soft_wrap=True)


def _ends_by(whole: Study) -> str:
    """When the whole study ends at the latest, if its budgets set a time."""
    seconds = study_seconds(whole.config, whole.shared, whole.plans, {*whole.records, *whole.failed})
    return "" if seconds is None else f"; the study ends by {time_of_day(seconds)}"


def _evaluated(whole: Study) -> bool:
    """Evaluate all trained models together; False if the user stopped it."""
    if whole.config.evaluation is None or not whole.records:
        return True
    out = whole.run.path / "evaluation"
    models = tuple(str(whole.folder(*run)) for run in whole.records)
    found = finished_record(out)
    if found is None or tuple(found.config["models"]) != models:
        shutil.rmtree(out, ignore_errors=True)
        config = _evaluate_config(whole.config, whole.shared, models, str(out))
        config = replace(
            config, minutes=evaluation_seconds(whole.config, whole.shared, whole.plans, whole.records) / 60
        )
        found = evaluate(config, command=whole.command, console=whole.console)[1]
    whole.evaluation = found
    whole.details |= {
        key: found.details[key]
        for key in ("speech", "left_out", "controls_read", "remarks", "evaluation_limit")
        if key in found.details
    }
    return found.status == "finished"


def _evaluate_config(
    config: StudyConfig, shared: TrainAndMeasureConfig, models: tuple[str, ...], out: str | None
) -> EvaluateConfig:
    """The settings for `sslbench evaluate`."""
    s = shared
    return EvaluateConfig(
        models=models,
        evaluation=config.evaluation or EvaluateConfig(()).evaluation,
        train=s.data,
        test=s.eval_data,
        speakers=s.speakers,
        keep_odd_audio=s.keep_odd_audio,
        seed=config.seed,
        device=s.device,
        precision=s.precision,
        country=s.country,
        grid_intensity=s.grid_intensity,
        pue=s.pue,
        idle=s.idle,
        out=out,
    )

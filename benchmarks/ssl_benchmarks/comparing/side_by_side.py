"""Models side by side, from the rows of one session: ratios to a baseline, projected pretrainings, life-cycle costs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from ssl_benchmarks.comparing.comparability import Difference, differences
from ssl_benchmarks.comparing.life_cycle import break_even_of, life_cost
from ssl_benchmarks.comparing.moderation import FEWEST_MODELS, Residual, moderated, residual_of
from ssl_benchmarks.comparing.projection import project, projected_energy, recipe_work, works
from ssl_benchmarks.comparing.ratios import kept_pairs, paired_ratio, ratio, ratio_of_largest
from ssl_benchmarks.comparing.rounds import Repeated
from ssl_benchmarks.energy.carbon import GridIntensity
from ssl_benchmarks.record.details.comparison import Ratio
from ssl_benchmarks.record.details.life import BreakEven, Ledger, Life, LifeCost
from ssl_benchmarks.record.details.projection import Projection, Work
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Measurement
from ssl_benchmarks.record.stated import recipe_of
from ssl_models.recipes import Recipe

SPEED, ENERGY, FLOPS, MEMORY = (
    "audio_seconds_per_second",
    "energy_per_audio_hour",
    "flops_per_audio_second",
    "peak_memory",
)
COMPARED = (FLOPS, SPEED, ENERGY, MEMORY)


@dataclass(frozen=True)
class SideBySide:
    """The models and rows to compare.

    Attributes:
        models: in the order of the tables.
        phases: "inference", "training" or both.
        baseline: baseline model of the ratios.
        scope: scope of the compared energy.
        rows: one per model, metric, phase and scope.
        rounds: the rows of each independent observation; empty if the models were not measured in one session.
        of: what these observations are.
        recipes: those that the user states, by model.
    """

    models: tuple[str, ...]
    phases: tuple[str, ...]
    baseline: str
    scope: str
    rows: Sequence[Measurement]
    rounds: Sequence[Sequence[Measurement]] = ()
    of: Repeated = "rounds"
    recipes: Mapping[str, Recipe] = field(default_factory=dict)

    def scope_of(self, metric: str) -> str | None:
        """The scope under which a metric is compared."""
        return self.scope if metric == ENERGY else None

    def row(self, model: str, phase: str, metric: str) -> Measurement | None:
        """The first matching row, or None."""
        return _row(self.rows, model, phase, metric, self.scope_of(metric))

    def find(self, model: str, phase: str, metric: str) -> Quantity:
        """The matching quantity; unavailable if it was not measured."""
        row = self.row(model, phase, metric)
        return unavailable("1", f"{phase} of {model} was not measured") if row is None else row.quantity

    def by_round(self, model: str, phase: str, metric: str) -> list[Quantity | None]:
        """The quantity in each round."""
        found = (_row(rows, model, phase, metric, self.scope_of(metric)) for rows in self.rounds)
        return [None if row is None else row.quantity for row in found]


def _row(rows: Iterable[Measurement], model: str, phase: str, metric: str, scope: str | None) -> Measurement | None:
    wanted = (model, phase, metric, scope)
    return next((row for row in rows if (row.model, row.phase, row.metric, row.scope) == wanted), None)


def ratios(sides: SideBySide) -> list[Ratio]:
    """Ratios of every model but the baseline, for each phase and metric of which both have a row."""
    found = []
    for model in sides.models:
        for phase in sides.phases:
            for metric in COMPARED:
                known = (sides.row(model, phase, metric), sides.row(sides.baseline, phase, metric))
                if model != sides.baseline and None not in known:
                    found.append(
                        Ratio(model, phase, metric, sides.scope_of(metric), _ratio(sides, model, phase, metric))
                    )
    return _with_moderated(sides, found)


def _with_moderated(sides: SideBySide, found: list[Ratio]) -> list[Ratio]:
    """The ratios over sets of processes with moderated intervals; all others as they are."""
    residuals = {
        (phase, metric): _residual(sides, phase, metric) for phase in sides.phases for metric in (SPEED, ENERGY)
    } if sides.of == "processes" else {}  # fmt: skip
    return [_moderated_ratio(sides, each, residuals.get((each.phase, each.metric))) for each in found]


def _residual(sides: SideBySide, phase: str, metric: str) -> Residual | None:
    """See `residual_of`, over the sound sets if there are two, else over all; None for fewer models or sets than it takes."""
    by_model = [sides.by_round(model, phase, metric) for model in sides.models]
    rows = [row for row in by_model if any(q is not None and q.value for q in row)]
    whole = [[q for q in each if q is not None and q.value] for each in zip(*rows, strict=True)]
    whole = [each for each in whole if len(each) == len(rows)]
    sound = [each for each in whole if not any(q.flaw for q in each)]
    used = sound if len(sound) > 1 else whole
    if len(rows) < FEWEST_MODELS or len(used) < 2:
        return None
    return residual_of([[math.log(q.value or 1.0) for q in model] for model in zip(*used, strict=True)])


def _moderated_ratio(sides: SideBySide, found: Ratio, residual: Residual | None) -> Ratio:
    if residual is None or found.ratio.ci95 is None:
        return found
    _, pairs = kept_pairs(
        *(sides.by_round(model, found.phase, found.metric) for model in (found.model, sides.baseline))
    )
    if len(pairs) < 2:
        return found
    logs = [math.log((a.value or 1.0) / (b.value or 1.0)) for a, b in pairs]
    return replace(found, ratio=moderated(found.ratio, logs, residual))


def _ratio(sides: SideBySide, model: str, phase: str, metric: str) -> Quantity:
    if metric == FLOPS or not sides.rounds:
        return ratio(sides.find(model, phase, metric), sides.find(sides.baseline, phase, metric))
    of = ratio_of_largest if metric == MEMORY else paired_ratio
    return of(sides.by_round(model, phase, metric), sides.by_round(sides.baseline, phase, metric), sides.of)


def differing(sides: SideBySide) -> list[Difference]:
    """The conditions that make rows incomparable, each once."""
    found: dict[str, Difference] = {}
    for metric in COMPARED:
        for phase in sides.phases:
            rows = [row for model in sides.models if (row := sides.row(model, phase, metric)) is not None]
            for difference in differences(rows):
                found.setdefault(difference.condition, difference)
    return list(found.values())


@dataclass(frozen=True)
class Prices:
    """Factors from energy and time to carbon and money; `per_hour` of the device, in any currency."""

    grid: GridIntensity | None = None
    pue: float = 1.0
    per_hour: float | None = None


def projections(sides: SideBySide, prices: Prices) -> list[Projection]:
    """Each model's own recipe, and the paper's hours, at its measured training rate; none if that was not measured."""
    if "training" not in sides.phases:
        return []
    return [_projection(sides, model, work, prices) for model in sides.models for work in works(model, sides.recipes)]


def _projection(sides: SideBySide, model: str, work: Work, prices: Prices) -> Projection:
    rate, per_hour = (sides.find(model, "training", metric) for metric in (SPEED, ENERGY))
    return project(model, work, rate, per_hour, grid=prices.grid, pue=prices.pue, price_per_hour=prices.per_hour)


def projected_rows(sides: SideBySide, found: Sequence[Projection]) -> list[Measurement]:
    """Projections of the models' own recipes as rows of the long table, under the conditions of the rate."""
    rows = []
    for projection in found:
        rate = sides.row(projection.model, "training", SPEED)
        if projection.work.name != "recipe" or rate is None:
            continue
        scoped = {"device_hours": None, "energy": sides.scope, "co2e": sides.scope}
        quantities = {name: getattr(projection, name) for name in scoped}
        rows += [
            Measurement(projection.model, name, q, "training", scoped[name], rate.conditions)
            for name, q in quantities.items()
        ]
    return rows


@dataclass(frozen=True)
class Trained:
    """Training cost of a model, in "J" and in "FLOP"; `teacher` is that of the model whose layers provided the targets."""

    pretraining: Mapping[str, Quantity]
    teacher: Mapping[str, Quantity] | None = None


def ledger(sides: SideBySide, life: Life, trained: Mapping[str, Trained]) -> Ledger:
    """Ledgers in both units; models that are not in `trained` (pretraining on record) are projected from their recipes."""
    if {"inference", "training"} - set(sides.phases):
        return Ledger(life)
    costs: list[LifeCost] = []
    evens: list[BreakEven] = []
    for unit in ("J", "FLOP"):
        found = {model: _life(sides, model, unit, life, trained) for model in sides.models}
        costs += found.values()
        for one, other in combinations(sides.models, 2):
            if sides.baseline in {one, other}:
                evens.append(BreakEven((one, other), unit, *break_even_of(found[one], found[other])))
    return Ledger(life, tuple(costs), tuple(evens))


def _life(sides: SideBySide, model: str, unit: str, life: Life, trained: Mapping[str, Trained]) -> LifeCost:
    metric = ENERGY if unit == "J" else FLOPS
    to_train, to_use = (sides.find(model, phase, metric) for phase in ("training", "inference"))
    if unit == "FLOP":
        to_train, to_use = (q.scaled(3600.0, "FLOP/h") for q in (to_train, to_use))
    pretraining, teacher = projected_energy(to_train, recipe_work(recipe_of(model, sides.recipes)), unit), None
    if model in trained:
        pretraining, shares = trained[model].pretraining[unit], trained[model].teacher
        teacher = None if shares is None else shares[unit]
    return life_cost(model, pretraining, to_train, to_use, life, teacher=teacher)

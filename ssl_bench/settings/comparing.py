"""Settings of `sslbench compare`, and what follows from them: the cells of a round and how long each is timed."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, get_args

from ssl_bench.settings.machine import FORECAST, PRICE, RECIPE, SPEECH, WEIGHTS, MachineSettings
from ssl_bench.settings.measuring import SHORTEST_CLIP, Phase, check_clip
from ssl_bench.settings.options import Option, nested, option, parse_listed, parse_names
from ssl_benchmarks.record.details.life import Life
from ssl_benchmarks.record.stated import read_recipes
from ssl_models.catalog import CATALOG, HEADLINE, require_name
from ssl_models.errors import BadInputError, choose

if TYPE_CHECKING:
    from ssl_benchmarks.comparing.rounds import Cell
    from ssl_benchmarks.timing.protocol import Protocol
    from ssl_models.recipes import Recipe

PHASES: tuple[Phase, ...] = get_args(Phase)
ON_CPU = ("efficient-tiny", "essl", "wav2vec2-base", "hubert-base")
ON_GPU = (HEADLINE, "essl", "wav2vec2-base", "hubert-base", "hubert-large")
WARM_UP = {"cpu": 2.0, "cuda": 5.0}
"""s of warm-up, after which a cell is measured even if it is not steady yet: later rounds show whether it settles."""


def parse_share(text: str) -> float:
    """A share from text such as "2%" or "0.02".

    Raises:
        BadInputError: unless it is between 0 and 100 %.
    """
    number, percent, rest = text.strip().partition("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = math.nan
    if rest or not 0 < share < 1:
        raise BadInputError(f"--precision-target {text}: write a share such as 2% or 0.02")
    return share


def chosen_weights(pretrained: str | None, models: Sequence[str]) -> dict[str, str]:
    """The published weights of each model that has some.

    Raises:
        BadInputError: for weights of a model that is not compared or not in the catalogue.
    """
    named = [part.partition("=") for part in parse_names(pretrained)]
    if not all(equals for _, equals, _ in named):
        return {} if pretrained is None else {model: pretrained for model in models if model in CATALOG}
    found = {choose(model, models, "--pretrained"): weights for model, _, weights in named}
    if foreign := [model for model in found if model not in CATALOG]:
        raise BadInputError(f"--pretrained {foreign[0]}=...: only catalogue models take published weights")
    return found


def parse_phases(text: str) -> tuple[Phase, ...]:
    """Comma-separated phases, in the order of the tables; see `parse_listed`."""
    asked = parse_listed(text, PHASES, "phase")
    return tuple(phase for phase in PHASES if phase in asked)


LIFE = "Life-cycle cost"


@dataclass(frozen=True)
class CompareConfig(MachineSettings):
    """The options of `sslbench compare`; None leaves the choice to the device (see `resolved`).

    Attributes:
        models: at least one, in any form that `load_model` accepts.
        phases: "inference", "training" or both.
        clip_seconds: clip length in s; 15 on a GPU, 5 on a CPU.
        batch_seconds: audio per batch in s; 240 on a GPU, one clip on a CPU.
        minutes: time budget of the whole command: no round begins that would end later, and models without time are
            named as left out.
        precision_target: half-width of the 95 % intervals, as a share of the value, at which the rounds end.
        baseline: model to which ratios are taken; the first.
        pretrained: published weights for all catalogue models (a folder, a safetensors file or a name on the Hugging Face Hub), or for
            some of them, as comma-separated MODEL=WEIGHTS.
        compile: whether the steps are compiled.
        data: "sample", or a folder of audio from which the clips are cut.
        price_per_gpu_hour: price of the device per hour, in any currency.
        life: the use over which the life-cycle cost is added up.
        recipe: a TOML file with the pretraining of models, by name; see `ssl_benchmarks.record.stated`.
        published: whether published numbers are shown as well.
    """

    models: tuple[str, ...] = option(
        (),
        "Comma-separated catalogue names, run folders or models of your own.",
        default_text=f"{','.join(ON_CPU)} on a CPU; {','.join(ON_GPU)} on a GPU",
        parse=parse_names,
    )
    phases: tuple[Phase, ...] = option(
        PHASES, "Comma-separated phases: inference, training.", default_text="inference,training", parse=parse_phases
    )
    clip_seconds: float | None = option(None, "Clip length in s.", default_text="15 on a GPU, 5 on a CPU")
    batch_seconds: float | None = option(
        None, "Audio per batch in s.", default_text="240 on a GPU, one clip on a CPU", least=SHORTEST_CLIP
    )
    minutes: float = option(
        10.0, "Time budget in min; at least one round is run, and models that do not fit are left out.", least=0
    )
    precision_target: float = option(
        0.02, "Stop when all 95 % intervals are within this half-width.", default_text="2 %", parse=parse_share
    )
    baseline: str | None = option(None, "Model that ratios are relative to.", default_text="the first model")
    pretrained: str | None = option(
        None, f"{WEIGHTS} To load them for some models only: MODEL=WEIGHTS, comma-separated."
    )
    compile: bool = option(default=False, help="Use torch.compile.")
    data: str = option("sample", SPEECH, folder="sample")
    price_per_gpu_hour: float | None = option(None, PRICE, panel=FORECAST, least=0)
    life: Life = nested(
        Life,
        finetunings=Option("Number of fine-tunings.", panel=LIFE, least=0),
        finetuning_hours=Option("Hours of audio per fine-tuning.", panel=LIFE, least=0),
        inference_hours=Option("Hours of audio processed in use, in total.", panel=LIFE, least=0),
    )
    recipe: str | None = option(None, RECIPE, panel=FORECAST)
    published: bool = option(default=False, help="Show published numbers as well, marked as such.")

    def check(self) -> None:
        """See `Settings.check`; the models are known and distinct, and the baseline is one of them."""
        for model in self.models:
            require_name(model)
        if len(set(self.models)) < len(self.models):
            raise BadInputError(f"--models {','.join(self.models)}: a model is given twice")
        if self.baseline is not None and self.models:
            choose(self.baseline, self.models, "--baseline")
        chosen_weights(self.pretrained, self.models or (*ON_CPU, *ON_GPU))
        super().check()
        if self.clip_seconds is not None:
            check_clip(self.clip_seconds)
        if self.models:
            self.recipes(self.models)

    def recipes(self, models: Collection[str]) -> dict[str, Recipe]:
        """The stated recipes of the models that have one, by model.

        Raises:
            BadInputError: for a file that cannot be read, or has none of these models.
        """
        return {} if self.recipe is None else read_recipes(Path(self.recipe), models)

    def resolved(self, *, cuda: bool) -> Self:
        """With device, models, baseline, clip and batch decided; see `Settings.resolved`."""
        known = super().resolved(cuda=cuda)
        gpu = known.device == "cuda"
        models = self.models or (ON_GPU if gpu else ON_CPU)
        baseline = models[0] if self.baseline is None else choose(self.baseline, models, "--baseline")
        clip = (15.0 if gpu else 5.0) if self.clip_seconds is None else self.clip_seconds
        batch = (240.0 if gpu else clip) if self.batch_seconds is None else self.batch_seconds
        return replace(known, models=models, baseline=baseline, clip_seconds=clip, batch_seconds=batch)

    @property
    def cells(self) -> list[Cell]:
        """Every model and phase, in the order of the tables."""
        return [(model, phase) for phase in self.phases for model in self.models]

    @property
    def weights(self) -> dict[str, str]:
        """The published weights by model, of a resolved config."""
        return chosen_weights(self.pretrained, self.models)

    @property
    def shape(self) -> tuple[float, int]:
        """Clip length in s and clips per batch, of a resolved config."""
        clip = self.clip_seconds or 5.0
        return clip, max(1, round((self.batch_seconds or clip) / clip))

    @property
    def protocol(self) -> Protocol:
        """One window per round, which later rounds prolong as time allows (`round_plan.window_seconds`)."""
        from ssl_benchmarks.comparing.round_plan import SHORTEST_WINDOW
        from ssl_benchmarks.timing.protocol import Protocol

        limit, shortest = WARM_UP[self.device], SHORTEST_WINDOW[self.device]
        return Protocol(shortest, repeats=1, cool_down=0.0, window=0.3, warm_up_limit=limit, fewest_calls=1)

"""Settings of `sslbench measure`, and the cells that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from ssl_bench.settings.machine import RECIPE, SPEECH, WEIGHTS, MachineSettings
from ssl_bench.settings.options import option
from ssl_benchmarks.record.stated import read_recipes
from ssl_models.catalog import card, is_foreign, require_name, require_pretrained
from ssl_models.errors import BadInputError, choose

if TYPE_CHECKING:
    from ssl_benchmarks.timing.protocol import Protocol
    from ssl_models.recipes import Recipe

Phase = Literal["inference", "training"]
SWEPT = ("clip-seconds", "batch-seconds")
SHORTEST_CLIP, LONGEST_CLIP = 0.32, 3600.0
REPEATS = 5
MODEL = "A catalogue name, a run folder, hf:FOLDER, FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION."
CURVE = "clip-seconds=1,2,5,10,20,30"


def parse_sweep(text: str) -> tuple[str, tuple[float, ...]]:
    """Key and values of KEY=V1,V2,..., where the key is `clip-seconds` or `batch-seconds`.

    Raises:
        BadInputError: for anything else.
    """
    key, equals, listed = text.partition("=")
    if not equals:
        raise BadInputError(f"--sweep {text}: write KEY=V1,V2,..., such as {CURVE}")
    key = choose(key.strip().replace("_", "-"), SWEPT, "key of --sweep")
    try:
        values = tuple(float(part) for part in listed.split(","))
    except ValueError as error:
        raise BadInputError(f"--sweep {text}: {listed!r} is not a list of numbers such as 1,2,5") from error
    if not all(0 < value < math.inf for value in values):
        raise BadInputError(f"--sweep {text}: every value must be more than 0")
    if len(set(values)) < len(values):
        raise BadInputError(f"--sweep {text}: a value is given twice")
    return key, values


@dataclass(frozen=True)
class Shape:
    """Shape of a batch: `clips` clips of `clip_seconds`; `label` distinguishes it from the run's other cells."""

    clip_seconds: float
    clips: int
    label: str


@dataclass(frozen=True)
class MeasureConfig(MachineSettings):
    """The options of `sslbench measure`; None leaves the choice to the device (see `resolved`).

    Attributes:
        model: in any form that `load_model` accepts.
        pretrained: published weights for a catalogue model: a folder, a safetensors file or a name on the Hugging Face Hub.
        clip_seconds: clip length in s.
        batch_seconds: audio per batch in s; 240 on a GPU, one clip on a CPU.
        duration: length of one repeat in s; 10 on a GPU, 5 on a CPU.
        repeats: number of repeats, each in a separate process, interleaved with those of other cells; 5.
        minutes: time budget of the whole command, or None; repeats become shorter or fewer to fit.
        data: "sample", or a folder of audio from which the clips are cut.
        sweep: the swept setting and its values, or None.
        recipe: a TOML file with the pretraining of the model, see `ssl_benchmarks.record.stated`.
    """

    model: str = option(help=MODEL, argument=True, metavar="MODEL")
    phase: Phase = option("inference", "inference or training.")
    clip_seconds: float = option(15.0, "Clip length in s.")
    batch_seconds: float | None = option(
        None, "Audio per batch in s.", default_text="240 on a GPU, one clip on a CPU", least=SHORTEST_CLIP
    )
    duration: float | None = option(
        None, "Length of one repeat in s.", default_text="10 on a GPU, 5 on a CPU", least=0.001
    )
    repeats: int = option(REPEATS, "Number of repeats, each in a separate process.", least=1)
    minutes: float | None = option(
        None, "Time budget in min; repeats become shorter or fewer to fit.", default_text="no limit", least=0
    )
    compile: bool = option(default=False, help="Use torch.compile.")
    data: str = option("sample", SPEECH, folder="sample")
    sweep: tuple[str, tuple[float, ...]] | None = option(
        None, f"KEY=V1,V2,...: one cell per value, such as {CURVE}; or batch-seconds=...", parse=parse_sweep
    )
    pretrained: str | None = option(None, WEIGHTS)
    recipe: str | None = option(None, RECIPE)

    def check(self) -> None:
        """See `Settings.check`; the model is known, and clip lengths are in range."""
        require_name(self.model)
        if not is_foreign(self.model):
            card(self.model)
        require_pretrained(self.model, self.pretrained)
        super().check()
        for seconds in self._swept("clip-seconds", self.clip_seconds):
            check_clip(seconds)
        self.recipes()

    def recipes(self) -> dict[str, Recipe]:
        """The stated recipe of the model, if there is one.

        Raises:
            BadInputError: for a file that cannot be read, or has none of this model.
        """
        return {} if self.recipe is None else read_recipes(Path(self.recipe), [self.model])

    def resolved(self, *, cuda: bool) -> Self:
        """With device, precision, batch and duration decided; see `Settings.resolved`."""
        known = super().resolved(cuda=cuda)
        gpu = known.device == "cuda"
        return replace(
            known,
            batch_seconds=240.0 if gpu and self.batch_seconds is None else self.batch_seconds,
            duration=(10.0 if gpu else 5.0) if self.duration is None else self.duration,
        )

    @property
    def shapes(self) -> list[Shape]:
        """The cells of resolved settings, in the order asked for; a batch holds at least one clip."""
        cells = []
        for clip in self._swept("clip-seconds", self.clip_seconds):
            for batch in self._swept("batch-seconds", self.batch_seconds or clip):
                by_batch = self.sweep is not None and self.sweep[0] == "batch-seconds"
                label = f"batch-seconds={batch:g}" if by_batch else f"clip-seconds={clip:g}"
                cells.append(Shape(clip, max(1, round(batch / clip)), label))
        return cells

    @property
    def protocol(self) -> Protocol:
        """How each cell is measured: each repeat in a separate process."""
        from ssl_benchmarks.timing.protocol import Protocol

        return Protocol(self.duration or 10.0, self.repeats, cool_down=0.0)

    def _swept(self, key: str, otherwise: float) -> tuple[float, ...]:
        return self.sweep[1] if self.sweep is not None and self.sweep[0] == key else (otherwise,)


def check_clip(seconds: float) -> None:
    """Check that models accept clips of this length.

    Raises:
        BadInputError: for a clip that is too short or too long.
    """
    if not SHORTEST_CLIP <= seconds <= LONGEST_CLIP:
        raise BadInputError(f"--clip-seconds {seconds:g}: must be between {SHORTEST_CLIP} and {LONGEST_CLIP:g}")

"""Everything `sslbench profile` can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ssl_bench.settings.measuring import MODEL
from ssl_bench.settings.options import Settings, option
from ssl_models.catalog import require_name
from ssl_models.errors import BadInputError

MEMORY = "Predicted memory"
LONGEST = 3600.0


def parse_lengths(text: str) -> tuple[float, ...]:
    """Lengths in seconds from a list such as "1,10,30", each once, from short to long.

    Raises:
        BadInputError: for anything else.
    """
    try:
        found = sorted({float(part) for part in text.split(",")})
    except ValueError as error:
        raise BadInputError(f"--seconds {text}: give lengths in seconds, such as 1,10,30") from error
    if not all(0 < seconds <= LONGEST for seconds in found):
        raise BadInputError(f"--seconds {text}: a length lies above 0 and at most at {LONGEST:g}")
    return tuple(found)


@dataclass(frozen=True)
class ProfileConfig(Settings):
    """The options of `sslbench profile`.

    Attributes:
        model: as `load_model` takes it.
        seconds: lengths of the clip that is counted.
        clip_seconds, batch_seconds, precision, device, optimiser: of the batch whose peak memory is predicted.
        card: GB of the card that it should fit.
        depth: levels of modules shown.
        second_opinion: whether fvcore is asked.
    """

    model: str = option(help=MODEL, argument=True, metavar="MODEL")
    seconds: tuple[float, ...] = option(
        (1.0, 10.0, 30.0), "Lengths of the clip that is counted.", default_text="1,10,30", parse=parse_lengths
    )
    superb: bool = option(default=False, help="Also SUPERB's sum over 32 utterances.")
    checkpoint_gradients: bool = option(default=False, help="Training runs its blocks twice to save memory.")
    clip_seconds: float = option(15.0, "Of one clip in the batch.", panel=MEMORY, above=0)
    batch_seconds: float = option(240.0, "Audio in a batch.", panel=MEMORY, above=0)
    precision: Literal["float32", "bfloat16"] = option("bfloat16", "float32 or bfloat16.", panel=MEMORY)
    device: Literal["cpu", "cuda"] = option("cuda", "cuda or cpu; none is needed.", panel=MEMORY)
    optimiser: str = option("AdamW", "A class of torch.optim.", panel=MEMORY)
    card: float = option(24.0, "GB of the card that it should fit.", panel=MEMORY, above=0)
    depth: int = option(4, "Levels of modules shown.", above=0)
    second_opinion: bool = option(default=True, help="Ask fvcore too.", flags="--second-opinion/--no-second-opinion")

    def check(self) -> None:
        """See `Settings.check`; the model is known."""
        require_name(self.model)
        super().check()

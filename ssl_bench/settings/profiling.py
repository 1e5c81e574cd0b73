"""Settings of `sslbench profile`."""

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
    """Distinct lengths in s from a list such as "1,10,30", in ascending order.

    Raises:
        BadInputError: for anything else.
    """
    try:
        found = sorted({float(part) for part in text.split(",")})
    except ValueError as error:
        raise BadInputError(f"--seconds {text}: give lengths in seconds, such as 1,10,30") from error
    if not all(0 < seconds <= LONGEST for seconds in found):
        raise BadInputError(f"--seconds {text}: lengths must be more than 0 and at most {LONGEST:g}")
    return tuple(found)


@dataclass(frozen=True)
class ProfileConfig(Settings):
    """The options of `sslbench profile`.

    Attributes:
        model: in any form that `load_model` accepts.
        seconds: clip lengths, in s, for which FLOPs are counted.
        clip_seconds, batch_seconds, precision, device, optimiser: the batch whose peak memory is predicted.
        card: memory of the target GPU in GB.
        depth: number of module levels shown.
        second_opinion: whether fvcore counts as well.
        out: the run folder to write, if any.
    """

    model: str = option(help=MODEL, argument=True, metavar="MODEL")
    seconds: tuple[float, ...] = option(
        (1.0, 10.0, 30.0),
        "Comma-separated clip lengths to count FLOPs for, in s.",
        default_text="1,10,30",
        parse=parse_lengths,
    )
    superb: bool = option(default=False, help="Also count the total over SUPERB's 32 utterances.")
    checkpoint_gradients: bool = option(
        default=False, help="Gradient checkpointing: training runs its blocks twice to save memory."
    )
    clip_seconds: float = option(15.0, "Clip length in s.", panel=MEMORY, above=0)
    batch_seconds: float = option(240.0, "Audio per batch in s.", panel=MEMORY, above=0)
    precision: Literal["float32", "bfloat16"] = option("bfloat16", "float32 or bfloat16.", panel=MEMORY)
    device: Literal["cpu", "cuda"] = option("cuda", "cuda or cpu; it need not be present.", panel=MEMORY)
    optimiser: str = option("AdamW", "A class of torch.optim.", panel=MEMORY)
    card: float = option(24.0, "Memory of the target GPU in GB.", panel=MEMORY, above=0)
    depth: int = option(4, "Number of module levels to show.", above=0)
    second_opinion: bool = option(
        default=True, help="Count with fvcore as well.", flags="--second-opinion/--no-second-opinion"
    )
    out: str | None = option(None, "Keep the counts as a run in this folder, for tables.", default_text="not kept")

    @property
    def counted_seconds(self) -> tuple[float, ...]:
        """The clip lengths to count; a kept profile also has that of a batch, so that it suits what was measured in such batches."""
        return self.seconds if self.out is None else tuple(sorted({*self.seconds, self.clip_seconds}))

    def check(self) -> None:
        """See `Settings.check`; the model is known."""
        require_name(self.model)
        super().check()

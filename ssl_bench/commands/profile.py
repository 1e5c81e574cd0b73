"""`sslbench profile`."""

from __future__ import annotations

import gc
import sys
from contextlib import redirect_stdout
from typing import Annotated

import typer

from ssl_bench.console import Json, Model, fail, print_json, stdout
from ssl_bench.front_door import apart_if_own

MEMORY = "Predicted memory"


def profile_command(
    model: Model,
    *,
    seconds: Annotated[str, typer.Option(help="Lengths of the clip that is counted.")] = "1,10,30",
    superb: Annotated[bool, typer.Option("--superb", help="Also SUPERB's sum over 32 utterances.")] = False,
    checkpoint_gradients: Annotated[
        bool, typer.Option("--checkpoint-gradients", help="Training runs its blocks twice to save memory.")
    ] = False,
    clip_seconds: Annotated[float, typer.Option(help="Of one clip in the batch.", rich_help_panel=MEMORY)] = 15.0,
    batch_seconds: Annotated[float, typer.Option(help="Audio in a batch.", rich_help_panel=MEMORY)] = 240.0,
    precision: Annotated[str, typer.Option(help="float32 or bfloat16.", rich_help_panel=MEMORY)] = "bfloat16",
    device: Annotated[str, typer.Option(help="cuda or cpu; none is needed.", rich_help_panel=MEMORY)] = "cuda",
    optimiser: Annotated[str, typer.Option(help="A class of torch.optim.", rich_help_panel=MEMORY)] = "AdamW",
    card: Annotated[float, typer.Option(help="GB of the card that it should fit.", rich_help_panel=MEMORY)] = 24.0,
    depth: Annotated[int, typer.Option(help="Levels of modules shown.")] = 4,
    second_opinion: Annotated[
        bool, typer.Option("--second-opinion/--no-second-opinion", help="Ask fvcore too.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Count parameters, FLOPs and peak memory of a model: no weights, no data, no GPU, seconds."""
    from ssl_models.catalog import require_name

    require_name(model)
    _check(
        {"--precision": (precision, ("float32", "bfloat16")), "--device": (device, ("cpu", "cuda"))},
        {"--clip-seconds": clip_seconds, "--batch-seconds": batch_seconds, "--card": card, "--depth": depth},
    )
    apart_if_own([model])
    gc.disable()  # a short process: looking for cycles among what torch's import makes would take a tenth of its time
    from ssl_benchmarks.profile.profile import CountError, ProfileSetting, lengths, profile
    from ssl_benchmarks.profile.rows import profile_document

    setting = ProfileSetting(
        lengths(seconds), clip_seconds, batch_seconds, precision, device, optimiser,  # type: ignore[arg-type]
        checkpoint_gradients, superb, second_opinion,
    )  # fmt: skip
    try:
        with redirect_stdout(sys.stderr):  # a user's own code may print
            found = profile(model, setting)
    except CountError as error:
        fail(str(error), 1)
    if as_json:
        print_json("profile", profile_document(found))
        return
    from ssl_reports.summaries.profile import profile_tables, remarks
    from ssl_reports.units import with_prefix

    console = stdout()
    for table in profile_tables(found, depth):
        console.print(table)
    sizes = found.parameters
    said = [
        f"{with_prefix(sizes['encoder'], '')} parameters in the encoder, {with_prefix(sizes['trainable'], '')} trainable"
    ]
    if "pretraining" in sizes:
        said[0] += f"; {with_prefix(sizes['pretraining'], '')} in pretraining"
    if found.superb is not None:
        least = "at least " if any(counted.count.missed for counted in found.counts) else ""
        said.append(f"SUPERB's 32 utterances: {least}{with_prefix(found.superb, 'MAC', 4)}")
    said += [*remarks(found, card), f"next: sslbench measure {model}"]
    console.print("\n".join(said), highlight=False, markup=False, soft_wrap=True)


def _check(words: dict[str, tuple[str, tuple[str, ...]]], numbers: dict[str, float]) -> None:
    """Refuse a word that is not one of the known ones and a number that is not above 0."""
    from ssl_models.errors import BadInputError, choose

    for option, (word, known) in words.items():
        choose(word, known, option)
    for option, number in numbers.items():
        if not 0 < number < float("inf"):
            raise BadInputError(f"{option} {number}: must be more than 0")

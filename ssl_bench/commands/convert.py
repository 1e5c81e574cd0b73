"""`sslbench convert`."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ssl_bench.console import Json, print_json, print_summary

if TYPE_CHECKING:
    from ssl_models.loading.converting.conversion import Converted


def convert_command(
    checkpoint: Annotated[
        str,
        typer.Argument(
            metavar="CHECKPOINT", help="A file that torch.save wrote: a checkpoint of fairseq, s3prl or another tool."
        ),
    ],
    *,
    out: Annotated[
        str | None, typer.Option(help="The folder to write. [named after the checkpoint, in the current folder]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a checkpoint's tensors as safetensors and its configuration as JSON, without running anything in it."""
    from ssl_models.loading.checkpoints import WEIGHTS
    from ssl_models.loading.converting.conversion import ABOUT, convert

    folder = Path(Path(checkpoint).stem if out is None else out)
    found = convert(Path(checkpoint), folder)
    if as_json:
        print_json("convert", {"out": str(folder), **asdict(found), "measurements": []})
        return
    where = f" of {found.place!r}" if found.place else ""
    said = [f"tensors:  {found.tensors}{where}, {found.parameters:,} values"]
    said += [f"left out: {', '.join(found.left_out)}"] if found.left_out else []
    said += [f"classes:  {', '.join(found.classes)}: only what they hold is kept"] if found.classes else []
    said += ["cut:      the configuration was too large, and is not whole"] if found.cut else []
    said += [f"settings: {folder / ABOUT}", f"weights:  {folder / WEIGHTS}"]
    print_summary([], [*said, f"next:     sslbench measure {_model(found)} --pretrained {shlex.quote(str(folder))}"])


def _model(found: Converted) -> str:
    """The catalogue model of the family that the checkpoint names, the base size; else the first that takes weights."""
    from ssl_models.loading.checkpoint_parts import family_of

    return f"{family_of(found.configuration) or 'hubert'}-base"

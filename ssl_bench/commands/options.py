"""The options of a training; None is decided by a file of settings, the model or the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ssl_bench.commands.closing import CARBON

BUDGET = "Budget (what comes first ends the run)"

Model = Annotated[
    str | None, typer.Option(help="A name of `sslbench models`. [efficient-tiny on a CPU, -base on a GPU]")
]
Targets = Annotated[str | None, typer.Option(help="k-means or random-projection, for the efficient models. [k-means]")]
Teacher = Annotated[str | None, typer.Option(help="A run whose layer gives the units: HuBERT's second iteration.")]
TeacherLayer = Annotated[int | None, typer.Option(help="Which layer. [6]")]
Data = Annotated[str | None, typer.Option(help="A folder of audio, or 'sample' (synthetic). [sample]")]
EvalData = Annotated[str | None, typer.Option(help="A folder of other speakers to probe on.")]
Speakers = Annotated[
    str | None,
    typer.Option(help="Regular expression that finds a file's (?P<speaker>...) in its path. [LibriSpeech's layout]"),
]
KeepOddAudio = Annotated[
    bool | None,
    typer.Option("--keep-odd-audio", help="Train on silent, clipped, cancelled, damaged or wrongly headed files, too."),
]
Out = Annotated[str | None, typer.Option(help="The run's folder. [runs/MODEL-TIME]")]
Steps = Annotated[int | None, typer.Option(help="Optimiser steps. [no limit]", rich_help_panel=BUDGET)]
AudioHours = Annotated[
    float | None, typer.Option(help="Hours of audio to see, repeats included. [no limit]", rich_help_panel=BUDGET)
]
Minutes = Annotated[
    float | None,
    typer.Option(
        help="Minutes from start-up to the last step, of which targets take at most a quarter. [2 on a CPU, 30 on a GPU]",
        rich_help_panel=BUDGET,
    ),
]
Kwh = Annotated[float | None, typer.Option(help="Energy, targets included. [no limit]", rich_help_panel=BUDGET)]
BatchSeconds = Annotated[float | None, typer.Option(help="Audio in a step. [15 to 31 on a CPU, 246 to 491 on a GPU]")]
Device = Annotated[str | None, typer.Option(help="auto, cpu or cuda. [auto]")]
Precision = Annotated[str | None, typer.Option(help="auto, float32 or bfloat16. [auto]")]
Compile = Annotated[
    bool | None, typer.Option("--compile/--no-compile", help="torch.compile. [on a GPU, from 5 minutes on]")
]
Seed = Annotated[int | None, typer.Option(help="[0]")]
Pue = Annotated[float | None, typer.Option(help="Power usage effectiveness. [1.0]", rich_help_panel=CARBON)]
Evaluate = Annotated[bool | None, typer.Option("--evaluate/--no-evaluate", help="Probe before and after. [on]")]
EvaluateMinutes = Annotated[
    float | None,
    typer.Option(
        help="For all that follows the training; what does not fit is left out, and named. [as long as --minutes, or as the "
        "training took]",
        rich_help_panel=BUDGET,
    ),
]
Idle = Annotated[bool | None, typer.Option("--idle/--no-idle", help="Measure idle power first, for 10 s. [on]")]
Strict = Annotated[bool | None, typer.Option("--strict", help="A disturbed measurement is an error (exit code 1).")]
Config = Annotated[Path | None, typer.Option(help="A TOML file with any of these, and the model's own settings.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with an unfinished run, or study.")]

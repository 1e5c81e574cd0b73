"""Options of the commands that evaluate."""

from __future__ import annotations

from typing import Annotated

import typer

EVALUATION = "Evaluation"

Tasks = Annotated[
    str,
    typer.Option(help="Of asr, asr-finetune, pr, sid, asv, ks, abx, with commas between.", rich_help_panel=EVALUATION),
]
Labels = Annotated[str, typer.Option(help="Labelled speech: 10min, 1h or all.", rich_help_panel=EVALUATION)]
Head = Annotated[
    str | None,
    typer.Option(
        help="linear, or deep: SUPERB's BLSTM, in fine-tuning essL's convolutions. [linear on a CPU, deep on a GPU]",
        rich_help_panel=EVALUATION,
    ),
]
Heads = Annotated[int, typer.Option(help="2 runs both.", rich_help_panel=EVALUATION)]
LearnHours = Annotated[
    float | None,
    typer.Option(
        help="Labelled speech heard, repeats included. [3 on a CPU, 120 on a GPU]", rich_help_panel=EVALUATION
    ),
]
LanguageModel = Annotated[
    str | None, typer.Option(help="An ARPA or KenLM file: a beam search beside greedy.", rich_help_panel=EVALUATION)
]
Keywords = Annotated[str | None, typer.Option(help="A Speech Commands folder, for ks.", rich_help_panel=EVALUATION)]
Alignments = Annotated[
    str | None, typer.Option(help="TextGrids or item files of the test speech, for abx.", rich_help_panel=EVALUATION)
]
Features = Annotated[
    str | None, typer.Option(help="Where features are kept. [the user's cache]", rich_help_panel=EVALUATION)
]

"""Options of the commands that evaluate."""

from __future__ import annotations

from typing import Annotated

import typer

EVALUATION = "Evaluation"

Tasks = Annotated[
    str,
    typer.Option(
        help="What to rate, commas between: asr, asr-finetune, pr, sid, asv, ks, abx.", rich_help_panel=EVALUATION
    ),
]
Labels = Annotated[
    str, typer.Option(help="Labelled speech to learn from: 10min, 1h or all.", rich_help_panel=EVALUATION)
]
Head = Annotated[
    str | None,
    typer.Option(
        help="linear, or deep: BLSTM, in fine-tuning convolutions. [linear on a CPU, deep on a GPU]",
        rich_help_panel=EVALUATION,
    ),
]
Heads = Annotated[int, typer.Option(help="1, or 2 to rate with both heads.", rich_help_panel=EVALUATION)]
LearnHours = Annotated[
    float | None,
    typer.Option(
        help="Hours of labels heard in learning, repeats included. [3 on a CPU, 120 on a GPU]",
        rich_help_panel=EVALUATION,
    ),
]
LanguageModel = Annotated[
    str | None,
    typer.Option(help="ARPA or KenLM file for a beam search beside greedy, in asr. [none]", rich_help_panel=EVALUATION),
]
Keywords = Annotated[
    str | None, typer.Option(help="Speech Commands folder, which ks needs. [none]", rich_help_panel=EVALUATION)
]
Alignments = Annotated[
    str | None,
    typer.Option(help="TextGrids or item file of the test speech, which abx needs. [none]", rich_help_panel=EVALUATION),
]
Features = Annotated[
    str | None, typer.Option(help="Folder that keeps frozen features. [the user's cache]", rich_help_panel=EVALUATION)
]
Controls = Annotated[
    list[str] | None,
    typer.Option(
        help="Folder of an evaluation or study to read equal controls from; may be repeated. [none]",
        rich_help_panel=EVALUATION,
    ),
]

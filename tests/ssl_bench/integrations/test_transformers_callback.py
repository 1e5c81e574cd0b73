"""The callback in a real Trainer on a tiny wav2vec 2.0: a window for each phase, energy in the logs, one record."""

from __future__ import annotations

import io
import warnings
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import torch

from ssl_bench import read_run
from ssl_bench.integrations.phases import LOGGED
from ssl_bench.integrations.transformers import SslbenchCallback
from ssl_benchmarks.counting.flops import count_flops, fake_tensors
from ssl_benchmarks.record.record import Record


class Clips(torch.utils.data.Dataset[dict[str, Any]]):
    """Half a second of noise each, with a label."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> dict[str, Any]:
        torch.manual_seed(index)
        return {"input_values": torch.randn(8000), "labels": index % 2}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Record, Any, SslbenchCallback, Any]:
    """The record, the trainer's logs, the callback and the configuration after four steps with an evaluation after every second."""
    from transformers import Trainer, TrainingArguments, Wav2Vec2Config, Wav2Vec2ForSequenceClassification

    folder = tmp_path_factory.mktemp("trainer")
    config = Wav2Vec2Config(
        hidden_size=24, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, conv_dim=(16, 16), conv_kernel=(10, 8),
        conv_stride=(5, 4), num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2, mask_time_prob=0.0, layerdrop=0.0, classifier_proj_size=8,
    )  # fmt: skip
    arguments = TrainingArguments(
        str(folder / "out"), max_steps=4, per_device_train_batch_size=2, eval_strategy="steps", eval_steps=2, logging_steps=1,
        report_to=[], use_cpu=True, save_strategy="no", disable_tqdm=True, dataloader_pin_memory=False,
    )  # fmt: skip
    callback = SslbenchCallback("theirs", audio_seconds_per_step=1.0, out=str(folder / "run"), grid_intensity=100.0)
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        trainer = Trainer(
            Wav2Vec2ForSequenceClassification(config),
            arguments,
            train_dataset=Clips(),
            eval_dataset=Clips(),
            callbacks=[callback],
        )
        trainer.train()
    return read_run(folder / "run"), trainer.state.log_history, callback, config


def test_each_phase_has_figures_of_its_own(trained: tuple[Record, Any, SslbenchCallback, Any]) -> None:
    record, _, callback, _ = trained
    assert callback.path is not None
    assert Path(callback.path).name == record.id
    assert (record.kind, record.status) == ("meter", "finished")
    whole, rated = record.find("duration", "training"), record.find("duration", "evaluation")
    assert whole is not None
    assert rated is not None
    assert 0 < (rated.value or 0) < (whole.value or 0)
    energy = record.find("energy", "training", "machine")
    assert energy is not None
    assert (energy.value or 0) > 0


def test_the_audio_of_its_steps_is_counted(trained: tuple[Record, Any, SslbenchCallback, Any]) -> None:
    hours = trained[0].find("audio_hours_seen", "training")
    assert hours is not None
    assert (hours.value, hours.method) == (pytest.approx(4 / 3600), "stated")


def test_the_flops_of_its_step_are_those_of_its_graph(trained: tuple[Record, Any, SslbenchCallback, Any]) -> None:
    """Counted as it ran, with fused attention, and from the graph without data, by the math kernel."""
    from transformers import Wav2Vec2ForSequenceClassification

    with fake_tensors():
        model = Wav2Vec2ForSequenceClassification(trained[3]).eval()
        model.wav2vec2.feature_extractor.train()  # in training, transformers asks for the gradient of the waveform too
        model.config._attn_implementation = "sdpa"
        expected = count_flops(lambda: model(torch.zeros(2, 8000)).logits.sum().backward(), model).flops
    found = trained[0].find("flops_per_audio_second", "training")
    assert found is not None
    assert expected > 1e6
    assert (found.value, found.method) == (expected, "analytic")


def test_its_logs_have_the_energy_so_far(trained: tuple[Record, Any, SslbenchCallback, Any]) -> None:
    logged = [entry[LOGGED] for entry in trained[1] if "loss" in entry]
    assert len(logged) == 4
    assert logged == sorted(logged)
    assert logged[-1] > 0

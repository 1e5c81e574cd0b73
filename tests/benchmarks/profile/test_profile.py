"""A profile: what is asked, what is counted, what is missing and why, and that a wrong count is never given."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ssl_benchmarks.profile import profile as profile_module
from ssl_benchmarks.profile.closed_form import closed_form
from ssl_benchmarks.profile.profile import CountError, Profile, ProfileSetting, profile
from ssl_benchmarks.profile.rows import profile_document, profile_rows
from ssl_benchmarks.profile.superb import SAMPLES, superb_macs
from ssl_benchmarks.record.record import Measurement
from ssl_models.catalog import CATALOG, load_model
from ssl_models.errors import BadInputError
from ssl_reports.summaries.profile import remarks

QUICK = ProfileSetting(seconds=(1.0,), clip_seconds=1.0, batch_seconds=4.0, opinion=False)
FEW = {"efficient-tiny", "hubert-base"}
FVCORE_ON_TORCH = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
SHAPE = {
    "model_type": "wavlm", "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24,
    "conv_dim": [8] * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4,
}  # fmt: skip
OWN = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.layer = nn.Linear(160, 16), nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.linear.requires_grad_(False)

    def forward(self, waveforms, lengths):
        return self.layer(self.linear(waveforms.unfold(1, 160, 160)))

class Looking(Net):
    def forward(self, waveforms, lengths):
        return super().forward(waveforms / 2 if waveforms.max() > 1 else waveforms, lengths)

class Alone(Net):
    def forward(self, waveforms):
        return super().forward(waveforms, None)

class Reading(Net):
    def forward(self, waveforms, lengths):
        if torch.is_autocast_enabled("cpu") and waveforms.max().item() > 1:
            waveforms = waveforms / 2
        return super().forward(waveforms, lengths)

class Refusing(Net):
    def forward(self, waveforms, lengths):
        if torch.is_autocast_enabled("cpu"):
            raise RuntimeError("no half precision here")
        return super().forward(waveforms, lengths)

class Bare(Net):
    def forward(self, waveforms, lengths):
        return self.linear(waveforms.unfold(1, 160, 160) @ torch.ones(160, 160))

class Long(Net):
    def forward(self, waveforms, lengths):
        if waveforms.shape[1] < 32_000:
            raise ValueError("a clip needs 2 s")
        return super().forward(waveforms, lengths)

def Quantised():
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(Bare().eval(), {nn.Linear})
"""


@pytest.fixture(scope="module")
def hubert() -> Profile:
    return profile("hubert-base", replace(QUICK, seconds=(1.0, 10.0), clip_seconds=15.0, batch_seconds=240.0))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


def test_clips_of_a_batch() -> None:
    assert [ProfileSetting(clip_seconds=c, batch_seconds=b).clips for c, b in ((15, 240), (15, 5), (10, 27))] == [
        16,
        1,
        3,
    ]


def test_known_figures(hubert: Profile) -> None:
    """6.911 and 74.067 GMAC; a training step without LayerDrop is three forwards, with 5 % of it a little less."""
    for seconds, gmacs in ((1.0, 6.911), (10.0, 74.067)):
        counted, trained = hubert.at("inference", seconds), hubert.at("training", seconds)
        assert counted is not None
        assert trained is not None
        assert counted.count.macs / 1e9 == pytest.approx(gmacs, abs=5e-4)
        assert 2.8 < trained.count.flops / counted.count.flops < 3.0
        assert counted.apart == pytest.approx(0, abs=1e-9)
    assert hubert.parameters["encoder"] == hubert.parameters["trainable"] == 94_371_712
    assert hubert.parameters["pretraining"] == 94_371_712 + (768 + 1) * 256 + 100 * 256
    assert hubert.at("inference", 2.0) is None


@pytest.mark.parametrize(
    "name", [name if name in FEW else pytest.param(name, marks=pytest.mark.slow) for name in CATALOG]
)
def test_every_row_follows_the_schema(name: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue("hubert") if name == "hubert-base" else profile(name, replace(QUICK, superb=False))
    rows = profile_rows(found)
    assert [Measurement.from_row(json.loads(json.dumps(row.row()))) for row in rows] == rows
    keys = [(row.metric, row.phase, row.conditions.clip_seconds) for row in rows]
    assert len(set(keys)) == len(keys)
    for row in rows:
        quantity = row.quantity
        assert quantity.note
        assert (quantity.value is None) == (quantity.method == "unavailable")
        assert quantity.value is None or quantity.value > 0 or row.metric == "memory_gradients"
    metrics = {(row.metric, row.phase) for row in rows}
    for metric in ("flops", "predicted_peak_memory"):
        assert {(metric, "inference"), (metric, "training")} <= metrics
    if "training" in found.missing:
        assert all(found.missing["training"] in r.quantity.note for r in rows if r.quantity.value is None)
        assert ("macs", "training") not in metrics


def test_rows_agree_with_one_another(hubert: Profile) -> None:
    rows = {(r.metric, r.phase, r.conditions.clip_seconds): r.quantity.value or 0.0 for r in profile_rows(hubert)}
    for phase in ("inference", "training"):
        for seconds in (1.0, 10.0):
            flops = rows["flops", phase, seconds]
            assert rows["macs", phase, seconds] == pytest.approx(flops / 2)
            assert rows["flops_per_audio_second", phase, seconds] == pytest.approx(flops / seconds)
            assert rows["macs_per_audio_second", phase, seconds] == pytest.approx(flops / 2 / seconds)
    assert rows["memory_weights", "training", 15.0] >= 4 * 94_371_712
    assert rows["memory_optimizer", "training", 15.0] > 2 * 4 * 94_371_712


def test_the_document_is_json_with_what_no_row_holds(hubert: Profile) -> None:
    document = json.loads(json.dumps(profile_document(hubert), allow_nan=False))
    assert document["model"] == "hubert-base"
    assert document["closed_form"] == "ssl_models.baselines.wav2vec2.closed_form"
    assert document["setting"]["optimiser"] == "AdamW"
    for counted in document["counts"]:
        assert counted["flops"] == sum(counted["flops_by_operator"].values()) == counted["flops_by_module"][""]
        assert counted["suspects"] == {}
        assert counted["uncounted_calls"]
        assert abs(counted["apart"]) < 1e-3
    assert {(c["phase"], c["seconds"]) for c in document["counts"]} == {
        (phase, seconds) for phase in ("inference", "training") for seconds in (1.0, 10.0)
    }
    assert document["second_opinion"] is None


@pytest.mark.parametrize("phase", ["inference", "training"])
@pytest.mark.parametrize("factor", [1.002, 0.998, 2.0])
def test_a_count_off_its_closed_form_is_given_to_nobody(
    monkeypatch: pytest.MonkeyPatch, phase: str, factor: float
) -> None:
    form = closed_form("efficient-tiny")
    assert form is not None
    right = getattr(form, phase)
    wrong = replace(form, **{phase: lambda samples: right(samples) * factor})
    monkeypatch.setattr(profile_module, "closed_form", lambda _: wrong)
    with pytest.raises(CountError, match=rf"efficient-tiny, {phase} at 1 s: .* they differ by") as caught:
        profile("efficient-tiny", QUICK)
    assert "\n" not in str(caught.value)


def test_half_a_thousandth_off_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    form = closed_form("efficient-tiny")
    assert form is not None
    monkeypatch.setattr(
        profile_module, "closed_form", lambda _: replace(form, inference=lambda n: form.inference(n) * 1.0005)
    )
    counted = profile("efficient-tiny", QUICK).at("inference", 1.0)
    assert counted is not None
    assert counted.apart == pytest.approx(-0.0005, abs=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["efficient-tiny", "hubert-base"])
def test_superb_is_the_sum_over_its_utterances(name: str) -> None:
    """32 of them, of 3,597,760 samples in total, and the closed form's sum."""
    form = closed_form(name)
    assert form is not None
    assert (len(SAMPLES), sum(SAMPLES)) == (32, 3_597_760)
    found = superb_macs(lambda: load_model(name, weights=False))
    assert found == pytest.approx(sum(form.inference(samples) for samples in SAMPLES), rel=1e-3)


@pytest.mark.slow
def test_checkpointing_tells_hardware_from_model() -> None:
    batch = replace(QUICK, clip_seconds=15.0, batch_seconds=120.0)
    plain, saved = (profile("hubert-base", replace(batch, checkpointed=c)) for c in (False, True))
    one, two = plain.at("training", 1.0), saved.at("training", 1.0)
    assert one is not None
    assert two is not None
    assert one.count.flops == one.count.hardware_flops == two.count.flops
    assert two.count.hardware_flops > 1.2 * two.count.flops
    assert (saved.memory["training"].peak.value or 0) < (plain.memory["training"].peak.value or 0)
    notes = [r.quantity.note for r in profile_rows(saved) if (r.metric, r.phase) == ("flops", "training")]
    assert f"{two.count.hardware_flops} FLOPs in hardware" in notes[0]


def test_a_transformers_folder_is_held_against_its_closed_form(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(SHAPE))
    found = profile(f"hf:{tmp_path}", replace(QUICK, seconds=(1.0, 3.7)))
    assert [(c.phase, c.apart) for c in found.counts] == [("inference", 0.0)] * 2
    assert found.form is not None
    assert "no objective" in found.missing["training"]
    assert set(found.memory) == {"inference"}


@FVCORE_ON_TORCH
def test_a_function_of_ones_own(own: Path) -> None:
    """100 frames by hand; it has no closed form, and no second opinion of fused layers that misses their products."""
    found = profile(f"{own}:Net", replace(QUICK, opinion=True))
    counted = found.at("inference", 1.0)
    assert counted is not None
    macs = 100 * (160 * 16 + 4 * 16 * 16 + 2 * 16 * 32) + 2 * 100 * 100 * 16
    assert counted.count.macs == found.opinion_macs == macs
    assert counted.closed_form is None
    assert counted.apart is None
    assert found.parameters["encoder"] - found.parameters["trainable"] == 161 * 16
    assert not isinstance(found.opinion, str)
    assert found.opinion is not None
    assert found.opinion.macs - found.opinion.norms == macs
    assert "no objective" in found.missing["training"]


@pytest.mark.parametrize(
    ("function", "words"),
    [("Looking", "cannot be counted on tensors without values"), ("Alone", "TypeError"), ("nothing", "no function")],
)
def test_what_cannot_be_counted_is_one_line(own: Path, function: str, words: str) -> None:
    with pytest.raises(BadInputError, match=words) as caught:
        profile(f"{own}:{function}", QUICK)
    assert str(caught.value).startswith(f"{own}:{function}")
    assert "\n" not in str(caught.value)
    assert type(torch.zeros(1)) is torch.Tensor


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("Quantised", "expected scalar type"),
        ("Reading", "_local_scalar_dense"),
        ("Refusing", "no half precision here"),
    ],
)
def test_a_forecast_that_fails_leaves_the_count(own: Path, function: str, words: str) -> None:
    """In bfloat16 the model does what tensors without values cannot; in float32 it is counted."""
    found = profile(f"{own}:{function}", QUICK)
    count = found.at("inference", QUICK.seconds[0])
    assert count is not None
    assert count.count.macs > 0
    assert found.memory == {}
    assert words in found.unpredicted["inference"]
    rows = {(row.metric, row.phase): row.quantity for row in profile_rows(found)}
    assert rows["predicted_peak_memory", "inference"].note == found.unpredicted["inference"]
    assert (rows["macs", "inference"].value is None) == (function == "Quantised")
    assert profile_document(found)["unpredicted"] == found.unpredicted
    assert any(words in line for line in remarks(found, 24.0))


def test_a_second_opinion_that_cannot_be_had_leaves_the_count(own: Path) -> None:
    """It is asked for at one second, which this model refuses."""
    asked = replace(QUICK, seconds=(3.0,), clip_seconds=3.0, batch_seconds=3.0, opinion=True)
    found = profile(f"{own}:Long", asked)
    assert found.counts[0].count.macs > 0
    assert found.opinion == f"{own}:Long at 1 s: a clip needs 2 s"
    assert profile_document(found)["second_opinion"] == {"unavailable": found.opinion}


def test_an_optimiser_that_is_not_there_is_still_refused() -> None:
    with pytest.raises(BadInputError, match="--optimiser Nothing"):
        profile("efficient-tiny", replace(QUICK, optimiser="Nothing"))


def test_a_clip_too_short_is_one_line() -> None:
    with pytest.raises(BadInputError, match=r"hubert-tiny at 0\.01 s: a clip needs at least 400 samples, got 160"):
        profile("hubert-tiny", replace(QUICK, seconds=(0.01,)))
    with pytest.raises(BadInputError, match=r"1 x 0\.01 s: a clip needs at least 400 samples"):
        profile("hubert-tiny", replace(QUICK, clip_seconds=0.01, batch_seconds=0.01))


@FVCORE_ON_TORCH
@pytest.mark.parametrize(
    "name", ["efficient-tiny", *(pytest.param(name, marks=pytest.mark.slow) for name in ("wavlm-base", "hubert-base"))]
)
def test_the_second_opinion_differs_by_what_it_names(name: str) -> None:
    """Norms, which are elementwise here; and products without a handler, WavLM's attention among them."""
    found = profile(name, replace(QUICK, opinion=True))
    assert found.opinion is not None
    assert not isinstance(found.opinion, str)
    rest = (found.opinion.macs - found.opinion.norms) / found.opinion_macs - 1
    assert abs(rest) < 1e-3 or (found.opinion.missed and -0.05 < rest < 0)
    said = profile_document(found)["second_opinion"]
    assert said["our_macs"] == found.opinion_macs

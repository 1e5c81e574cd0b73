"""The wrapper around transformers' speech models: its layers are theirs, and a folder that cannot be used is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ssl_benchmarks.counting.flops import inference_flops
from ssl_benchmarks.profile.closed_form import closed_form
from ssl_models.catalog import is_foreign, load_model, pretraining, require_name
from ssl_models.errors import BadInputError
from ssl_models.parts.transformers_encoder import TransformersEncoder, asks_for_normal

SHAPE: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24, "conv_dim": (8,) * 7,
    "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4,
}  # fmt: skip
FRONT_ENDS: dict[str, dict[str, Any]] = {
    "group": {},
    "layer": {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True},
}
SQUEEZED = {"conv_kernel": (10, 3, 3, 3, 3, 2, 2), "conv_stride": (5, 2, 2, 2, 2, 2, 2), "squeeze_factor": 2}
# transformers hands WavLM's attention masks of two types.
pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask:UserWarning")
WHISPER = json.dumps({
    "model_type": "whisper", "d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
})  # fmt: skip
LENGTHS = torch.tensor([16_000, 9_000, 4_321])


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Neither bars nor reports of transformers."""
    import transformers

    transformers.utils.logging.disable_progress_bar()
    yield
    transformers.utils.logging.enable_progress_bar()


def built(family: str, **more: Any) -> Any:
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**SHAPE, **more)
    return getattr(transformers, f"{family}Model")(config).eval()


def batch(garbage: float = 0.0) -> Tensor:
    draw = torch.Generator().manual_seed(1)
    waveforms = torch.full((3, 16_000), garbage)
    for i, n in enumerate(LENGTHS.tolist()):
        waveforms[i, :n] = 0.1 * torch.randn(n, generator=draw)
    return waveforms


def refused(name: str, *words: str, weights: bool = True) -> None:
    with pytest.raises(BadInputError) as caught:
        load_model(name, weights=weights)
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(name)
    assert all(word in said for word in words), said


@pytest.mark.parametrize("norm", FRONT_ENDS)
@pytest.mark.parametrize("family", ["Wav2Vec2", "Hubert", "WavLM"])
def test_every_layer_is_that_of_transformers(family: str, norm: str) -> None:
    """Seen by hooks, what enters the first block and what each block gives; and transformers' own list of them."""
    model = built(family, **FRONT_ENDS[norm])
    seen: list[Tensor] = []

    def first(module: object, inputs: tuple[Tensor, ...]) -> None:
        seen.append(inputs[0])

    def block(module: object, inputs: object, output: Any) -> None:
        seen.append(output if isinstance(output, Tensor) else output[0])

    hooks = [model.encoder.layers[0].register_forward_pre_hook(first)]
    hooks += [layer.register_forward_hook(block) for layer in model.encoder.layers]
    mask = (torch.arange(16_000) < LENGTHS[:, None]).long()
    with torch.no_grad():
        listed = model(batch(), attention_mask=mask, output_hidden_states=True).hidden_states
        for hook in hooks:
            hook.remove()
        found = TransformersEncoder(model)(batch(garbage=9.0), LENGTHS)
    assert len(found.layers) == len(seen) == 4
    for ours, hooked, theirs in zip(found.layers, seen, listed, strict=True):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, hooked, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    assert found.lengths.tolist() == [49, 27, 13]
    assert found.frame_rate == 50.0


@pytest.mark.parametrize("family", ["Wav2Vec2", "Hubert", "WavLM"])
def test_padding_does_not_matter_behind_layer_norm(family: str) -> None:
    """A clip alone has the same features as in a padded batch, in its valid frames."""
    encoder = TransformersEncoder(built(family, **FRONT_ENDS["layer"]))
    with torch.no_grad():
        together = encoder(batch(garbage=5.0), LENGTHS)
        for i, n in enumerate(LENGTHS.tolist()):
            alone = encoder(batch()[i : i + 1, :n])
            frames = int(alone.lengths[0])
            assert frames == together.lengths[i]
            for one, many in zip(alone.layers, together.layers, strict=True):
                torch.testing.assert_close(many[i, :frames], one[0], rtol=1e-4, atol=1e-5)


def test_a_clip_without_a_frame_is_refused() -> None:
    encoder = TransformersEncoder(built("Hubert"))
    assert encoder(torch.zeros(1, 400)).layers[-1].shape == (1, 1, 16)
    with pytest.raises(ValueError, match="400 samples, got 399"):
        encoder(torch.zeros(1, 399))


@pytest.mark.parametrize(
    "family", ["Wav2Vec2", "Hubert", "WavLM", "Data2VecAudio", "UniSpeechSat", "Wav2Vec2Conformer"]
)
def test_a_folder_is_a_model_with_its_weights(tmp_path: Path, family: str) -> None:
    model = built(family)
    model.save_pretrained(tmp_path)
    encoder = load_model(f"hf:{tmp_path}")
    assert not any(module.training for module in encoder.modules())
    with torch.no_grad():
        expected = model(batch(), output_hidden_states=True).hidden_states
        found = encoder(batch()).layers
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(found, expected, strict=True))
    other = load_model(f"hf:{tmp_path}", weights=False)
    assert not torch.equal(other(batch()).layers[-1], found[-1])


def test_weights_below_a_head_are_found(tmp_path: Path) -> None:
    """A fine-tuned folder holds the encoder under its family's name."""
    import transformers

    torch.manual_seed(0)
    model = transformers.HubertForCTC(transformers.HubertConfig(**SHAPE, vocab_size=9)).eval()
    model.save_pretrained(tmp_path)
    with torch.no_grad():
        expected = model.hubert(batch()).last_hidden_state
        assert torch.equal(load_model(f"hf:{tmp_path}")(batch()).layers[-1], expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_on_disk_is_float32_here(tmp_path: Path, dtype: torch.dtype) -> None:
    """The precision of a measurement is its own setting, and waveforms are float32."""
    built("Hubert").to(dtype).save_pretrained(tmp_path)
    for weights in (True, False):
        encoder = load_model(f"hf:{tmp_path}", weights=weights)
        assert encoder(batch()).layers[-1].dtype == torch.float32


def rewritten(folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    """The weights of a folder with their tensors or names changed."""
    tensors = {name: tensor.clone() for name, tensor in change(load_file(folder / "model.safetensors")).items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def older(name: str) -> str:
    """As transformers named weight norm before version 4.31."""
    return re.sub(r"parametrizations\.weight\.original([01])", lambda found: f"weight_{'gv'[int(found[1])]}", name)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: {f"encoder.model.{k}": v for k, v in t.items()}, "missing"),
        (
            lambda t: {k.replace("feed_forward.intermediate_dense", "fc1"): v for k, v in t.items()},
            "6 missing, 6 unexp",
        ),
        (lambda t: {k: v for k, v in t.items() if "encoder.layers.2." not in k}, "16 missing, 0 unexpected"),
        (lambda t: {k: v for k, v in t.items() if k != "feature_projection.projection.bias"}, "projection.bias"),
        (
            lambda t: t | {k.replace("encoder.layers.2.", "encoder.layers.3."): v for k, v in t.items()},
            "0 missing, 16 unexpected",
        ),
        (lambda t: t | {"encoder.layers.0.adapter.weight": torch.zeros(2)}, "layers.0.adapter.weight"),
        (lambda t: t | {"decoder.embed.weight": torch.zeros(2)}, "decoder.embed.weight"),
    ],
    ids=["prefix", "fairseq's", "half", "one bias", "a layer more", "an adapter", "a decoder"],
)
def test_weights_that_do_not_fill_the_model_are_refused(
    tmp_path: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]], words: str
) -> None:
    """transformers itself would leave them random, or drop them, and say so in its log at best."""
    built("Hubert").save_pretrained(tmp_path)
    rewritten(tmp_path, change)
    refused(f"hf:{tmp_path}", "weights of another model", words)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: {older(k): v for k, v in t.items()},
        lambda t: {f"wav2vec2.{k}": v for k, v in t.items()},
        lambda t: {k: v for k, v in t.items() if k != "masked_spec_embed"},
        lambda t: t | {name: torch.zeros(2) for name in ("lm_head.weight", "project_q.bias", "quantizer.codevectors")},
        lambda t: (
            t | {name: torch.zeros(2) for name in ("classifier.bias", "tdnn.0.kernel.weight", "objective.weight")}
        ),
    ],
    ids=["older weight norm", "below its family", "no mask", "pretraining's heads", "a classifier's"],
)
def test_older_names_and_heads_are_no_other_model(
    tmp_path: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]], caplog: pytest.LogCaptureFixture
) -> None:
    model = built("Wav2Vec2")
    model.save_pretrained(tmp_path)
    rewritten(tmp_path, change)
    with torch.no_grad():
        expected = model(batch()).last_hidden_state
        assert torch.equal(load_model(f"hf:{tmp_path}")(batch()).layers[-1], expected)
    assert not caplog.records


def test_settings_alone_are_a_model_with_random_weights(tmp_path: Path) -> None:
    import transformers

    transformers.WavLMConfig(**SHAPE).save_pretrained(tmp_path)
    encoder = load_model(f"hf:{tmp_path}")
    assert [layer.shape for layer in encoder(batch(), LENGTHS).layers] == [(3, 49, 16)] * 4


def test_pickled_weights_are_never_opened(tmp_path: Path) -> None:
    import transformers

    transformers.HubertConfig(**SHAPE).save_pretrained(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    refused(f"hf:{tmp_path}", "pytorch_model.bin", "safetensors")
    assert load_model(f"hf:{tmp_path}", weights=False)(batch()).layers[-1].shape == (3, 49, 16)


def test_broken_weights_are_one_line(tmp_path: Path) -> None:
    built("Hubert").save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-8])
    refused(f"hf:{tmp_path}", "cannot build")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "settings"),
        ("[]", "settings"),
        ("null", "settings"),
        ('{"model_type": "nope"}', "nope"),
        ('{"model_type": "hubert", "hidden_size": "wide"}', "hidden_size"),
        ('{"model_type": "hubert", "conv_stride": []}', "conv_stride"),
        ('{"model_type": "hubert", "num_attention_heads": 7}', "num_heads"),
        (WHISPER, "input_features"),
        ('{"model_type": "bert", "hidden_size": 24, "num_hidden_layers": 1}', "input_ids"),
        ('{"model_type": "x", "auto_map": {"AutoConfig": "a.B", "AutoModel": "a.C"}}', "custom code"),
    ],
)  # fmt: skip
def test_settings_that_are_of_no_speech_encoder_are_one_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "config.json").write_text(text)
    refused(f"hf:{tmp_path}", words, weights=False)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    refused(f"hf:{tmp_path}/gone", "no such folder")
    refused(f"hf:{tmp_path}", "no config.json")


@pytest.mark.parametrize("family", ["Wav2Vec2", "Hubert", "WavLM"])
def test_a_folder_of_a_known_family_has_a_closed_form(tmp_path: Path, family: str) -> None:
    import transformers

    getattr(transformers, f"{family}Config")(**SHAPE, **FRONT_ENDS["layer"]).save_pretrained(tmp_path)
    name = f"hf:{tmp_path}"
    form = closed_form(name)
    assert form is not None
    assert form.training is None
    assert inference_flops(lambda: load_model(name, weights=False), 2.5).macs == form.inference(40_000)


def test_a_folder_of_another_family_has_none(tmp_path: Path) -> None:
    import transformers

    transformers.SEWConfig(**SHAPE, **SQUEEZED).save_pretrained(tmp_path)
    assert closed_form(f"hf:{tmp_path}") is None


@pytest.mark.parametrize("family", ["SEW", "SEWD"])
def test_squeezed_frames_are_counted_as_the_blocks_see_them(tmp_path: Path, family: str) -> None:
    """SEW halves the frames of its front end before its blocks: 24 of 49, 25 a second."""
    import transformers

    getattr(transformers, f"{family}Config")(**SHAPE, **SQUEEZED).save_pretrained(tmp_path)
    found = load_model(f"hf:{tmp_path}")(batch(), LENGTHS)
    assert {layer.shape for layer in found.layers} == {(3, 24, 16)}
    assert found.lengths.tolist() == [24, 13, 6]
    assert found.frame_rate == 25.0


def test_the_name_of_a_folder_is_foreign(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "hubert"}))
    name = f"hf:{tmp_path}"
    require_name(name)
    assert is_foreign(name)
    with pytest.raises(BadInputError, match="no objective"):
        pretraining(name)


@pytest.mark.parametrize("asked", [True, False, None])
def test_a_checkpoint_may_ask_for_normalised_clips(tmp_path: Path, asked: bool | None) -> None:  # noqa: FBT001
    """As transformers' own feature extractor does it; without its file the input is left as it is."""
    import transformers

    model = built("Wav2Vec2", **FRONT_ENDS["layer"])
    model.save_pretrained(tmp_path)
    if asked is not None:
        transformers.Wav2Vec2FeatureExtractor(do_normalize=asked).save_pretrained(tmp_path)
    quiet = batch() * 0.01 + 0.3
    clips = [clip[:n].numpy() for clip, n in zip(quiet, LENGTHS.tolist(), strict=True)]
    extractor = transformers.Wav2Vec2FeatureExtractor(do_normalize=bool(asked), return_attention_mask=True)
    ready = extractor(clips, sampling_rate=16_000, padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = model(**ready, output_hidden_states=True).hidden_states
        found = load_model(f"hf:{tmp_path}")(quiet, LENGTHS)
    for ours, theirs in zip(found.layers, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("files", "asked"),
    [
        ({"preprocessor_config.json": {"feature_extractor_type": "Wav2Vec2FeatureExtractor"}}, True),
        ({"preprocessor_config.json": {"sampling_rate": 16_000}}, True),
        ({"processor_config.json": {"feature_extractor": {"do_normalize": True}}}, True),
        ({"processor_config.json": {"feature_extractor": {"do_normalize": False}}}, False),
        ({"processor_config.json": {"feature_extractor": {"do_normalize": True}},
          "preprocessor_config.json": {"do_normalize": False}}, True),
        ({"processor_config.json": {"processor_class": "Wav2Vec2Processor"},
          "preprocessor_config.json": {"do_normalize": False}}, False),
        ({"processor_config.json": {"processor_class": "Wav2Vec2Processor"}}, False),
        ({"tokenizer_config.json": {"do_normalize": True}}, False),
    ],
)  # fmt: skip
def test_the_wish_for_normalised_clips_is_found_where_transformers_finds_it(
    tmp_path: Path,
    files: dict[str, Any],
    asked: bool,  # noqa: FBT001
) -> None:
    """transformers 5 writes it into the processor's file, which wins; what is left out is the default, which is yes."""
    import transformers

    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    transformers.HubertConfig(**SHAPE).save_pretrained(tmp_path)
    assert asks_for_normal(tmp_path) is asked
    if set(files) & {"preprocessor_config.json"} or "feature_extractor" in files.get("processor_config.json", {}):
        assert transformers.AutoFeatureExtractor.from_pretrained(tmp_path).do_normalize is asked


@pytest.mark.parametrize("name", ["preprocessor_config.json", "processor_config.json"])
@pytest.mark.parametrize("text", ["{", "[1]", "null"])
def test_a_broken_preprocessor_is_one_line(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInputError, match="preprocessor"):
        asks_for_normal(tmp_path)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"sampling_rate": 8_000}, "sampling_rate 8000; it must be 16000 Hz"),
        ({"feature_extractor_type": "NoSuchExtractor"}, "waveform preprocessor"),
        ({"feature_extractor_type": "WhisperFeatureExtractor"}, "waveform preprocessor"),
    ],
)
def test_clips_that_cannot_be_prepared_as_asked_are_refused(tmp_path: Path, wish: dict[str, Any], words: str) -> None:
    built("Hubert").save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(wish))
    with pytest.raises(BadInputError, match=words):
        load_model(f"hf:{tmp_path}")

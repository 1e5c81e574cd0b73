"""Speech models of the transformers library behind our interface, built from settings or from a local folder."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from ssl_models.documents import read_json
from ssl_models.errors import BadInputError
from ssl_models.interface import SAMPLE_RATE, SpeechFeatures
from ssl_models.parts.frontend import known_lengths, valid_mask
from ssl_models.parts.key_names import require_same_tensors

if TYPE_CHECKING:
    from collections.abc import Sequence


class TransformersEncoder(nn.Module):
    """Waveforms `(B, T)` to the hidden states of a transformers model that takes `input_values`.

    `layers` are the model's own `hidden_states` in order: the first block's input, then each block's output, without
    the norm at the end of pre-norm encoders. Padding past `lengths` is zeros for the front end and masked in the
    blocks; whether a front end's norm over the clip lets it through depends on the architecture (HuBERT base's group
    norm does). With `normalise`, each clip is first brought to zero mean and unit variance, as a checkpoint's
    preprocessor may require.

    Raises:
        ValueError: for clips shorter than one frame.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = cast("Any", model)
        self.normalise = False
        if self.model.config.model_type == "wavlm":
            # Its attention passes torch a padding mask and positions of different types.
            warnings.filterwarnings("ignore", "Support for mismatched key_padding_mask", UserWarning)
        # SEW's blocks see fewer frames than its front end produces.
        self.squeeze = int(getattr(self.model.config, "squeeze_factor", 1))
        self.frame_rate = SAMPLE_RATE / math.prod(self.model.config.conv_stride) / self.squeeze

    @property
    def attention(self) -> str:
        """The model's kind of attention: "sdpa" or "eager"."""
        return str(self.model.config._attn_implementation or "eager")

    @property
    def layer_drop(self) -> float:
        """Share of the droppable blocks that training leaves out."""
        return float(getattr(self.model.config, "layerdrop", 0.0))

    @layer_drop.setter
    def layer_drop(self, share: float) -> None:
        self.model.config.layerdrop = share

    @property
    def droppable(self) -> Sequence[nn.Module]:
        """The blocks that `layer_drop` may leave out; WavLM keeps its first, which contains the positions."""
        blocks = list(self.model.encoder.layers) if hasattr(self.model, "encoder") else []
        return blocks[1:] if self.model.config.model_type == "wavlm" else blocks

    def checkpoint_gradients(self) -> None:
        """In training, keep only each block's input and recompute the block in the backward."""
        # transformers 5.24 renamed the method and warns about the old name.
        enable = getattr(self.model, "activation_checkpointing_enable", self.model.gradient_checkpointing_enable)
        enable({"use_reentrant": False})

    def mask_nothing(self) -> None:
        """Turn off transformers' own random masks in training: a comparison augments all models or none."""
        self.model.config.apply_spec_augment = False

    def frame_lengths(self, lengths: Tensor) -> Tensor:
        """Valid frames of clips of `lengths` samples."""
        return self.model._get_feat_extract_output_lengths(lengths).long() // self.squeeze

    def require_a_frame(self, waveforms: Tensor) -> None:
        """Reject `(B, T)` waveforms that are too short for a single frame.

        Raises:
            ValueError: naming both lengths.
        """
        config, shortest = self.model.config, 1
        for kernel, stride in zip(reversed(config.conv_kernel), reversed(config.conv_stride), strict=True):
            shortest = (shortest - 1) * stride + kernel
        if waveforms.shape[1] < shortest:
            raise ValueError(f"a clip needs at least {shortest} samples, got {waveforms.shape[1]}")

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> SpeechFeatures:
        """All hidden states of `(B, T)` waveforms of `lengths` valid samples (None: all valid)."""
        self.require_a_frame(waveforms)
        mask = None
        if lengths is not None:
            valid = valid_mask(lengths, waveforms.shape[1])
            waveforms, mask = torch.where(valid, waveforms, 0.0), valid.long()
        if self.normalise:
            waveforms = standardised(waveforms, lengths)
        out = self.model(waveforms, attention_mask=mask, output_hidden_states=True)
        layers = tuple(out.hidden_states)
        frame_lengths = None if lengths is None else self.frame_lengths(lengths)
        return SpeechFeatures(layers, known_lengths(frame_lengths, layers[-1]), self.frame_rate)

    def conv_features(self, waveforms: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The front end's output `(B, frames, D)`, before projection; padding must already be zeros."""
        if self.normalise:
            waveforms = standardised(waveforms, lengths)
        return self.model.feature_extractor(waveforms).transpose(1, 2)

    def contextual(self, features: Tensor, hidden: Tensor, frame_lengths: Tensor | None) -> Tensor:
        """The last layer `(B, frames, width)` over front-end features, hidden where `hidden` `(B, frames)` is True."""
        projected = self.model.feature_projection(features)
        projected = projected[0] if isinstance(projected, tuple) else projected
        projected = torch.where(hidden[..., None], self.model.masked_spec_embed.to(projected.dtype), projected)
        mask = None if frame_lengths is None else valid_mask(frame_lengths, projected.shape[1])
        return self.model.encoder(projected, attention_mask=mask)[0]


def folder_config(folder: Path, asked: str = "") -> Any:  # noqa: ANN401 - transformers' settings class
    """The settings of a local transformers folder; nothing is downloaded and no code in the folder is run.

    `asked` starts error messages (empty: the folder as `hf:FOLDER`).

    Raises:
        BadInputError: if the folder has no usable settings, or the model does not take waveforms.
    """
    from transformers import AutoConfig

    asked = asked or f"hf:{folder}"
    if not (folder / "config.json").is_file():
        raise BadInputError(f"{asked}: no config.json there; give a transformers model's folder")
    try:
        read_json(folder / "config.json")
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise BadInputError(f"{asked}: its settings cannot be used by transformers ({_reason(error)})") from error
    return config


def encoder_from_folder(folder: Path, *, weights: bool) -> TransformersEncoder:
    """The encoder of a local transformers folder in float32, with its weights or with random ones.

    Raises:
        BadInputError: if the folder cannot be used, or its weights leave a layer random; weights must be safetensors,
            since nothing is unpickled.
    """
    from transformers import AutoModel

    auto: Any = AutoModel
    config = folder_config(folder)
    if weights and not holds_weights(folder):
        held = next((path.name for pattern in ("*.bin", "*.pt", "*.h5") for path in folder.glob(pattern)), None)
        if held is not None:
            raise BadInputError(f"hf:{folder}: {held} is pickled and is not loaded; save the weights as safetensors")
        weights = False
    try:
        if weights:
            from ssl_models.parts.transformers_loading import loaded

            model, found = loaded(folder, dtype=torch.float32)
        else:
            model, found = auto.from_config(config, trust_remote_code=False, dtype=torch.float32), {}
    except Exception as error:
        raise BadInputError(f"hf:{folder}: transformers cannot build this model ({_reason(error)})") from error
    if getattr(model, "main_input_name", "") != "input_values" or not hasattr(config, "conv_kernel"):
        takes = getattr(model, "main_input_name", "something else")
        raise BadInputError(
            f"hf:{folder}: {config.model_type} takes {takes}; the encoder must take waveforms as input_values "
            "and have a convolutional front end (conv_kernel)"
        )
    require_same_tensors(f"hf:{folder}", found.get("missing_keys", ()), found.get("unexpected_keys", ()))
    encoder = TransformersEncoder(cast("nn.Module", model))
    encoder.normalise = asks_for_normal(folder)
    return encoder


def holds_weights(folder: Path) -> bool:
    """Whether a transformers folder contains weights that may be opened."""
    return any(folder.glob("*.safetensors"))


PREPROCESSORS = (
    ("processor_config.json", ("feature_extractor", "audio_processor")),
    ("preprocessor_config.json", ()),
)
"""Files that may describe the preparation of clips, with the keys for it; transformers uses the first that does."""


def asks_for_normal(folder: Path) -> bool:
    """Whether a folder's preprocessor asks for clips with zero mean and unit variance, as transformers reads it.

    A missing entry means the default of its class, yes; without a preprocessor the answer is no.

    Raises:
        BadInputError: if the file is unreadable, is not for a waveform preprocessor, or asks for another sample rate.
    """
    path, settings = _preprocessor(folder)
    if settings is None:
        return False
    try:
        import transformers

        kind = getattr(transformers, settings.get("feature_extractor_type") or "Wav2Vec2FeatureExtractor")
        extractor = kind.from_dict(settings)
        rate, normalised = extractor.sampling_rate, bool(extractor.do_normalize)
    except Exception as error:
        raise BadInputError(f"{path}: not the settings of a waveform preprocessor ({_reason(error)})") from error
    if rate != SAMPLE_RATE:
        raise BadInputError(f"{path}: sampling_rate {rate}; it must be {SAMPLE_RATE} Hz")
    return normalised


def _preprocessor(folder: Path) -> tuple[Path, dict[str, Any] | None]:
    """The first file that describes the preparation of clips, and its content; None if there is none."""
    path = folder
    for name, keys in PREPROCESSORS:
        path = folder / name
        if not path.is_file():
            continue
        try:
            document = dict(read_json(path))
            found = [document] if not keys else [dict(document[key]) for key in keys if document.get(key)]
        except (OSError, ValueError, TypeError) as error:
            raise BadInputError(f"{path}: not the settings of a preprocessor ({_reason(error)})") from error
        if found:
            return path, found[0]
    return path, None


def standardised(waveforms: Tensor, lengths: Tensor | None) -> Tensor:
    """Zero mean and unit variance over each clip's valid samples, zeros past its end; 1e-7 is added to the variance."""
    if lengths is None:
        residual = waveforms - waveforms.mean(1, keepdim=True)
        return residual / (residual.square().mean(1, keepdim=True) + 1e-7).sqrt()
    valid, count = valid_mask(lengths, waveforms.shape[1]), lengths.clamp(min=1)[:, None]
    residual = torch.where(valid, waveforms - waveforms.sum(1, keepdim=True) / count, 0.0)
    return residual / (residual.square().sum(1, keepdim=True) / count + 1e-7).sqrt()


def _reason(error: Exception) -> str:
    """The message of transformers in one line; its checks raise their own exception classes."""
    return " ".join(str(error).split())[:200] or type(error).__name__

"""Published weights for a catalogue model, used on request: a local folder, a file, or a name on the hub."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssl_models.errors import BadInputError
from ssl_models.loading.checkpoint_parts import family_of, normal_of
from ssl_models.loading.checkpoints import read_tensors
from ssl_models.loading.converting.conversion import configuration_beside
from ssl_models.loading.pickled_weights import SUFFIXES, read_pickled
from ssl_models.loading.published_weights import not_taken, require_place
from ssl_models.parts.key_names import require_same_tensors, transformers_names
from ssl_models.parts.transformers_encoder import TransformersEncoder, asks_for_normal, folder_config, holds_weights

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor, nn

FAMILY = re.compile(r"(wav2vec2|hubert|wavlm|data2vec_audio)\.(feature_projection|encoder\.layers)\.")
"""Prefix of tensor names for each family in transformers; torchaudio calls every model wav2vec2."""
FUNCTION = (
    "model_type", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act",
    "do_stable_layer_norm", "layer_norm_eps", "conv_dim", "conv_kernel", "conv_stride", "conv_bias", "feat_extract_norm",
    "feat_extract_activation", "feat_proj_layer_norm", "num_conv_pos_embeddings", "num_conv_pos_embedding_groups",
    "conv_pos_kernel_size", "conv_pos_batch_norm", "num_buckets", "max_bucket_distance", "add_adapter", "adapter_attn_dim",
)  # fmt: skip
"""transformers' settings that decide what is computed from the weights; models of equal shape may differ in them."""


def load_pretrained(encoder: nn.Module, where: str) -> None:
    """Load published weights into an encoder that transformers built, along with their input normalisation.

    `where` is a folder with safetensors, a file of safetensors or a checkpoint (names as in transformers, fairseq or
    torchaudio), or a name on the hub such as facebook/hubert-base-ls960, which is downloaded. A checkpoint's own
    configuration, and settings and preprocessor beside the weights, are read if there are any; weights without them are
    checked by names and shapes alone, and their clips are not normalised.

    Raises:
        BadInputError: if the weights are unavailable or of another model.
    """
    if not isinstance(encoder, TransformersEncoder):
        raise not_taken(where)
    files, asked = weight_files(where), f"--pretrained {where}"
    tensors, configuration = _read(files)
    _require_same_function(encoder, files[0].parent, tensors, configuration, asked)
    _fill(encoder, transformers_names(tensors), asked)
    stated = normal_of(configuration)
    encoder.normalise = asks_for_normal(files[0].parent) if stated is None else stated


def _read(files: list[Path]) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
    """The tensors of the files, and the configuration in the checkpoint or of one that was converted."""
    if files[0].suffix in SUFFIXES:
        parts = read_pickled(files[0])
        return parts.tensors, parts.configuration
    tensors: dict[str, Tensor] = {}
    for file in files:
        tensors |= read_tensors(file)
    return tensors, configuration_beside(files[0].parent)


def _require_same_function(
    encoder: TransformersEncoder, folder: Path, names: Iterable[str], configuration: Mapping[str, Any], asked: str
) -> None:
    """Reject weights that fit but compute something else, judging by settings, or by the family that they or names state."""
    ours = encoder.model.config
    families = {found[1].replace("_", "-") for name in names if (found := FAMILY.match(name))}
    families |= {stated} if (stated := family_of(configuration)) else set()
    differing = [f"model_type {family}, not {ours.model_type}" for family in families - {ours.model_type}]
    if (folder / "config.json").is_file():
        theirs = folder_config(folder, asked)
        both = {name: (getattr(theirs, name, None), getattr(ours, name)) for name in FUNCTION if hasattr(ours, name)}
        differing += [f"{k} {one}, not {other}" for k, (one, other) in both.items() if _plain(one) != _plain(other)]
    if differing:
        raise BadInputError(f"{asked}: weights of another model ({'; '.join(dict.fromkeys(differing))})")


def _plain(value: object) -> object:
    """A value as JSON keeps it, where tuples are lists."""
    return list(value) if isinstance(value, tuple) else value


def weight_files(where: str) -> list[Path]:
    """The safetensors files behind `--pretrained`, or the one checkpoint that it names.

    Raises:
        BadInputError: if there are none.
    """
    folder = local_folder(where, f"--pretrained {where}")
    files = [folder] if folder.is_file() else sorted(folder.glob("*.safetensors"))
    if not files:
        pickled = next((path for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES), None)
        hint = f"; for the checkpoint there: --pretrained {pickled}" if pickled else ""
        raise BadInputError(f"--pretrained {where}: no .safetensors file there{hint}")
    return files


def local_folder(where: str, asked: str, *, weights: bool = True) -> Path:
    """The folder or file itself, or a download from the hub; `asked` is what the user typed.

    Raises:
        BadInputError: if there is neither, or `weights` are requested and the hub has no safetensors.
    """
    path = Path(where)
    if path.is_dir() or path.is_file():
        return path
    require_place(where, asked)
    from huggingface_hub import snapshot_download

    try:
        fetched = Path(snapshot_download(where, allow_patterns=["*.json", *["*.safetensors"] * weights]))
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInputError(
            f"{asked}: no such folder here, and it could not be downloaded from the hub ({reason})"
        ) from error
    if weights and not holds_weights(fetched):
        raise BadInputError(f"{asked}: the hub has no .safetensors file of it; pickled weights are never loaded")
    return fetched


def _fill(encoder: TransformersEncoder, tensors: dict[str, Tensor], asked: str) -> None:
    wanted = encoder.model.state_dict()
    odd = [name for name in wanted if name in tensors and tensors[name].shape != wanted[name].shape]
    require_same_tensors(asked, set(wanted) - set(tensors), set(tensors) - set(wanted), odd)
    encoder.model.load_state_dict({**wanted, **tensors})

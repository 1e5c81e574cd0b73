"""Published weights for a catalog model: a local folder, a safetensors file, or a name on the hub, and only where asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from models.checkpoints import read_tensors
from models.errors import BadInputError
from models.huggingface import TransformersEncoder, asks_for_normal
from models.published_weights import not_taken, require_place
from models.translation import transformers_names

if TYPE_CHECKING:
    from torch import Tensor, nn

OPTIONAL = frozenset({"masked_spec_embed"})
"""Weights of fine-tuned models may lack what only pretraining needs."""


def load_pretrained(encoder: nn.Module, where: str) -> None:
    """Put published weights into an encoder that transformers built; its input normalisation comes along.

    `where` is a folder with safetensors, a safetensors file (names of transformers, fairseq or torchaudio), or a name on
    the hub such as facebook/hubert-base-ls960, which is fetched.

    Raises:
        BadInputError: for weights that cannot be had or are of another model.
    """
    if not isinstance(encoder, TransformersEncoder):
        raise not_taken(where)
    files = weight_files(where)
    tensors: dict[str, Tensor] = {}
    for file in files:
        tensors |= read_tensors(file)
    _fill(encoder, transformers_names(tensors), where)
    encoder.normalise = not Path(where).is_file() and asks_for_normal(files[0].parent)


def weight_files(where: str) -> list[Path]:
    """The safetensors files behind `--pretrained`.

    Raises:
        BadInputError: where there are none.
    """
    folder = local_folder(where, f"--pretrained {where}")
    files = [folder] if folder.is_file() else sorted(folder.glob("*.safetensors"))
    if not files:
        raise BadInputError(
            f"--pretrained {where}: no .safetensors there; nothing is unpickled, save the weights as safetensors"
        )
    return files


def local_folder(where: str, asked: str, *, weights: bool = True) -> Path:
    """The folder or file itself, or what the hub has under that name, fetched; `asked` is what the user typed.

    Raises:
        BadInputError: where there is neither.
    """
    path = Path(where)
    if path.is_dir() or path.is_file():
        return path
    require_place(where, asked)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(where, allow_patterns=["*.json", *["*.safetensors"] * weights]))
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInputError(f"{asked}: no such folder here, and the hub did not give it ({reason})") from error


def _fill(encoder: TransformersEncoder, tensors: dict[str, Tensor], where: str) -> None:
    wanted = encoder.model.state_dict()
    missing = sorted(set(wanted) - set(tensors) - OPTIONAL)
    unknown = sorted(set(tensors) - set(wanted))
    odd = [name for name in wanted if name in tensors and tensors[name].shape != wanted[name].shape]
    if missing or unknown or odd:
        example = (missing + unknown + odd)[0]
        raise BadInputError(
            f"--pretrained {where}: weights of another model ({len(missing)} missing, {len(unknown)} unknown, {len(odd)} of "
            f"another shape, such as {example})"
        )
    encoder.model.load_state_dict({**wanted, **tensors})

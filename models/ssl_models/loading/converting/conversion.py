"""A checkpoint's tensors as safetensors, with its configuration as plain JSON beside them; nothing in it is run."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ssl_models.documents import read_json
from ssl_models.errors import BadInputError
from ssl_models.loading.checkpoint_parts import Parts, parts_of
from ssl_models.loading.checkpoints import WEIGHTS, write_tensors
from ssl_models.loading.converting.plain import Plain
from ssl_models.loading.converting.torch_file import StoredTensor, TorchFile, open_torch_file

ABOUT = "checkpoint.json"
SCHEMA = "sslbench.converted/1"
MOST_SHARED = 4
"""Bytes of all tensors, per byte of the file, which tensors that share a storage may take when each is written."""


@dataclass(frozen=True)
class Converted:
    """What was converted, as `checkpoint.json` has it.

    Attributes:
        file, sha256: the checkpoint.
        place: the key below which its model's tensors are; empty without one.
        tensors, parameters: their number, and that of the values in them.
        left_out: keys of the checkpoint that are neither the model nor configuration, such as an optimiser's state.
        classes: names of the classes that plain values stand for.
        configuration: by key; objects as what they hold.
        cut: whether parts of the configuration were too large, and are left out.
    """

    file: str
    sha256: str
    place: str
    tensors: int
    parameters: int
    left_out: tuple[str, ...]
    classes: tuple[str, ...]
    configuration: dict[str, Any]
    cut: bool


def convert(path: Path, out: Path) -> Converted:
    """Write `model.safetensors` and `checkpoint.json` into the folder `out`, which must be new or empty.

    Raises:
        BadInputError: if the file is no checkpoint of torch.save or is broken, or the folder has contents.
        OSError: if the files cannot be written.
    """
    if not path.is_file():
        raise BadInputError(f"{path}: {'a folder; give a file in it' if path.is_dir() else 'no such file'}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInputError(f"{out}: exists already; choose another --out")
    with open_torch_file(path) as file:
        try:
            parts = parts_of(file.value, StoredTensor)
            _require_size(parts, path)
            found = _about(path, parts)
            new = not out.exists()
            out.mkdir(parents=True, exist_ok=True)
            try:
                _write(file, parts, found, out)
            except BaseException:
                if new:
                    shutil.rmtree(out, ignore_errors=True)
                raise
        except BadInputError as error:
            raise BadInputError(f"{path}: {error}") from error
    return found


def configuration_beside(folder: Path) -> Mapping[str, Any]:
    """The plain configuration of a converted checkpoint in this folder; empty if there is none.

    Raises:
        BadInputError: if the file is broken.
    """
    path = folder / ABOUT
    if not path.is_file():
        return {}
    try:
        document = read_json(path)
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path}: not valid JSON ({error})") from error
    configuration = document.get("configuration") if isinstance(document, dict) else None
    if not isinstance(configuration, dict) or document.get("schema") != SCHEMA:
        raise BadInputError(f"{path}: not of schema {SCHEMA}")
    return configuration


def _require_size(parts: Parts[StoredTensor], path: Path) -> None:
    size = sum(tensor.bytes for tensor in parts.tensors.values())
    if size > MOST_SHARED * path.stat().st_size:
        raise BadInputError(f"its tensors state more than {MOST_SHARED} times the bytes of the file")


def _about(path: Path, parts: Parts[StoredTensor]) -> Converted:
    plain = Plain()
    configuration = plain.of(parts.configuration)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    values = sum(tensor.elements for tensor in parts.tensors.values())
    left_out = tuple(str(plain.of(key)) for key in parts.left_out)
    return Converted(
        path.name, digest, parts.place, len(parts.tensors), values, left_out, tuple(sorted(plain.stood_in)), configuration,
        plain.cut,
    )  # fmt: skip


def _write(file: TorchFile, parts: Parts[StoredTensor], found: Converted, out: Path) -> None:
    tensors = {name: file.tensor(stored) for name, stored in parts.tensors.items()}
    try:
        write_tensors(tensors, out / WEIGHTS, {"format": "pt"})
    except UnicodeEncodeError as error:
        raise BadInputError("a tensor's name is not valid text") from error
    document = {"schema": SCHEMA, **asdict(found)}
    (out / ABOUT).write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")

"""Files of `torch.save`, in its zip format and in the one before torch 1.6, with tensors that are read when asked for.

Nothing is unpickled: see `pickle_values`. Every size that the file states is checked against the bytes that it has.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ssl_models.errors import BadInputError
from ssl_models.loading.converting.pickle_values import Named, StandIn, pickle_value

if TYPE_CHECKING:
    from torch import Tensor

MOST_PICKLE = 2**25
"""Bytes of a pickle without its tensors; those of published speech models take less than a megabyte."""
MOST_ENTRIES = 200_000
MOST_DIMENSIONS = 16
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
"""How a file in the older format begins."""
BROKEN = (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError, OverflowError, struct.error)
"""What zipfile raises for archives that are none."""
REBUILT = frozenset({"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"})
PARAMETERS = frozenset({"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"})
TYPES = {
    "DoubleStorage": ("float64", 8), "FloatStorage": ("float32", 4), "HalfStorage": ("float16", 2),
    "BFloat16Storage": ("bfloat16", 2), "LongStorage": ("int64", 8), "IntStorage": ("int32", 4),
    "ShortStorage": ("int16", 2), "CharStorage": ("int8", 1), "ByteStorage": ("uint8", 1), "BoolStorage": ("bool", 1),
}  # fmt: skip
"""Type and bytes per element, by the name of the storage's class."""


@dataclass(frozen=True)
class Storage:
    """A block of numbers in the file: its type, bytes per element, and the key under which it is stored."""

    dtype: str
    width: int
    key: str


@dataclass(frozen=True)
class StoredTensor:
    """A tensor of the file: a view of a storage, in elements."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def elements(self) -> int:
        """The number of elements."""
        product = 1
        for length in self.size:
            product *= length
        return product

    @property
    def bytes(self) -> int:
        """Bytes that the tensor takes by itself."""
        return self.elements * self.storage.width


class TorchFile:
    """A file that was opened; use as a context.

    Attributes:
        value: what was saved, with a `StoredTensor` in place of each tensor and a `StandIn` in place of each object.
    """

    def __init__(self, value: Any, raw: Callable[[Storage], bytes], close: Callable[[], None]) -> None:  # noqa: ANN401 - any plain value
        self.value, self._raw, self._close = value, raw, close

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def tensor(self, stored: StoredTensor) -> Tensor:
        """The numbers of a tensor, contiguous.

        Raises:
            BadInputError: if the storage is missing, or the tensor does not lie inside it.
        """
        import torch

        raw = self._raw(stored.storage)
        held, reach = len(raw) // stored.storage.width, stored.offset + 1
        reach += sum((length - 1) * step for length, step in zip(stored.size, stored.stride, strict=True))
        if stored.elements > held or (stored.elements and reach > held):
            raise BadInputError(
                f"a tensor of shape {str(list(stored.size))[:80]} lies outside its storage of {held} elements"
            )
        dtype = getattr(torch, stored.storage.dtype)
        if not stored.elements:
            return torch.empty(stored.size, dtype=dtype)
        flat = torch.frombuffer(bytearray(raw), dtype=dtype, count=held)
        return flat.as_strided(stored.size, stored.stride, stored.offset).clone().contiguous()


def open_torch_file(path: Path) -> TorchFile:
    """Open a file of `torch.save`.

    Raises:
        BadInputError: if it is no such file, is broken, or states sizes that it does not have.
    """
    try:
        return _of_archive(path) if zipfile.is_zipfile(path) else _of_older_format(path)
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror or 'unreadable'}") from error
    except BadInputError as error:
        raise BadInputError(f"{path}: {error}") from error
    except BROKEN as error:
        raise BadInputError(f"{path}: a broken archive ({error})") from error


def _require_bounded(archive: zipfile.ZipFile, path: Path) -> None:
    """Refuse an archive whose entries would take more than the file, as torch writes none.

    Raises:
        BadInputError: for compressed, encrypted or overlapping entries, or too many.
    """
    entries = archive.infolist()
    if len(entries) > MOST_ENTRIES:
        raise BadInputError(f"more than {MOST_ENTRIES:,} entries")
    if any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
        raise BadInputError("its entries are compressed or encrypted, as torch never writes them")
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise BadInputError("its entries state more bytes than the file has")


def _of_archive(path: Path) -> TorchFile:
    archive = zipfile.ZipFile(path)
    try:
        _require_bounded(archive, path)
        root = _root(archive)
        value = pickle_value(io.BytesIO(archive.read(f"{root}data.pkl")), _called, _stored)
    except BaseException:
        archive.close()
        raise
    return TorchFile(value, partial(_entry, archive, root), archive.close)


def _root(archive: zipfile.ZipFile) -> str:
    """The folder of the archive that holds everything."""
    names = set(archive.namelist())
    roots = [name.removesuffix("data.pkl") for name in names if name.endswith("/data.pkl")]
    if len(roots) != 1:
        raise BadInputError("an archive, but not one of torch.save")
    (root,) = roots
    if f"{root}constants.pkl" in names:
        raise BadInputError("a TorchScript program, which cannot be read without running it")
    if f"{root}byteorder" in names and archive.read(f"{root}byteorder") != b"little":
        raise BadInputError("its numbers are stored in big-endian order")
    if archive.getinfo(f"{root}data.pkl").file_size > MOST_PICKLE:
        raise BadInputError(f"its pickle is larger than {MOST_PICKLE >> 20} MiB")
    return root


def _entry(archive: zipfile.ZipFile, root: str, storage: Storage) -> bytes:
    try:
        return archive.read(f"{root}data/{storage.key}")
    except (KeyError, *BROKEN) as error:
        raise BadInputError(f"its storage {storage.key!r} is missing or broken") from error


def _of_older_format(path: Path) -> TorchFile:
    file = path.open("rb")
    try:
        value, places = _older_contents(file, path.stat().st_size)
    except BaseException:
        file.close()
        raise

    def raw(storage: Storage) -> bytes:
        if storage.key not in places:
            raise BadInputError(f"its storage {storage.key!r} is missing")
        begin, length = places[storage.key]
        file.seek(begin)
        return file.read(length)

    return TorchFile(value, raw, file.close)


def _older_contents(file: io.BufferedReader, whole: int) -> tuple[Any, dict[str, tuple[int, int]]]:
    """The value, and where the bytes of each storage are: after the pickles of magic number, protocol, system, value and keys."""
    head = io.BytesIO(file.read(MOST_PICKLE))
    if _first(head) != MAGIC or pickle_value(head) != PROTOCOL:
        raise BadInputError("not a file of torch.save")
    system = pickle_value(head)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise BadInputError("its numbers are not stored in little-endian order")
    seen: dict[str, Storage] = {}

    def stored(identity: object) -> Storage:
        storage = _stored(identity)
        return seen.setdefault(storage.key, storage)

    value = pickle_value(head, _called, stored)
    keys = pickle_value(head)
    return value, _places(file, head.tell(), keys, seen, whole)


def _first(head: io.BytesIO) -> Any:  # noqa: ANN401 - any plain value
    try:
        return pickle_value(head)
    except BadInputError:
        return None


def _places(
    file: io.BufferedReader,
    begin: int,
    keys: object,
    seen: dict[str, Storage],
    whole: int,
) -> dict[str, tuple[int, int]]:
    """Where the bytes of each storage are: each follows its number of elements, in the order of the keys."""
    if not isinstance(keys, list):
        raise BadInputError("its list of storages is missing")
    places: dict[str, tuple[int, int]] = {}
    for key in keys:
        if not isinstance(key, str) or key not in seen:
            raise BadInputError("it has a storage of an unknown type")
        file.seek(begin)
        length = int.from_bytes(file.read(8), "little", signed=True) * seen[key].width
        if not 0 <= length <= whole - begin - 8:
            raise BadInputError(f"its storage {key!r} states more bytes than the file has")
        places[key] = (begin + 8, length)
        begin += 8 + length
    return places


def _stored(identity: object) -> Storage:
    """A storage from its persistent id: ("storage", class, key, device, number of elements, view)."""
    match identity:
        case ("storage", Named(name=name), str(key), str(), int(), *view) if not any(view):
            kind = name.rpartition(".")[2]
            if kind in TYPES and name.startswith("torch."):
                return Storage(*TYPES[kind], key)
            raise BadInputError(f"it has a storage of the kind {name}, which is not read")
    raise BadInputError("it refers to something other than a storage")


def _called(name: str, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401 - any plain value
    """A tensor where torch would rebuild one; otherwise a stand-in."""
    if name in PARAMETERS and arguments:
        return arguments[0]
    match arguments:
        case (Storage() as storage, int(offset), tuple(size), tuple(stride), *_) if name in REBUILT:
            numbers = (offset, *size, *stride)
            whole = all(isinstance(number, int) and number >= 0 for number in numbers)
            if not whole or len(size) != len(stride) or len(size) > MOST_DIMENSIONS:
                raise BadInputError("it has a tensor of an impossible shape")
            return StoredTensor(storage, offset, size, stride)
    return StandIn(name, arguments)

"""Files of torch.save are read as torch reads them, in both formats, and no size that a file states is believed."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from ssl_models.errors import BadInputError
from ssl_models.loading.converting import torch_file
from ssl_models.loading.converting.conversion import convert
from ssl_models.loading.converting.torch_file import open_torch_file
from ssl_models.loading.pickled_weights import read_pickled

FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "older"])


def saved(path: Path, value: Any, *, zipped: bool = True) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=zipped)
    return path


def tensors(seed: int = 0) -> dict[str, Tensor]:
    """Of every type, contiguous, transposed, sliced, shared, empty, without dimensions, as a parameter."""
    draw = torch.Generator().manual_seed(seed)
    whole = torch.randn(6, 4, generator=draw)
    types = (
        torch.float64,
        torch.float16,
        torch.bfloat16,
        torch.int64,
        torch.int32,
        torch.int16,
        torch.int8,
        torch.uint8,
        torch.bool,
    )
    return {
        **{str(kind): (10 * whole.abs()).to(kind) for kind in types},
        "whole": whole, "turned": whole.t(), "slice": whole[1:3, 2:], "strided": whole[::2], "again": whole,
        "empty": torch.empty(0, 3), "single": torch.tensor(2.5), "parameter": nn.Parameter(torch.ones(3)),
        "permuted": torch.randn(2, 3, 4, generator=draw).permute(2, 0, 1),
    }  # fmt: skip


@FORMATS
def test_tensors_are_those_that_were_saved(tmp_path: Path, *, zipped: bool) -> None:
    wanted = tensors()
    with open_torch_file(saved(tmp_path / "x.pt", {"model": wanted, "args": Namespace(a=1)}, zipped=zipped)) as file:
        found = {name: file.tensor(stored) for name, stored in file.value["model"].items()}
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert found[name].dtype is tensor.dtype, name
        assert torch.equal(found[name], tensor.detach()), name
        assert found[name].is_contiguous()


@FORMATS
def test_a_state_dictionary_of_modules_is_read(tmp_path: Path, *, zipped: bool) -> None:
    """An ordered dictionary that carries metadata, with buffers."""
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    with open_torch_file(saved(tmp_path / "x.pt", model.state_dict(), zipped=zipped)) as file:
        assert all(torch.equal(file.tensor(file.value[name]), tensor) for name, tensor in model.state_dict().items())


@FORMATS
def test_what_lies_outside_its_storage_is_refused(tmp_path: Path, *, zipped: bool) -> None:
    """One number that is shown as many, which would take any amount of memory when written."""
    path = saved(tmp_path / "x.pt", {"many": torch.ones(1).expand(10**9)}, zipped=zipped)
    with open_torch_file(path) as file, pytest.raises(BadInputError, match="outside its storage of 1 elements"):
        file.tensor(file.value["many"])


def archive_of(path: Path, value: Any, **changed: bytes) -> Path:
    """An archive of torch's whose entries are replaced by name: `data_pkl` stands for `x/data.pkl`."""
    plain = saved(path.with_suffix(".plain"), value)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            raw = changed.get(Path(entry.filename).name.replace(".", "_"), source.read(entry))
            target.writestr(entry.filename, raw)
    return path


def refused(path: Path, *words: str) -> None:
    """By both ways of reading, in one line."""
    with pytest.raises(BadInputError) as caught:
        convert(path, path.parent / "out")
    with pytest.raises(BadInputError) as by_path:
        read_pickled(path)
    for each in (caught, by_path):
        assert "\n" not in str(each.value)
        assert str(path) in str(each.value)
    assert all(word in str(caught.value) for word in words), caught.value
    assert not (path.parent / "out").exists()


def test_an_archive_that_would_grow_is_refused(tmp_path: Path) -> None:
    """A hundred megabytes of zeros in a hundred kilobytes; entries that share their bytes; one that states too much."""
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", b"\0" * 10**8)
    refused(path, "compressed")
    twice = saved(tmp_path / "twice.pt", {"a": torch.zeros(10_000)})
    raw = bytearray(twice.read_bytes())
    raw[:] = overlapping(bytes(raw), copies=50)
    twice.write_bytes(raw)
    refused(twice, "more bytes than the file has")


def overlapping(raw: bytes, copies: int) -> bytes:
    """The archive with a directory in which the entry of the tensor stands many times."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        (entry,) = [each for each in archive.infolist() if each.filename.endswith("data/0")]
        begin, count = archive.start_dir, len(archive.infolist())
    directory = raw[begin : raw.index(b"PK\x06", begin)]
    place, one = 0, b""
    while place < len(directory):
        name, extra, comment = struct.unpack("<HHH", directory[place + 28 : place + 34])
        length = 46 + name + extra + comment
        if directory[place + 46 : place + 46 + name] == entry.filename.encode():
            one = directory[place : place + length]
        place += length
    whole = directory + one * copies
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count + copies, count + copies, len(whole), begin, 0)
    return raw[:begin] + whole + end


def test_too_many_entries_and_too_large_a_pickle_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "x.pt", {"model": tensors(), "words": ["x" * 100] * 100})
    with monkeypatch.context() as patch:
        patch.setattr(torch_file, "MOST_ENTRIES", 5)
        refused(path, "more than 5 entries")
    monkeypatch.setattr(torch_file, "MOST_PICKLE", 10)
    with pytest.raises(BadInputError, match="its pickle is larger"):
        open_torch_file(path)


def test_what_torch_save_did_not_write_is_refused(tmp_path: Path) -> None:
    cases: dict[str, bytes] = {
        "empty": b"",
        "noise": bytes(range(256)),
        "pickle": pickle.dumps({"model": 1}),
        "text": b"weights\n",
    }
    for name, raw in cases.items():
        (tmp_path / f"{name}.pt").write_bytes(raw)
        refused(tmp_path / f"{name}.pt", "not a file of torch.save")
    with zipfile.ZipFile(tmp_path / "other.pt", "w") as archive:
        archive.writestr("a.txt", "x")
    refused(tmp_path / "other.pt", "not one of torch.save")
    refused(archive_of(tmp_path / "big.pt", {"model": tensors()}, byteorder=b"big"), "big-endian")
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:
        for name in ("x/data.pkl", "x/constants.pkl"):
            archive.writestr(name, pickle.dumps({}, 2))
    refused(tmp_path / "script.pt", "TorchScript")


def test_a_missing_storage_is_named(tmp_path: Path) -> None:
    plain = saved(tmp_path / "a.pt", {"model": {"a": torch.ones(3)}})
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(tmp_path / "b.pt", "w") as target:
        for entry in source.infolist():
            if not entry.filename.endswith("data/0"):
                target.writestr(entry.filename, source.read(entry))
    refused(tmp_path / "b.pt", "its storage '0' is missing")


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (b"K\x03\x85", b"J\xff\xff\xff\x7f\x85", "4 times the bytes"),
        (b"K\x03\x85", b"J\xff\xff\xff\xff\x85", "impossible shape"),
        (b"K\x03\x85", b"]\x85", "impossible shape"),
        (b"K\x03\x85", b"\x8a\x7f" + b"\x7f" * 127 + b"\x85", "4 times the bytes"),
        (b"QK\x00", b"QK\x09", "outside its storage"),
        (b"FloatStorage", b"QInt8Storage", "kind torch.QInt8Storage"),
        (b"X\x03\x00\x00\x00cpu", b"N", "other than a storage"),
    ],
    ids=["huge", "negative", "no number", "a number of a thousand bits", "offset", "quantised", "no device"],
)
def test_a_tensor_of_an_impossible_shape_is_refused(tmp_path: Path, before: bytes, after: bytes, word: str) -> None:
    value = {"model": {"a": torch.ones(3)}}
    with zipfile.ZipFile(saved(tmp_path / "a.pt", value)) as source:
        raw = source.read("a/data.pkl")
    assert before in raw
    path = archive_of(tmp_path / "b.pt", value, data_pkl=raw.replace(before, after))
    with pytest.raises(BadInputError, match=word):
        convert(path, tmp_path / "out")
    with suppress(BadInputError):
        read_pickled(path)


def test_a_storage_of_the_older_format_that_states_too_much_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.pt", {"model": {"a": torch.ones(3)}}, zipped=False)
    raw = path.read_bytes()
    assert raw.endswith(struct.pack("<q3f", 3, 1, 1, 1))
    for number in (2**60, -1, 4):
        path.write_bytes(raw[:-20] + struct.pack("<q3f", number, 1, 1, 1))
        with pytest.raises(BadInputError, match="states more bytes than the file has"):
            convert(path, tmp_path / "out")


def test_tensors_that_share_a_storage_many_times_are_refused(tmp_path: Path) -> None:
    shared = torch.zeros(10_000)
    refused_by_size = saved(tmp_path / "x.pt", {"model": {f"a{n}": shared for n in range(50)}})
    with pytest.raises(BadInputError, match="more than 4 times the bytes"):
        convert(refused_by_size, tmp_path / "out")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, Path]:
    folder = tmp_path_factory.mktemp("files")
    value = {"args": Namespace(a=[1, "x"]), "model": {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(2).half()}}
    one, other = (saved(folder / f"{zipped}.pt", value, zipped=zipped).read_bytes() for zipped in (True, False))
    return one, other, folder


@given(st.integers(0, 1), st.floats(0, 1), st.binary(min_size=1, max_size=6), st.booleans())
def test_a_changed_or_truncated_file_is_converted_or_refused(
    files: tuple[bytes, bytes, Path],
    which: int,
    share: float,
    noise: bytes,
    cut: bool,  # noqa: FBT001 - hypothesis'
) -> None:
    """Nothing else can come of it: no other exception, and no folder that is not whole."""
    raw, folder = files[which], files[2]
    at = int(share * (len(raw) - 1))
    (folder / "x.pt").write_bytes(raw[:at] if cut else raw[:at] + noise + raw[at + len(noise) :])
    out = folder / "out"
    with suppress(BadInputError):
        convert(folder / "x.pt", out)
        for path in out.iterdir():
            path.unlink()
        out.rmdir()
    assert not out.exists()

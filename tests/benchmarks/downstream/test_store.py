"""Features are extracted once for each set of weights, survive what happens to the disk, and are what the encoder gave."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ssl_benchmarks.downstream import store
from ssl_benchmarks.downstream.features import LogMelControl
from ssl_benchmarks.downstream.spoken import Spoken
from ssl_benchmarks.downstream.store import stored
from ssl_benchmarks.files import atomic
from ssl_benchmarks.files.leftovers import owned
from ssl_models.efficient.config import EncoderConfig
from ssl_models.efficient.encoder import EfficientEncoder
from ssl_models.errors import BadInputError
from ssl_models.interface import SpeechFeatures

CPU = torch.device("cpu")
SAMPLES = [16_000, 4_000, 30_123, 4_000, 700]
READS: Counter[int] = Counter()
FULL = r"disk is full; features of 0\.0056 h need 0\.0066 GB there, of which 0\.00264 GB are written and will be kept"


def noise(samples: int, seed: int) -> NDArray[np.float32]:
    READS[seed] += 1
    return (np.random.default_rng(seed).standard_normal(samples) * 0.05).astype(np.float32)


def spoken(samples: list[int], *, keys: bool = True) -> list[Spoken]:
    return [Spoken(partial(noise, n, i), n, "someone", key=f"{i}" if keys else "") for i, n in enumerate(samples)]


def encoder() -> EfficientEncoder:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return EfficientEncoder(EncoderConfig(32, 2, 2, 64)).eval()


class Scripted(nn.Module):
    """An encoder of two layers that hold `value` and 1."""

    def __init__(self, value: float = 1.0) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))
        self.eval()

    def forward(self, waveforms: Tensor) -> SpeechFeatures:
        frames = waveforms.shape[1] // 640
        ones = torch.ones(len(waveforms), frames, 3)
        return SpeechFeatures((ones, ones * self.value), torch.full((len(waveforms),), frames), 25.0)


@pytest.mark.parametrize("make", [encoder, lambda: LogMelControl().eval()], ids=["encoder", "control"])
def test_features_are_those_of_the_utterance_alone_in_half_precision(make: Any, tmp_path: Path) -> None:
    """Against the encoder called by itself, to the bit; and again when another process would find the files."""
    model = make()
    for _ in range(2):
        found = stored(model, spoken(SAMPLES), CPU, tmp_path)
        assert found.frame_rate == 25.0
        assert len(found.utterances) == len(SAMPLES)
        for i, utterance in enumerate(found.utterances):
            with torch.no_grad():
                alone = torch.stack(model(torch.from_numpy(noise(SAMPLES[i], i))[None]).layers, dim=2)[0]
            assert utterance.dtype == torch.float16
            assert torch.equal(utterance, alone.half())
    assert [len(u) for u in found.utterances[1:3]] == [4_000 // 640, 30_123 // 640]


def test_what_is_there_is_not_extracted_again(tmp_path: Path) -> None:
    said: list[str] = []
    READS.clear()
    first = stored(encoder(), spoken(SAMPLES[:2]), CPU, tmp_path, said.append)
    whole = stored(encoder(), spoken(SAMPLES), CPU, tmp_path, said.append)
    again = stored(encoder(), spoken(SAMPLES)[::-1], CPU, tmp_path, said.append)
    assert set(READS.values()) == {1}
    assert first.extracted_seconds == 20_000 / 16_000
    assert whole.extracted_seconds == sum(SAMPLES[2:]) / 16_000
    assert again.extracted_seconds == 0
    assert again.frame_rate == 25.0
    assert [len(u) for u in again.utterances] == [n // 640 for n in SAMPLES[::-1]]
    on_disk = sum(p.stat().st_size for p in tmp_path.rglob("*.safetensors"))
    assert whole.bytes == again.bytes == on_disk > sum(n // 640 * 3 * 32 * 2 for n in SAMPLES)
    assert "extracting features of 3 utterances" in said
    assert f"{on_disk / 1e9:.2f} GB in {tmp_path}" in said[-1]


def test_other_weights_have_features_of_their_own(tmp_path: Path) -> None:
    one, two = (stored(Scripted(value), spoken([6_400]), CPU, tmp_path).utterances[0] for value in (2.0, 3.0))
    assert one[:, 1].unique().tolist() == [2.0]
    assert two[:, 1].unique().tolist() == [3.0]


def test_recordings_without_a_key_are_told_apart_by_their_samples(tmp_path: Path) -> None:
    named = stored(encoder(), spoken([4_000, 4_000]), CPU, tmp_path / "a").utterances
    unnamed = stored(encoder(), spoken([4_000, 4_000], keys=False), CPU, tmp_path / "b").utterances
    assert torch.equal(named[0], unnamed[0])
    assert torch.equal(named[1], unnamed[1])
    assert not torch.equal(named[0], named[1])


def test_an_utterance_twice_is_one_file(tmp_path: Path) -> None:
    found = stored(encoder(), spoken([4_000]) * 2, CPU, tmp_path)
    assert torch.equal(found.utterances[0], found.utterances[1])
    assert found.extracted_seconds == 0.25
    assert len(list(tmp_path.rglob("*.safetensors"))) == 1


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "a folder's rights"])
def test_a_broken_file_is_extracted_anew(damage: str, tmp_path: Path) -> None:
    before = [u.clone() for u in stored(encoder(), spoken(SAMPLES), CPU, tmp_path).utterances]
    victim = sorted(tmp_path.rglob("*.safetensors"))[2]
    match damage:
        case "truncated":
            victim.write_bytes(victim.read_bytes()[:-1])
        case "empty":
            victim.write_bytes(b"")
        case "text":
            victim.write_text("no safetensors" * 99)
        case _:
            victim.unlink()
            victim.symlink_to(tmp_path / "nowhere")
    READS.clear()
    after = stored(encoder(), spoken(SAMPLES), CPU, tmp_path)
    assert sum(READS.values()) == 1
    assert all(torch.equal(a, b) for a, b in zip(before, after.utterances, strict=True))


CRASH = """
import sys, torch
sys.path.insert(0, sys.argv[2])
import test_store as t
left = int(sys.argv[3])
class Killed(t.Scripted):
    def forward(self, *a):
        global left
        left -= 1
        if left < 0:
            import os, signal
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(*a)
Killed.__module__, Killed.__name__ = t.Scripted.__module__, "Scripted"
t.stored(Killed(7.0), t.spoken([6_400] * 5), t.CPU, sys.argv[1])
"""


def test_a_killed_extraction_goes_on_where_it_was(warm: Callable[..., Any], tmp_path: Path) -> None:
    """A process killed in its third utterance leaves two, and nothing half-written; ours, another process, adds three."""
    arguments = (tmp_path, Path(__file__).parent, 2)
    assert warm(*arguments, cwd=tmp_path, env=dict(os.environ), code=CRASH).finish().returncode == -9
    left = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    assert len(left) == 2
    found = stored(Scripted(7.0), spoken([6_400] * 5), CPU, tmp_path)
    assert found.extracted_seconds == pytest.approx(1.2)
    assert all(p.stat().st_mtime_ns == when for p, when in left.items())
    assert [u[:, 1].unique().tolist() for u in found.utterances] == [[7.0]] * 5


def test_what_a_killed_process_left_half_written_goes_with_the_next(tmp_path: Path) -> None:
    shelf = next(iter(stored(encoder(), spoken([4_000]), CPU, tmp_path).utterances.paths)).parent
    script = "from ssl_benchmarks.files.leftovers import owned; print(owned('.old.safetensors'))"
    killed = subprocess.check_output([sys.executable, "-c", script], text=True).strip()
    old, new = shelf / f"{killed}x", shelf / f"{owned('.new.safetensors')}x"
    for path in (old, new):
        path.write_text("half")
    stored(encoder(), spoken(SAMPLES), CPU, tmp_path)
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize("value", [70_000.0, -1e30])
def test_what_half_precision_cannot_hold_is_kept_in_single(value: float, tmp_path: Path) -> None:
    """One such utterance, and all that are read beside it are float32, so that they can be padded together."""

    class Loud(Scripted):
        def forward(self, waveforms: Tensor) -> SpeechFeatures:
            quiet, loud = super().forward(waveforms).layers
            layers = (quiet, loud if waveforms.shape[1] > 5_000 else quiet)
            return SpeechFeatures(layers, torch.tensor([quiet.shape[1]]), 25.0)

    said: list[str] = []
    for _ in range(2):
        found = stored(Loud(value), spoken([6_400, 1_280]), CPU, tmp_path, said.append)
        assert found.wide == 1
        assert [u.dtype for u in found.utterances] == [torch.float32] * 2
        assert found.utterances[0][:, 1].unique().tolist() == [pytest.approx(value)]
    assert "1 in float32" in said[-1]
    assert stored(Loud(value), spoken([6_400, 1_280])[1:], CPU, tmp_path).utterances[0].dtype == torch.float16


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_features_that_are_no_numbers_are_refused(value: float, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="layer 1 of the features of 0 contains values that are not numbers"):
        stored(Scripted(value), spoken([6_400]), CPU, tmp_path)
    assert not list(tmp_path.rglob("*.safetensors"))


class Hungry(Scripted):
    """One that memory does not hold for long waveforms, as torch, CUDA and NumPy say it."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def forward(self, waveforms: Tensor) -> SpeechFeatures:
        if waveforms.shape[1] > 20_000:
            raise self.error
        return super().forward(waveforms)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"
        ),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        MemoryError(),
    ],
)
def test_an_utterance_too_long_for_the_memory_is_named_in_one_line(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(
        BadInputError, match=r"^2: encoding its 1\.883 s at once needs more memory than available"
    ) as caught:
        stored(Hungry(error), spoken(SAMPLES), CPU, tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.safetensors")), "the longest comes first, before hours went into the others"


@pytest.mark.parametrize(
    "error", [IndexError("index out of range in self"), ValueError("at most 1500 positions"), RuntimeError("shapes")]
)
def test_an_utterance_on_which_the_encoder_fails_is_named_in_one_line(error: Exception, tmp_path: Path) -> None:
    """As one with a table of positions does beyond its end; it is not taken for a lack of memory."""
    said = rf"^2: encoding its 1\.883 s at once fails \({type(error).__name__}: {error}\)$"
    with pytest.raises(BadInputError, match=said):
        stored(Hungry(error), spoken(SAMPLES), CPU, tmp_path)


def test_what_ends_the_reading_of_an_utterance_is_no_fault_of_the_encoder(tmp_path: Path) -> None:
    class TimeIsUpError(Exception):
        pass

    def read() -> NDArray[np.float32]:
        raise TimeIsUpError

    with pytest.raises(TimeIsUpError):
        stored(encoder(), [Spoken(read, 700, "x", key="0")], CPU, tmp_path)


def test_a_key_need_not_be_text(tmp_path: Path) -> None:
    """A file whose name is Latin-1 on a UTF-8 system."""
    odd = [Spoken(partial(noise, 700, 0), 700, "x", key=f"caf\udce9 {i}") for i in range(2)]
    assert len({len(features) for features in stored(encoder(), odd, CPU, tmp_path).utterances}) == 1
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2


def test_a_full_disk_is_one_line_and_what_was_extracted_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk takes two files of five."""
    written = 0

    def limited(path: Path, data: bytes, *, flush: bool) -> None:
        nonlocal written
        written += 1
        if written > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        atomic.write_atomically(path, data, flush=flush)

    monkeypatch.setattr(store, "write_atomically", limited)
    utterances = spoken([64_000] * 5)
    with pytest.raises(BadInputError, match=FULL) as caught:
        stored(Wide(), utterances, CPU, tmp_path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path}: ")
    monkeypatch.undo()
    found = stored(Wide(), utterances, CPU, tmp_path)
    assert found.extracted_seconds == 3 * 4.0


class Wide(Scripted):
    """Features of 100 frames, 2 layers and 3,300 channels: 1.32 MB for 4 s."""

    def forward(self, waveforms: Tensor) -> SpeechFeatures:
        ones = torch.ones(len(waveforms), waveforms.shape[1] // 640, 3_300)
        return SpeechFeatures((ones, ones), torch.tensor([ones.shape[1]]), 25.0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A real one of 3 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip("only root may mount")
    return folder


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    try:
        with pytest.raises(BadInputError, match=FULL):
            stored(Wide(), spoken([64_000] * 5), CPU, small_disk)
        files = [p for p in small_disk.rglob("*") if p.is_file()]
        assert len(files) == 2, "nothing half-written"
        assert stored(Wide(), spoken([64_000] * 2), CPU, small_disk).extracted_seconds == 0
    finally:
        subprocess.run(["umount", str(small_disk)], check=True)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """A file where the folder should be stops even root."""
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match=r"file: features cannot be stored there .*--features") as caught:
        stored(encoder(), spoken([4_000]), CPU, tmp_path / "file")
    assert "\n" not in str(caught.value)


def test_the_user_s_cache_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLBENCH_CACHE", str(tmp_path))
    stored(encoder(), spoken([4_000]), CPU)
    assert len(list((tmp_path / "sslbench" / "features").glob("*/*.safetensors"))) == 1


def test_an_encoder_in_training_mode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="evaluation mode"):
        stored(encoder().train(), spoken([4_000]), CPU, tmp_path)

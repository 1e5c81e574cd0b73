"""Frozen features on disk: each utterance is extracted once for each set of weights, and kept."""

from __future__ import annotations

import errno
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ssl_benchmarks.downstream.features import Frames
from ssl_benchmarks.downstream.spoken import Spoken
from ssl_benchmarks.downstream.weights_hash import weights_hash
from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.files.leftovers import sweep
from ssl_benchmarks.files.user_cache import user_cache
from ssl_benchmarks.processes.out_of_memory import is_out_of_memory
from ssl_models.errors import BadInputError
from ssl_models.interface import SAMPLE_RATE, Encoder
from ssl_models.loading.user_code import said

TENSOR, RATE = "features", "frame_rate"
SAY_EVERY = 10.0
"""Seconds."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True)
class StoredFrames(Frames):
    """Features that are stored on disk.

    Attributes:
        extracted_seconds: seconds of speech that this call encoded and is charged for; the rest was stored already.
        bytes: size on disk of all utterances of this call.
        wide: number of utterances kept in float32 because float16 overflows.
    """

    extracted_seconds: float
    bytes: int
    wide: int


@dataclass(frozen=True)
class StoredUtterances(Sequence[Tensor]):
    """Features `(frames, L, D)` of each file, read on access; all of one type, since batches are padded together.

    Nothing is held in memory: the system's file cache is as fast as memory and is released when memory is short.
    """

    paths: tuple[Path, ...]
    dtype: torch.dtype

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - a Sequence's own signature has two
        if isinstance(index, slice):
            return StoredUtterances(self.paths[index], self.dtype)
        with safe_open(self.paths[index], framework="pt") as file:
            return file.get_tensor(TENSOR).to(self.dtype)


@dataclass(frozen=True)
class _Kept:
    """The header of a complete file."""

    frame_rate: float
    wide: bool
    bytes: int


def default_folder() -> Path:
    """The folder in the user's cache."""
    return user_cache() / "sslbench" / "features"


def stored(
    encoder: Encoder,
    spoken: Sequence[Spoken],
    device: torch.device,
    folder: Path | str | None = None,
    say: Callable[[str], None] | None = None,
) -> StoredFrames:
    """Every layer of every utterance, in order; what `folder` (None: the user's cache) has is not extracted again.

    There is one file per utterance in `folder/HASH OF THE WEIGHTS/`. Each utterance is encoded separately in float32,
    so that no padding of others affects it, and kept in float16, or in float32 if float16 cannot hold a value (above
    65,504): nothing is clamped. An interruption leaves only complete files; a broken one is extracted again.

    Raises:
        BadInputError: if features are not numbers, an utterance is too long for the memory or makes the encoder fail,
            or the folder is full or not writable.
        ValueError: if the encoder is in training mode, or there are no utterances.
    """
    if cast("nn.Module", encoder).training:
        raise ValueError("the encoder must be in evaluation mode")
    if not spoken:
        raise ValueError("no utterances")
    root = Path(folder) if folder else default_folder()
    shelf = root / weights_hash(encoder)
    paths = tuple(shelf / f"{_name(s)}.safetensors" for s in spoken)
    kept = {path: _kept(path) for path in dict.fromkeys(paths)}
    missing = {path: s for path, s in zip(paths, spoken, strict=True) if kept[path] is None}
    say = say or (lambda _: None)
    if missing:
        _Extraction(encoder, device, root, missing, say).run()
        kept |= {path: _kept(path) for path in missing}
    whole = [head for head in kept.values() if head is not None]
    if len(whole) < len(kept):
        raise BadInputError(
            f"{root}: features disappear while they are written; is another program clearing the folder?"
        )
    wide, size = sum(head.wide for head in whole), sum(head.bytes for head in whole)
    overflow = f"; {wide} in float32, since float16 overflows at 65,504" if wide else ""
    say(f"features of {len(kept)} utterances, {size / 1e9:.2f} GB in {root}{overflow}")
    utterances = StoredUtterances(paths, torch.float32 if wide else torch.float16)
    seconds = sum(s.samples for s in missing.values()) / SAMPLE_RATE
    return StoredFrames(utterances, whole[0].frame_rate, seconds, size, wide)


def _name(spoken: Spoken) -> str:
    """A name that identifies a recording: from key and length, or from the samples without a key."""
    identifier = spoken.key.encode(errors="backslashreplace") if spoken.key else spoken.read().tobytes()
    return hashlib.sha256(identifier + f"\n{spoken.samples}".encode()).hexdigest()


def _kept(path: Path) -> _Kept | None:
    """The header of a file; None if the file is missing or incomplete, judged by the length that its header states."""
    try:
        with safe_open(path, framework="pt") as file:
            rate, kind = float((file.metadata() or {})[RATE]), file.get_slice(TENSOR).get_dtype()
        return _Kept(rate, kind == "F32", path.stat().st_size)
    except (OSError, SafetensorError, KeyError, ValueError):
        return None


@dataclass
class _Extraction:
    """Encodes missing utterances and writes their features.

    Attributes:
        root: the folder named in errors.
        missing: the file for each utterance.
    """

    encoder: Encoder
    device: torch.device
    root: Path
    missing: dict[Path, Spoken]
    say: Callable[[str], None]
    _bytes: int = 0
    _samples: int = 0
    _said: float = field(default_factory=time.monotonic)

    @torch.inference_mode()
    def run(self) -> None:
        """Extract utterance by utterance, the longest first: one that is too long then fails at once, not after an hour.

        It is not left out, since every system must be tested on the same speech, whatever memory that takes.

        Raises:
            BadInputError: see `stored`.
        """
        self.say(f"extracting features of {len(self.missing)} utterances")
        try:
            _swept(next(iter(self.missing)).parent)
            longest_first = sorted(self.missing.items(), key=lambda item: -item[1].samples)
            for number, (path, spoken) in enumerate(longest_first):
                self._report(number)
                data = self._encoded(spoken)
                self._bytes, self._samples = self._bytes + len(data), self._samples + spoken.samples
                write_atomically(path, data, flush=False)
        except OSError as error:
            raise BadInputError(self._reason(error)) from error

    def _encoded(self, spoken: Spoken) -> bytes:
        """An utterance's features as the content of a file.

        Raises:
            BadInputError: if its length needs more memory than there is, or the encoder fails on it.
        """
        samples = spoken.read()
        try:
            return self._features(samples, spoken)
        except BadInputError:
            raise
        except Exception as error:
            what = f"{spoken.key or 'an utterance'}: encoding its {spoken.samples / SAMPLE_RATE:.4g} s at once"
            if not is_out_of_memory(error):
                raise BadInputError(f"{what} fails ({said(error)})") from error
            raise BadInputError(
                f"{what} needs more memory than available; split it into utterances, or remove it from the folder"
            ) from error

    def _features(self, samples: NDArray[np.float32], spoken: Spoken) -> bytes:
        found = self.encoder(torch.from_numpy(samples)[None].to(self.device))
        layers = torch.stack([layer[0, : int(found.lengths[0])] for layer in found.layers], dim=1)
        return save({TENSOR: _compact(layers, spoken).cpu().contiguous()}, {RATE: repr(float(found.frame_rate))})

    def _report(self, number: int) -> None:
        if time.monotonic() > self._said + SAY_EVERY:
            self._said = time.monotonic()
            self.say(f"features of {number} of {len(self.missing)} utterances extracted")

    def _reason(self, error: OSError) -> str:
        if error.errno not in FULL or not self._samples:
            return f"{self.root}: features cannot be stored there ({error.strerror or error}); choose a folder with --features"
        samples = sum(s.samples for s in self.missing.values())
        needed = self._bytes / max(self._samples, 1) * samples
        written = sum(path.is_file() and path.stat().st_size for path in self.missing)
        return (
            f"{self.root}: the disk is full; features of {samples / SAMPLE_RATE / 3600:.2g} h need "
            f"{needed / 1e9:.3g} GB there, of which {written / 1e9:.3g} GB are written and will be kept; "
            "free some space, or choose another folder with --features"
        )


def _compact(layers: Tensor, spoken: Spoken) -> Tensor:
    """`(frames, L, D)` in float16 if that can hold every value, else in float32."""
    finite = layers.isfinite().flatten(2).all(2).all(0)
    if not bool(finite.all()):
        layer = int((~finite).nonzero()[0, 0])
        raise BadInputError(
            f"layer {layer} of the features of {spoken.key or 'an utterance'} contains values that are not numbers"
        )
    wide = layers.numel() and float(layers.abs().max()) > torch.finfo(torch.float16).max
    return layers.float() if wide else layers.half()


def _swept(shelf: Path) -> None:
    """The folder, created if needed, without files that killed processes left unfinished."""
    shelf.mkdir(parents=True, exist_ok=True)
    sweep(shelf, ".")

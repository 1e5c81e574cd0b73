"""The sample corpus: labelled synthetic speech in LibriSpeech's layout, for a first run where no real speech is at hand."""

import hashlib
import io
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ssl_bench.data.sample.voices import SAMPLE_RATE, SPEAKERS, utterances
from ssl_benchmarks.files.leftovers import owned, sweep
from ssl_benchmarks.files.user_cache import user_cache
from ssl_benchmarks.processes.threads import threads
from ssl_models.documents import read_json, typed
from ssl_models.errors import BadInputError

VERSION = "sample-v1"
MINUTES = 30.0
_FIRST_SPEAKER, _CHAPTER = 9001, 1
_LEAST_SECONDS = 10.0  # of a speaker: a small corpus has fewer speakers rather than speakers with one word each

_README = """\
{version}: {minutes:.0f} minutes of SYNTHETIC English speech in {speakers} voices

Nobody spoke this. sslbench made it on this machine with the speech synthesiser eSpeak NG {espeak} (a program under GPL-3, of
which no part is in this folder) from sentences of its own grammar, with a little noise added. It shows that everything works;
it says little about how well a model learns from people. Error rates measured on it are not for publication.

Real speech: LibriSpeech, https://www.openslr.org/12 (train-clean-100: 100 hours, 6.3 GB, CC BY 4.0), then
    sslbench train-and-measure --data LibriSpeech/train-clean-100

The layout is LibriSpeech's: SPEAKER/CHAPTER/SPEAKER-CHAPTER-NNNN.flac and SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt.
sample.json says how it was made. Delete this folder whenever you like: it is made again when it is needed.
"""


@dataclass(frozen=True)
class Manifest:
    """``sample.json``: what the corpus is, and the digests that tell whether it still is that.

    ``minutes`` is what was asked for and ``hours`` what there is; ``audio_sha256`` is over the 16-bit samples of all
    speakers in order, ``files_sha256`` over the names and bytes of all audio and transcript files.
    """

    version: str
    synthetic: bool
    espeak: str
    sample_rate: int
    minutes: float
    hours: float
    speakers: int
    utterances: int
    audio_sha256: str
    files_sha256: str


def sample_corpus(cache: Path | None = None, *, minutes: float = MINUTES) -> Path:
    """The folder of the sample corpus, made if it is not there yet (a few seconds).

    About ``minutes`` (0.5 or more) of speech in up to 28 voices: 16 kHz mono 16-bit FLAC, utterances of 3 to 15 s, transcripts. Two
    builds with the same libraries are equal to the last bit. ``cache`` stands in for the user's cache folder, which is
    ``SSLBENCH_CACHE``, else ``XDG_CACHE_HOME``, else ``~/.cache``.

    Raises:
        BadInputError: eSpeak NG is not installed or does not run, or the cache folder cannot be written.
    """
    name = VERSION if minutes == MINUTES else f"{VERSION}-{minutes:g}min"
    root = (cache or user_cache()) / "sslbench" / name
    if _intact(root, minutes):
        return root
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        sweep(root.parent, f".{root.name}.")
        with _scratch_beside(root) as scratch:
            _build(scratch, minutes)
            _publish(scratch, root, minutes)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInputError(
            f"cannot write the sample corpus to {root} ({reason}): set SSLBENCH_CACHE to a folder that can be written"
        ) from error
    return root


def _build(root: Path, minutes: float) -> None:
    """Write a whole corpus into ``root``."""
    count = max(2, min(len(SPEAKERS), round(minutes * 60 / _LEAST_SECONDS)))
    # threads are enough: eSpeak runs in processes of its own, resampling and FLAC outside of Python's lock
    with threads(min(8, os.cpu_count() or 1)) as pool:
        parts = list(pool.map(lambda index: _write_speaker(root, index, minutes * 60 / count), range(count)))
    manifest = Manifest(
        version=VERSION,
        synthetic=True,
        espeak=parts[0].espeak,
        sample_rate=SAMPLE_RATE,
        minutes=minutes,
        hours=sum(part.samples for part in parts) / SAMPLE_RATE / 3600,
        speakers=count,
        utterances=sum(part.utterances for part in parts),
        audio_sha256=hashlib.sha256(b"".join(part.sha256 for part in parts)).hexdigest(),
        files_sha256=_digest(root),
    )
    readme = _README.format(version=VERSION, minutes=manifest.hours * 60, speakers=count, espeak=manifest.espeak)
    (root / "README.txt").write_text(readme, encoding="utf-8")
    (root / "sample.json").write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class _Part:
    """What one speaker adds: counts, the digest over the samples, the version of eSpeak NG."""

    utterances: int
    samples: int
    sha256: bytes
    espeak: str


def _write_speaker(root: Path, index: int, seconds: float) -> _Part:
    """Write one speaker's chapter: the FLAC files and the transcripts."""
    import soundfile

    said, espeak = utterances(index, seconds)
    chapter = f"{_FIRST_SPEAKER + index}-{_CHAPTER}"
    folder = root / f"{_FIRST_SPEAKER + index}" / f"{_CHAPTER}"
    folder.mkdir(parents=True)
    digest = hashlib.sha256()
    for number, utterance in enumerate(said):
        flac = io.BytesIO()  # written by pathlib, so that a full disk is an OSError
        soundfile.write(flac, utterance.samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
        (folder / f"{chapter}-{number:04d}.flac").write_bytes(flac.getvalue())
        digest.update(utterance.samples.tobytes())
    lines = (f"{chapter}-{number:04d} {utterance.transcript}\n" for number, utterance in enumerate(said))
    (folder / f"{chapter}.trans.txt").write_text("".join(lines), encoding="ascii")
    return _Part(len(said), sum(len(utterance.samples) for utterance in said), digest.digest(), espeak)


def _intact(root: Path, minutes: float) -> bool:
    """Whether the corpus at ``root`` is there, is the one asked for, and is undamaged."""
    try:
        manifest = typed(Manifest, read_json(root / "sample.json"))
        asked_for = (manifest.version, manifest.minutes) == (VERSION, minutes)
        return asked_for and manifest.files_sha256 == _digest(root)
    except (OSError, ValueError):
        return False


def _digest(root: Path) -> str:
    """SHA-256 over the names and bytes of all audio and transcript files."""
    digest = hashlib.sha256()
    for path in sorted((*root.glob("*/*/*.flac"), *root.glob("*/*/*.trans.txt"))):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


@contextmanager
def _scratch_beside(root: Path) -> Iterator[Path]:
    """An empty folder on the same file system, gone afterwards whatever happens."""
    scratch = root.with_name(f"{owned(f'.{root.name}')}{secrets.token_hex(6)}")
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _publish(built: Path, root: Path, minutes: float) -> None:
    """Rename a finished corpus to its place; a good one already there stays, a damaged one makes room."""
    with _scratch_beside(root) as aside:
        if not _intact(root, minutes):
            with suppress(FileNotFoundError):
                root.rename(aside / "damaged")
        try:
            built.rename(root)
        except OSError:  # what another process made in the meantime does as well
            if not _intact(root, minutes):
                raise

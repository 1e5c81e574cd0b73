"""A header is compared with what is in the file, whatever its format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ssl_bench.data.audio import read_recording, samples_in, unfit

SECONDS = 3
WHOLE = SECONDS * 16_000
FORMATS = {
    "wav": "WAV", "flac": "FLAC", "aiff": "AIFF", "au": "AU", "w64": "W64", "sph": "NIST", "mp3": "MP3", "ogg": "OGG",
}  # fmt: skip
Change = Callable[[bytes], bytes]


def noise() -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.random.default_rng(0).integers(-9_000, 9_000, WHOLE).astype(np.int16)


def written(path: Path, change: Change) -> Path:
    soundfile.write(path, noise(), 16_000, format=FORMATS[path.suffix[1:]])
    path.write_bytes(change(path.read_bytes()))
    return path


def field(tag: bytes, offset: int, value: int, order: str = "little", size: int = 4) -> Change:
    """The file with a number written so many bytes after a tag."""

    def change(raw: bytes) -> bytes:
        at = raw.index(tag) + offset
        return raw[:at] + value.to_bytes(size, order) + raw[at + size :]  # type: ignore[arg-type]

    return change


def flac_samples(count: int) -> Change:
    """36 bits of FLAC's header are the count; 0 is "not known"."""

    def change(raw: bytes) -> bytes:
        assert raw[:4] == b"fLaC"
        bits = int.from_bytes(raw[21:26], "big") & ~(2**36 - 1) | count
        return raw[:21] + bits.to_bytes(5, "big") + raw[26:]

    return change


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_whole_file_keeps_its_promise(tmp_path: Path, suffix: str) -> None:
    path = written(tmp_path / f"x.{suffix}", lambda raw: raw)
    assert read_recording(path).remarks == {}
    assert samples_in(path) == WHOLE


@pytest.mark.parametrize(
    ("suffix", "change"),
    [
        ("flac", flac_samples(0)),
        ("wav", field(b"data", 4, 0xFFFFFFFF)),
        ("wav", field(b"data", 4, 0x7FFFF000)),
        ("au", field(b".snd", 8, 0xFFFFFFFF, "big")),
        ("aiff", field(b"COMM", 10, 0, "big")),
        ("wav", field(b"data", 4, 0)),
        ("wav", lambda raw: field(b"RIFF", 4, 0)(field(b"data", 4, 0)(raw))),
    ],
    ids=["flac", "wav of ffmpeg", "wav of sox", "au", "aiff", "wav of a recorder", "wav of one that was killed"],
)
def test_a_length_that_is_left_open_is_found_in_the_file(tmp_path: Path, suffix: str, change: Change) -> None:
    """As a program that records into a pipe leaves it."""
    path = written(tmp_path / f"x.{suffix}", change)
    assert samples_in(path) == WHOLE
    recording = read_recording(path)
    np.testing.assert_array_equal(recording.samples, noise())
    assert recording.remarks == {}


def speech() -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Noise that is soft and loud by seconds, so that frames differ in size."""
    return np.concatenate([noise() // 200, noise(), noise() // 50])


def frames_of(raw: bytes) -> list[int]:
    """Where the frames of mono MPEG-2 audio of layer III at 16 kHz begin, and where the last ends."""
    rates, at, found = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160], 0, [0]
    while raw[at : at + 1] == b"\xff":
        at += 72 * rates[raw[at + 2] >> 4] * 1000 // 16_000 + (raw[at + 2] >> 1 & 1)
        found.append(at)
    return found


def mp3(path: Path, change: Change) -> Path:
    soundfile.write(path, speech(), 16_000, format="MP3", bitrate_mode="VARIABLE")
    path.write_bytes(change(path.read_bytes()))
    return path


def headless(raw: bytes) -> bytes:
    """Without the first frame, which counts the others."""
    return raw[frames_of(raw)[1] :]


@pytest.mark.parametrize(
    "change",
    [headless, lambda raw: headless(raw) + b"TAG" + bytes(125), lambda raw: headless(raw) + headless(raw)],
    ids=["no count", "a tag behind", "two in a row"],
)
def test_mp3_that_does_not_count_its_frames_is_read_to_its_end(tmp_path: Path, change: Change) -> None:
    """A first frame that is larger than most would stand for all: a guess of the length loses half of the speech."""
    path = mp3(tmp_path / "x.mp3", change)
    whole = 576 * sum(raw_frame > 0 for raw_frame in frames_of(path.read_bytes()))
    assert samples_in(path) == len(read_recording(path).samples) == pytest.approx(whole, abs=1_200)
    assert read_recording(path).remarks == {}


def test_mp3_that_does_not_count_its_frames_and_breaks_off_in_one_is_told(tmp_path: Path) -> None:
    path = mp3(tmp_path / "x.mp3", lambda raw: headless(raw)[: len(raw) // 2])
    assert set(read_recording(path).remarks) == {"shorter_than_header"}


def test_mp3_behind_the_frames_that_the_first_counts_is_found_out(tmp_path: Path) -> None:
    path = mp3(tmp_path / "x.mp3", lambda raw: raw + raw)
    assert read_recording(path).remarks == {"longer_than_header": "contains 9.00 s more than the 9.00 s in its header"}
    tagged = mp3(
        tmp_path / "tagged.mp3", lambda raw: b"ID3\x03\0\0\0\0\x7f\x7f" + bytes(16_383) + raw + b"TAG" + bytes(125)
    )
    assert read_recording(tagged).remarks == {}


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_is_followed_by_its_pages(tmp_path: Path, subtype: str) -> None:
    """One stream behind another, of which libsndfile reads the first, and one that breaks off in its last page."""
    path = tmp_path / "x.ogg"
    soundfile.write(path, speech(), 16_000, format="OGG", subtype=subtype)
    raw = path.read_bytes()
    assert read_recording(path).remarks == {}
    path.write_bytes(raw + raw)
    assert read_recording(path).remarks == {"longer_than_header": "contains 9.00 s more than the 9.00 s in its header"}
    path.write_bytes(raw[: raw.rindex(b"OggS") + 100])
    remarks = read_recording(path).remarks
    assert set(remarks) == {"shorter_than_header"}
    path.write_bytes(raw[: len(raw) // 3] + bytes(200) + raw[len(raw) // 3 + 200 :])
    assert set(read_recording(path).remarks) == {"shorter_than_header"}


@pytest.mark.parametrize("half", [False, True])
def test_a_wav_beyond_4_gib_is_held_against_its_long_header(tmp_path: Path, *, half: bool) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, noise(), 16_000, format="RF64")
    path.write_bytes(path.read_bytes()[: WHOLE if half else None])
    assert set(read_recording(path).remarks) == ({"shorter_than_header"} if half else set())


@pytest.mark.parametrize("count", [2**36 - 1, 2**35, 16_000 * 3600])
def test_a_header_that_no_file_of_its_size_could_keep_is_not_believed(tmp_path: Path, count: int) -> None:
    """Hours in 90 KB: its length is that of what it holds, so that no record counts them."""
    path = written(tmp_path / "x.flac", flac_samples(count))
    assert samples_in(path) == WHOLE
    assert set(read_recording(path).remarks) == {"shorter_than_header"}


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_that_breaks_off_is_shorter_than_its_header(tmp_path: Path, suffix: str) -> None:
    """Half of it: what is there is read, or begins like it where the format loses something."""
    path = written(tmp_path / f"x.{suffix}", lambda raw: raw[: len(raw) // 2])
    recording = read_recording(path)
    assert 0.2 * WHOLE < len(recording.samples) < 0.55 * WHOLE
    assert set(recording.remarks) == {"shorter_than_header"}
    assert unfit(recording.remarks).startswith(f"breaks off after {len(recording.samples) / 16_000:.2f} s")
    if suffix not in ("mp3", "ogg"):
        np.testing.assert_array_equal(recording.samples, noise()[: len(recording.samples)])


@pytest.mark.parametrize(
    ("suffix", "change", "promised"),
    [
        ("flac", flac_samples(2 * WHOLE), 6),
        ("wav", field(b"data", 4, 4 * WHOLE), 6),
        ("aiff", field(b"COMM", 10, 2 * WHOLE, "big"), 6),
    ],
)
def test_a_header_that_promises_more_is_found_out(tmp_path: Path, suffix: str, change: Change, promised: int) -> None:
    recording = read_recording(written(tmp_path / f"x.{suffix}", change))
    np.testing.assert_array_equal(recording.samples, noise())
    assert recording.remarks == {"shorter_than_header": f"breaks off after {SECONDS:.2f} s of {promised:.2f} s"}


@pytest.mark.parametrize(
    ("suffix", "change", "kind"),
    [
        ("wav", field(b"data", 4, WHOLE), "longer_than_header"),
        ("au", field(b".snd", 8, WHOLE, "big"), "longer_than_header"),
        ("aiff", field(b"COMM", 10, WHOLE // 2, "big"), "longer_than_header"),
        ("flac", flac_samples(WHOLE // 2), "differs_from_header"),
    ],
)
def test_a_file_that_goes_on_after_its_header_s_end_is_found_out(
    tmp_path: Path, suffix: str, change: Change, kind: str
) -> None:
    """FLAC's checksum of all samples shows it, since libsndfile stops where the header says."""
    assert set(read_recording(written(tmp_path / f"x.{suffix}", change)).remarks) == {kind}


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw + b"TAG" + bytes(125),
        lambda raw: raw + b"LIST" + (4).to_bytes(4, "little") + b"INFO",
        field(b"RIFF", 4, 36),
        field(b"data", 4, 2 * WHOLE + 100),
    ],
    ids=["a tag behind", "a chunk behind", "a stale size of the whole", "three milliseconds"],
)
def test_what_takes_no_sound_away_is_nothing(tmp_path: Path, change: Change) -> None:
    recording = read_recording(written(tmp_path / "x.wav", change))
    assert recording.remarks == {}
    assert len(recording.samples) == WHOLE


def test_flac_without_a_checksum_is_not_held_against_one(tmp_path: Path) -> None:
    path = written(tmp_path / "x.flac", lambda raw: raw[:26] + bytes(16) + raw[42:])
    assert read_recording(path).remarks == {}


def test_damage_that_decodes_is_found_by_the_checksum(tmp_path: Path) -> None:
    path = written(tmp_path / "x.flac", lambda raw: raw[:26] + bytes([raw[26] ^ 1]) + raw[27:])
    assert set(read_recording(path).remarks) == {"differs_from_header"}

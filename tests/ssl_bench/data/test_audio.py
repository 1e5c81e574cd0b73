"""Whatever the file, what comes out is the same sound at 16 kHz."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from ssl_bench.data.audio import UnreadableAudioError, read_audio, read_recording, samples_in, unfit

FORMATS = {"wav": "PCM_16", "flac": "PCM_16", "ogg": "VORBIS"}


def tone(hz: float, seconds: float, rate: int) -> NDArray[np.float64]:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def peak_hz(samples: NDArray[np.int16]) -> float:
    """Frequency of the strongest line of the spectrum, zero-padded to 0.1 Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 160_000))
    return float(spectrum.argmax()) / 10


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_tone_keeps_its_pitch_level_and_length(tmp_path: Path, suffix: str, rate: int) -> None:
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, tone(440.0, 2.0, rate), rate, subtype=FORMATS[suffix])
    samples = read_audio(path)
    assert samples.dtype == np.int16
    assert abs(len(samples) - 32_000) <= 1
    assert abs(samples_in(path) - 32_000) <= 1
    assert peak_hz(samples) == pytest.approx(440.0, abs=0.3)
    rms = float(np.sqrt(np.mean((samples[1000:-1000] / 32768.0) ** 2)))
    assert rms == pytest.approx(0.5 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize("frames", [8_001, 22_051, 44_101, 100_003])
def test_the_header_never_promises_more_than_there_is(tmp_path: Path, frames: int) -> None:
    """Clips are planned from headers; one sample too many would give a short clip."""
    path = tmp_path / "odd.wav"
    soundfile.write(path, np.zeros(frames), 44_100)
    assert 0 <= len(read_audio(path)) - samples_in(path) <= 1


def test_sixteen_bits_at_16_khz_come_through_unchanged(tmp_path: Path) -> None:
    wanted = np.random.default_rng(0).integers(-32768, 32768, 5_000).astype(np.int16)
    for suffix in ("wav", "flac"):
        soundfile.write(tmp_path / f"x.{suffix}", wanted, 16_000, subtype="PCM_16")
        np.testing.assert_array_equal(read_audio(tmp_path / f"x.{suffix}"), wanted)


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = np.full(4_000, 8_000, np.int16), np.full(4_000, -2_000, np.int16)
    soundfile.write(tmp_path / "x.wav", np.stack([left, right], 1), 16_000, subtype="PCM_16")
    np.testing.assert_array_equal(read_audio(tmp_path / "x.wav"), np.full(4_000, 3_000))


def test_what_is_no_number_becomes_silence_and_what_is_too_loud_is_clipped(tmp_path: Path) -> None:
    floats = np.array([np.nan, np.inf, -np.inf, 0.5, 3.0, -3.0] * 200, np.float32)
    soundfile.write(tmp_path / "x.wav", floats, 16_000, subtype="FLOAT")
    assert read_audio(tmp_path / "x.wav")[:6].tolist() == [0, 0, 0, 16_384, 32_767, -32_768]


def voice(seconds: float = 1.0, level: float = 0.1) -> NDArray[np.float32]:
    """Noise that stays far from full scale."""
    return np.random.default_rng(5).uniform(-level, level, round(seconds * 16_000)).astype(np.float32)


def remarks(path: Path, samples: NDArray[Any], subtype: str = "FLOAT", rate: int = 16_000) -> dict[str, str]:
    soundfile.write(path, samples, rate, subtype=subtype)
    return read_recording(path).remarks


@pytest.mark.parametrize(
    ("samples", "subtype"),
    [
        (32_768 * voice(), "FLOAT"),
        (32_768 * voice(), "DOUBLE"),
        (np.clip(20 * voice(), -1, 1), "PCM_16"),
        (np.sign(voice()), "PCM_24"),
        (np.where(np.arange(16_000) < 200, 1.0, voice()), "PCM_16"),
    ],
    ids=["integers as floats", "as doubles", "a hot recording", "a square wave", "a little more than 1 %"],
)
def test_what_stands_at_full_scale_is_clipped(tmp_path: Path, samples: NDArray[Any], subtype: str) -> None:
    found = remarks(tmp_path / "x.wav", samples, subtype)
    assert set(found) == {"clipped"}
    assert unfit(found).startswith("clipped: ")


def test_a_little_clipping_by_reading_is_counted_and_no_more(tmp_path: Path) -> None:
    samples = voice()
    samples[:7] = 1.5
    found = remarks(tmp_path / "x.wav", samples)
    assert found == {"slightly_clipped": "7 samples beyond full scale, clipped"}
    assert unfit(found) == ""
    assert remarks(tmp_path / "y.wav", np.append(voice(), 1.0), "PCM_16") == {}


def stereo(*gains: float) -> NDArray[np.float32]:
    """One voice in several channels."""
    return np.stack([gain * voice() for gain in gains], axis=1)


@pytest.mark.parametrize(
    ("channels", "kept"),
    [
        (stereo(1, -1), "0.0 %"),
        (stereo(1, -0.8), "11.0 %"),
        (stereo(1, 1, -1, -1), "0.0 %"),
        (stereo(0.5, -1), "31.6 %"),
    ],
)
def test_channels_that_cancel_are_told(tmp_path: Path, channels: NDArray[np.float32], kept: str) -> None:
    """One of opposite phase; the share of the level that their mean keeps, by hand: |sum of gains| / n over their r.m.s."""
    found = remarks(tmp_path / "x.wav", channels)
    assert set(found) == {"averaged", "cancelled"}
    assert kept in unfit(found)


@pytest.mark.parametrize(
    "channels",
    [
        stereo(1, 1), stereo(1, 0), stereo(0.2, 1), stereo(1, 0, 0, 0),
        np.random.default_rng(0).normal(0, 0.1, (16_000, 2)), np.random.default_rng(0).normal(0, 0.1, (16_000, 6)),
    ],
    ids=["equal", "one silent", "one quiet", "one of four", "two voices", "six voices"],
)  # fmt: skip
def test_channels_that_differ_are_averaged_without_harm(tmp_path: Path, channels: NDArray[Any]) -> None:
    assert set(remarks(tmp_path / "x.wav", channels)) == {"averaged"}


@pytest.mark.parametrize(
    ("samples", "subtype"),
    [
        (np.zeros(16_000), "PCM_16"),
        (np.full(16_000, 0.25), "PCM_24"),
        (voice() / 32_768, "FLOAT"),
        (np.random.default_rng(0).integers(-2, 3, 16_000) / 32_768, "PCM_16"),
        (np.zeros((16_000, 2)), "PCM_16"),
    ],
    ids=["zeros", "an offset", "scaled twice", "dither", "two channels"],
)
def test_silence_is_told_however_it_came_about(tmp_path: Path, samples: NDArray[Any], subtype: str) -> None:
    found = remarks(tmp_path / "x.wav", samples, subtype)
    assert unfit(found) == "silent: below -80 dB of full scale"
    assert "silent" not in remarks(tmp_path / "y.wav", voice(level=0.001), subtype), "a whisper"


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_told(tmp_path: Path, odd: float) -> None:
    samples = voice()
    samples[5] = odd
    assert remarks(tmp_path / "x.wav", samples) == {
        "not_numbers": "0.01 % of its samples are not finite numbers, read as silence"
    }


def test_another_rate_is_told_and_an_impossible_one_is_refused(tmp_path: Path) -> None:
    assert remarks(tmp_path / "x.wav", voice(), rate=8_000) == {"resampled": "resampled from 8000 Hz"}
    for rate in (1, 4_000_000):
        soundfile.write(tmp_path / "y.wav", voice(), rate)
        with pytest.raises(UnreadableAudioError, match=f"sample rate of {rate} Hz"):
            read_audio(tmp_path / "y.wav")


def test_nothing_above_8_khz_folds_back(tmp_path: Path) -> None:
    """A 15 kHz tone at 44.1 kHz would be heard at 1 kHz without a filter."""
    soundfile.write(tmp_path / "x.wav", tone(15_000.0, 1.0, 44_100), 44_100, subtype="FLOAT")
    assert np.abs(read_audio(tmp_path / "x.wav")[200:-200]).max() < 0.01 * 16_384


def header_only() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(0, np.int16), 16_000, format="WAV")
    return file.getvalue()


@pytest.mark.parametrize("function", [read_audio, samples_in])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"dear diary, this is no sound at all\n" * 50, "not audio, or broken"),
        (b"", "an empty file"),
        (header_only(), "no samples in it"),
        (None, "No such file or directory"),
    ],
    ids=["text", "empty", "header only", "missing"],
)
def test_what_cannot_be_heard_says_why(
    tmp_path: Path, content: bytes | None, reason: str, function: Callable[[Path], object]
) -> None:
    path = tmp_path / "x.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableAudioError, match=reason):
        function(path)


def test_a_wav_that_breaks_off_gives_its_beginning(tmp_path: Path) -> None:
    wanted = np.random.default_rng(1).integers(-9_000, 9_000, 16_000).astype(np.int16)
    path = tmp_path / "x.wav"
    soundfile.write(path, wanted, 16_000, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[: 44 + 2 * 4_000])
    np.testing.assert_array_equal(read_audio(path), wanted[:4_000])

"""Decoded speech is kept as far as memory allows, and a broken file stops nothing."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import soundfile

from ssl_bench.data import waveforms as module
from ssl_bench.data.clips import ClipSource, batches
from ssl_bench.data.corpus import Utterance, read_corpus
from ssl_bench.data.waveforms import Waveforms


def noise(path: Path, samples: int, seed: int) -> Utterance:
    soundfile.write(path, np.random.default_rng(seed).integers(-9_000, 9_000, samples).astype(np.int16), 16_000)
    return Utterance(path, samples)


def test_memory_is_bounded_and_files_beyond_it_are_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken = [noise(tmp_path / f"{i}.wav", 1_000, i) for i in range(5)]
    read = Mock(side_effect=module.read_recording)
    monkeypatch.setattr(module, "read_recording", read)
    kept = Waveforms(limit=2 * 2_000 + 1_999)
    for _ in range(3):
        for utterance in spoken:
            np.testing.assert_array_equal(kept.samples(utterance), soundfile.read(utterance.path, dtype="int16")[0])
    assert kept.kept_bytes == 2 * 2_000
    assert [sum(call.args[0] == u.path for call in read.call_args_list) for u in spoken] == [1, 1, 3, 3, 3]


def test_floats_are_the_sixteen_bits_over_32768(tmp_path: Path) -> None:
    utterance = noise(tmp_path / "x.wav", 1_000, 0)
    floats = Waveforms().floats(utterance)
    assert floats.dtype == np.float32
    np.testing.assert_array_equal(floats, soundfile.read(utterance.path, dtype="float32")[0])


def truncated(folder: Path, name: str) -> None:
    """A FLAC whose header is whole and whose first frame breaks off."""
    path = folder / name
    noise(path, 48_000, 0)
    path.write_bytes(path.read_bytes()[:1_000])


def test_a_file_that_breaks_only_while_decoding_is_named_and_passed_over(tmp_path: Path) -> None:
    for i in range(3):
        noise(tmp_path / f"good{i}.flac", 48_000, i)
    truncated(tmp_path, "cut.flac")
    corpus = read_corpus(tmp_path)
    assert len(corpus.utterances) == 4, "its header is whole"
    found = Waveforms()
    with batches(ClipSource(corpus.utterances, found, 16_000, 4, 0)) as stream:
        for _ in range(8):
            batch, _ = next(stream)
            assert batch.samples.shape == (4, 16_000)
            assert (batch.lengths is None) or (batch.lengths >= 640).all()
            assert (batch.samples != 0).any(axis=1).all()
    assert list(found.broken) == [str(tmp_path / "cut.flac")]
    assert found.broken[str(tmp_path / "cut.flac")]


def test_where_every_file_breaks_the_stream_says_so_instead_of_spinning(tmp_path: Path) -> None:
    for i in range(3):
        truncated(tmp_path, f"cut{i}.flac")
    corpus = read_corpus(tmp_path)
    with (
        batches(ClipSource(corpus.utterances, Waveforms(), 16_000, 2, 0)) as stream,
        pytest.raises(ValueError, match="none of the audio files contains usable speech"),
    ):
        next(stream)


def odd(folder: Path) -> dict[str, Utterance]:
    """A good file, and one each that is silent, clipped, and longer than its header gives."""
    found = {
        name: noise(folder / f"{name}.wav", 16_000, i) for i, name in enumerate(("good", "silent", "clipped", "long"))
    }
    soundfile.write(folder / "silent.wav", np.zeros(16_000, np.int16), 16_000)
    soundfile.write(folder / "clipped.wav", np.tile(np.array([32_767, -32_768], np.int16), 8_000), 16_000)
    raw = (folder / "long.wav").read_bytes()
    (folder / "long.wav").write_bytes(raw[:40] + (8_000).to_bytes(4, "little") + raw[44:])
    return found


def test_odd_files_give_nothing_to_train_on_and_are_named(tmp_path: Path) -> None:
    """Rating always gets them; training does too if asked for."""
    spoken, found, keeping = odd(tmp_path), Waveforms(), Waveforms(keep_odd=True)
    assert {name: len(found.to_train_on(u)) for name, u in spoken.items()} == {
        "good": 16_000, "silent": 0, "clipped": 0, "long": 0,
    }  # fmt: skip
    assert {Path(path).stem: why.split(":")[0] for path, why in found.left_out.items()} == {
        "silent": "silent", "clipped": "clipped", "long": "contains 0.75 s more than the 0.25 s in its header",
    }  # fmt: skip
    assert {name: len(found.samples(u)) for name, u in spoken.items() if name != "long"} == {
        "good": 16_000, "silent": 16_000, "clipped": 16_000,
    }  # fmt: skip
    assert all(len(keeping.to_train_on(u)) for u in spoken.values())
    assert keeping.left_out == {}
    assert keeping.remarks == found.remarks


def test_clips_are_cut_from_what_is_fit_alone(tmp_path: Path) -> None:
    spoken = odd(tmp_path)
    found = Waveforms()
    with batches(ClipSource(tuple(spoken.values()), found, 16_000, 2, 0)) as stream:
        batch, _ = next(stream)
    lengths = np.full(len(batch.samples), 16_000) if batch.lengths is None else batch.lengths
    heard = np.concatenate([row[:n] for row, n in zip(batch.samples, lengths, strict=True)])
    assert np.isin(heard, soundfile.read(spoken["good"].path, dtype="int16")[0]).all()
    assert len(found.left_out) == 3


def test_where_all_files_are_odd_the_first_is_named_with_its_reason(tmp_path: Path) -> None:
    spoken = odd(tmp_path)
    with (
        batches(ClipSource((spoken["silent"], spoken["clipped"]), Waveforms(), 16_000, 2, 0)) as stream,
        pytest.raises(ValueError, match=r"no.* usable speech \(the first, .*\.wav: (silent|clipped)"),
    ):
        next(stream)

"""The sample corpus, spoken by the real eSpeak NG."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from ssl_bench.data.sample import espeak, sample, sentences, voices
from ssl_bench.data.sample.sample import sample_corpus
from ssl_benchmarks.files.leftovers import owned
from ssl_models.errors import BadInputError

pytest.importorskip("espeakng_loader")

MINUTES = 0.5


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def median_pitch(samples: NDArray[Any], rate: int) -> float:
    """Hz: the peak of the autocorrelation between 60 and 400 Hz, over the louder 40 ms frames."""
    size = rate // 25
    frames = samples[: len(samples) // size * size].reshape(-1, size).astype(float)
    frames = frames[frames.std(axis=1) > samples.std()]
    frames -= frames.mean(axis=1, keepdims=True)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(frames, 2 * size)) ** 2)[:, rate // 400 : rate // 60]
    return float(np.median(rate / (rate // 400 + correlation.argmax(axis=1))))


def long_term_spectrum(samples: NDArray[Any]) -> NDArray[np.float64]:
    """The mean power of the frames in dB, in 32 bands, less its mean: what a voice sounds like, not how loud."""
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(float), 512)[::320] * np.hanning(512)
    power = np.abs(np.fft.rfft(frames)[:, :256]) ** 2
    bands = 10 * np.log10(power.mean(axis=0).reshape(32, 8).sum(axis=1))
    return np.asarray(bands - bands.mean())


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_corpus(tmp_path_factory.mktemp("cache"), minutes=MINUTES)


def test_two_builds_are_equal_to_the_last_bit(corpus: Path, tmp_path: Path) -> None:
    """eSpeak keeps state between calls; a second build in the same process would show it."""
    assert contents(sample_corpus(tmp_path, minutes=MINUTES)) == contents(corpus)


def test_breath_does_not_come_from_the_clock() -> None:
    """eSpeak seeds its noise with the seconds of the clock, unless it is told otherwise."""
    whisper = espeak.Voice("en-us", "whisper")
    before = espeak.speak(whisper, ("A quiet word.",), seconds=1).utterances[0]
    time.sleep(1.1)
    assert np.array_equal(before, espeak.speak(whisper, ("A quiet word.",), seconds=1).utterances[0])


def test_layout_is_librispeech_s(corpus: Path) -> None:
    names = [name for name in contents(corpus) if name.endswith(".flac")]
    assert all(re.fullmatch(r"(\d+)/(\d+)/\1-\2-\d{4}\.flac", name) for name in names)
    listed = [
        f"{chapter.parent.relative_to(corpus)}/{line.split()[0]}.flac"
        for chapter in corpus.glob("*/*/*.trans.txt")
        for line in chapter.read_text().splitlines()
    ]
    assert sorted(listed) == sorted(names)
    assert len({name.split("/")[0] for name in names}) == 3


def test_audio_is_16_khz_mono_flac_of_3_to_15_seconds_and_adds_up(corpus: Path) -> None:
    infos = [soundfile.info(path) for path in corpus.rglob("*.flac")]
    assert {(i.samplerate, i.channels, i.format, i.subtype) for i in infos} == {(16_000, 1, "FLAC", "PCM_16")}
    assert all(3 <= info.duration <= 15 for info in infos)
    manifest = json.loads((corpus / "sample.json").read_text())
    assert manifest["hours"] * 3600 == pytest.approx(sum(info.duration for info in infos))
    assert manifest["utterances"] == len(infos)
    assert manifest["hours"] * 60 == pytest.approx(MINUTES, rel=0.3)


@pytest.mark.slow
def test_the_whole_corpus_has_half_an_hour_in_28_voices(tmp_path: Path) -> None:
    root = sample_corpus(tmp_path)
    assert root == tmp_path / "sslbench" / "sample-v1"
    manifest = json.loads((root / "sample.json").read_text())
    assert manifest["hours"] == pytest.approx(0.5, rel=0.03)
    assert len({path.parent.parent.name for path in root.rglob("*.flac")}) == manifest["speakers"] == 28


def test_speech_is_loud_enough_never_clipped_and_never_digital_silence(corpus: Path) -> None:
    for path in corpus.rglob("*.flac"):
        samples = soundfile.read(path, dtype="int16")[0].astype(int)
        assert -33 < 20 * np.log10(samples.std() / 32768) < -19, path
        assert np.abs(samples).max() < 32000, path
        frames = samples[: len(samples) // 400 * 400].reshape(-1, 400)
        assert (frames.std(axis=1) > 0).all(), path


def test_transcripts_hold_capitals_and_apostrophes_and_fit_the_audio(corpus: Path) -> None:
    """English is read at 2 to 4.5 words a second: a transcript of another utterance would soon fall outside."""
    for chapter in corpus.glob("*/*/*.trans.txt"):
        for line in chapter.read_text().splitlines():
            name, _, text = line.partition(" ")
            assert re.fullmatch(r"[A-Z']+( [A-Z']+)*", text)
            seconds = soundfile.info(chapter.with_name(f"{name}.flac")).duration
            assert 2 < len(text.split()) / seconds < 4.5, line


def test_readme_says_synthetic_and_where_real_speech_is(corpus: Path) -> None:
    text = (corpus / "README.txt").read_text()
    assert all(word in text for word in ("SYNTHETIC", "eSpeak NG 1.", "openslr.org/12", "train-clean-100", "--data"))


def test_voices_differ_more_than_sentences_do() -> None:
    """A voice's long-term spectrum on one half of its speech is nearest to its own on the other half."""
    halves = []
    for index in range(len(voices.SPEAKERS)):
        joined = np.concatenate([said.samples for said in voices.utterances(index, 10.0)[0]])
        halves.append([long_term_spectrum(half) for half in np.array_split(joined, 2)])
    first, second = np.array(halves).transpose(1, 0, 2)
    distance = np.linalg.norm(first[:, None] - second[None], axis=2)
    assert (distance.argmin(axis=1) == np.arange(len(distance))).mean() > 0.85


def test_women_and_men_speak_in_turn(corpus: Path) -> None:
    pitch = []
    for speaker in sorted(path for path in corpus.iterdir() if path.is_dir()):
        samples = np.concatenate([soundfile.read(path)[0] for path in sorted(speaker.rglob("*.flac"))])
        pitch.append(median_pitch(samples, 16_000))
    assert min(pitch[::2]) > 155 > max(pitch[1::2])


def test_second_call_builds_nothing_and_needs_no_engine(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    before = corpus.stat().st_ino
    assert sample_corpus(corpus.parents[1], minutes=MINUTES) == corpus
    assert corpus.stat().st_ino == before


def test_without_the_extra_one_line_names_both_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(BadInputError, match=r'pip install "sslbench\[sample\]".* --data FOLDER') as error:
        sample_corpus(tmp_path, minutes=MINUTES)
    assert "\n" not in str(error.value)
    assert contents(tmp_path) == {}


def test_an_engine_that_does_not_load_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "_library_and_data", lambda: ("/nowhere/libespeak-ng.so", "/nowhere"))
    with pytest.raises(BadInputError, match=r"does not run here \(OSError: .*nowhere.*--data FOLDER") as error:
        espeak.speak(espeak.Voice("en-us", "f1"), ("Hello.",), seconds=1)
    assert "\n" not in str(error.value)


def test_an_interrupted_build_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(index: int, seconds: float) -> tuple[list[voices.Utterance], str]:
        if index == 2:
            raise KeyboardInterrupt
        return voices.utterances(index, seconds)

    monkeypatch.setattr(sample, "utterances", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sample_corpus(tmp_path, minutes=MINUTES)
    assert list((tmp_path / "sslbench").iterdir()) == []


def test_what_a_killed_build_left_is_removed_by_the_next_but_a_running_one_is_not(tmp_path: Path) -> None:
    root = tmp_path / "sslbench" / f"sample-v1-{MINUTES:g}min"
    script = f"from ssl_benchmarks.files.leftovers import owned; print(owned('.{root.name}'))"
    gone = subprocess.check_output([sys.executable, "-c", script], text=True).strip()
    killed, running = (root.with_name(f"{name}x") for name in (gone, owned(f".{root.name}")))
    for folder in (killed, running):
        folder.mkdir(parents=True)
    assert sample_corpus(tmp_path, minutes=MINUTES) == root
    assert sorted(root.parent.iterdir()) == [running, root]


def cut_a_file(root: Path) -> None:
    path = next(root.rglob("*.flac"))
    path.write_bytes(path.read_bytes()[:-1])


def lose_a_file(root: Path) -> None:
    next(root.rglob("*.flac")).unlink()


def change_a_transcript(root: Path) -> None:
    path = next(root.rglob("*.trans.txt"))
    path.write_text(path.read_text().replace("THE", "HTE"))


def break_the_manifest(root: Path) -> None:
    (root / "sample.json").write_text('{"version": ')


def be_an_older_version(root: Path) -> None:
    path = root / "sample.json"
    path.write_text(path.read_text().replace(sample.VERSION, "sample-v0"))


@pytest.mark.parametrize(
    "damage", [cut_a_file, lose_a_file, change_a_transcript, break_the_manifest, be_an_older_version]
)
def test_a_damaged_corpus_is_made_again(damage: Any, corpus: Path, tmp_path: Path) -> None:
    root = shutil.copytree(corpus, tmp_path / "sslbench" / corpus.name)
    damage(root)
    assert contents(root) != contents(corpus)
    assert sample_corpus(tmp_path, minutes=MINUTES) == root
    assert contents(root) == contents(corpus)
    assert list(root.parent.iterdir()) == [root]


def test_two_processes_at_once_both_end_well(corpus: Path, tmp_path: Path, warm: Callable[..., Any]) -> None:
    code = "import sys, pathlib; from ssl_bench.data.sample.sample import sample_corpus\n"
    code += f"print(sample_corpus(pathlib.Path(sys.argv[1]), minutes={MINUTES}))"
    both = [warm(tmp_path, cwd=tmp_path.parent, env=dict(os.environ), code=code) for _ in range(2)]
    root = tmp_path / "sslbench" / corpus.name
    ended = [process.finish() for process in both]
    assert [(done.stdout, done.returncode) for done in ended] == [(f"{root}\n", 0)] * 2
    assert contents(root) == contents(corpus)
    assert list(root.parent.iterdir()) == [root]


def test_a_build_that_comes_second_keeps_what_is_there(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process ends while ours is building: our look before the build finds nothing, the one after it does."""
    intact, looks = sample._intact, iter([False])
    monkeypatch.setattr(sample, "_intact", lambda root, minutes: next(looks, True) and intact(root, minutes))
    before = corpus.stat().st_ino
    assert sample_corpus(corpus.parents[1], minutes=MINUTES).stat().st_ino == before
    assert list(corpus.parent.iterdir()) == [corpus]


def test_an_unwritable_cache_is_one_line_that_names_the_variable(tmp_path: Path) -> None:
    """A file where the folder should be stops even root."""
    (tmp_path / "sslbench").write_text("")
    with pytest.raises(BadInputError, match="SSLBENCH_CACHE") as error:
        sample_corpus(tmp_path, minutes=MINUTES)
    assert "\n" not in str(error.value)


def test_rate_and_pitch_do_what_they_say() -> None:
    def spoken(**settings: int) -> tuple[float, float]:
        speech = espeak.speak(espeak.Voice("en-us", "m3", **settings), (text,), seconds=60)
        samples = speech.utterances[0]
        return len(samples) / speech.sample_rate, median_pitch(samples, speech.sample_rate)

    text = "My grandmother wandered along the river, and then the young miller gave her a lamp."
    slow, fast = spoken(rate=120)[0], spoken(rate=240)[0]
    assert 1.6 < slow / fast < 2.4
    low, high = spoken(pitch=20)[1], spoken(pitch=80)[1]
    assert high > 1.3 * low


def test_speaking_stops_when_there_is_enough() -> None:
    texts = ("The old miller sold a violin.",) * 50
    lengths = [len(samples) / 22_050 for samples in espeak.speak(voices.SPEAKERS[0].voice, texts, seconds=5).utterances]
    assert sum(lengths) >= 5 > sum(lengths[:-1])


def test_sentences_are_varied_and_cover_the_alphabet() -> None:
    rng = np.random.default_rng(0)
    texts = [sentences.sentence(rng) for _ in range(1000)]
    assert all(6 <= len(text.split()) <= 25 for text in texts)
    words = " ".join(map(sentences.transcript, texts)).split()
    assert len(set(words)) > 500
    assert {character for word in words for character in word} == set("ABCDEFGHIJKLMNOPQRSTUVWXYZ'")
    assert len(set(texts)) > 950
    repeated = np.random.default_rng(0)
    assert [sentences.sentence(repeated) for _ in range(1000)] == texts


def test_every_word_of_the_grammar_can_come_up() -> None:
    """A template that names no rule, or a rule that no template names, is a slip of the pen."""
    rules = {**sentences._TEMPLATES, **sentences._WORDS}
    named = {
        slot for options in sentences._TEMPLATES.values() for text in options for slot in re.findall("<(.*?)>", text)
    }
    assert named | {"sentence"} == set(rules)


def test_transcript_keeps_letters_apostrophes_and_single_spaces() -> None:
    assert sentences.transcript("At noon, he didn't see  Roy's zig-zag.") == "AT NOON HE DIDN'T SEE ROY'S ZIG ZAG"


def test_passages_are_whole_sentences_and_long_enough() -> None:
    rng = np.random.default_rng(3)
    for words in (5, 20, 40):
        text = sentences.passage(rng, words)
        assert words <= len(text.split()) < words + sentences.MAX_WORDS
        assert text.endswith(".")

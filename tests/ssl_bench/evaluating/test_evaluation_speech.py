"""The speech of an evaluation: splits stay apart, and odd files are counted and never stop it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from ssl_bench.data.usable import KINDS, outside_alphabet
from ssl_bench.evaluating.speech import EvaluationSpeech
from ssl_bench.evaluating.splits import sample_splits, splits_of
from ssl_bench.evaluating.tasks import _of_known_speakers
from ssl_bench.settings.evaluating import Labels
from ssl_benchmarks.downstream.recognition.symbols import normalise
from ssl_models.errors import BadInputError


def put(path: Path, seconds: float = 1.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(len(path.name))
    soundfile.write(path, draw.integers(-9_000, 9_000, round(seconds * 16_000)).astype(np.int16), 16_000)
    return path


def say(root: Path, speaker: int, texts: list[str | None], seconds: float = 1.0, chapter: int = 7) -> list[Path]:
    """A speaker's chapter in LibriSpeech's layout; None has no line among the transcripts."""
    folder = root / f"{speaker}" / f"{chapter}"
    names = [f"{speaker}-{chapter}-{number:04d}" for number in range(len(texts))]
    paths = [put(folder / f"{name}.flac", seconds) for name in names]
    lines = [f"{name} {text}".strip() for name, text in zip(names, texts, strict=True) if text is not None]
    (folder / f"{speaker}-{chapter}.trans.txt").write_text("\n".join(lines) + "\n")
    return paths


def three(root: Path) -> tuple[Path, Path, Path]:
    """Two speakers of two utterances in each of train, dev and test."""
    for name, speakers in (("train", (1, 2)), ("dev", (3, 4)), ("test", (5, 6))):
        for speaker in speakers:
            say(root / name, speaker, ["ONE", "TWO"])
    return root / "train", root / "dev", root / "test"


def splits(folders: tuple[Path, Path | None, Path | None], labels: Labels = "all", seed: int = 0) -> EvaluationSpeech:
    return splits_of(*folders, labels, seed)(1.0)


def test_an_utterance_has_its_words_speaker_chapter_and_samples(tmp_path: Path) -> None:
    folders = three(tmp_path)
    found = splits(folders)
    assert [(s.speaker, s.session, s.text) for s in found.test] == [
        ("5", "7", "ONE"), ("5", "7", "TWO"), ("6", "7", "ONE"), ("6", "7", "TWO"),
    ]  # fmt: skip
    for spoken, utterance in zip(found.test, found.test_utterances, strict=True):
        np.testing.assert_array_equal(spoken.read(), soundfile.read(utterance.path, dtype="float32")[0])
        assert spoken.samples == 16_000
        assert spoken.key.startswith(str(utterance.path))
    assert {s.speaker for s in found.train} == {"1", "2"}
    assert {s.speaker for s in found.dev} == {"3", "4"}
    assert (found.tested_on, found.final) == ("test", False)
    assert found.how.startswith("dev speakers: those of --dev")
    document = found.document()
    assert document["train"]["speakers"] == 2
    assert document["test"]["hours"] == pytest.approx(4 / 3600)
    assert not any(document["test"]["counts"].values())


def test_a_replaced_file_is_another_recording(tmp_path: Path) -> None:
    folders = three(tmp_path)
    before = splits(folders).test[0].key
    assert splits(folders).test[0].key == before
    os.utime(next((tmp_path / "test").rglob("5-7-0000.flac")), ns=(1, 1))
    assert splits(folders).test[0].key != before


def test_odd_transcripts_are_counted_and_named(tmp_path: Path) -> None:
    folders = three(tmp_path)
    paths = say(folders[2], 5, ["A caf\u00e9, no. 7!", None, "", "... 42", "don\u2019t  stop", "PLAIN"])
    found = splits(folders)
    texts = {s.text for s in found.test if s.speaker == "5"}
    assert texts == {"A CAF NO", "", "DON'T STOP", "PLAIN"}
    test = found.document()["test"]
    assert test["counts"] == {
        "without_transcript": 1, "empty_transcript": 2, "outside_alphabet_utterances": 2,
        "outside_alphabet_characters": 5 + 5, **dict.fromkeys(KINDS[4:], 0),
    }  # fmt: skip
    assert test["left_out"] == {
        "without_transcript": {"total": 1, "files": [str(paths[1])]},
        "empty_transcript": {"total": 2, "files": [str(paths[2]), str(paths[3])]},
    }
    assert (test["utterances"], test["with_text"]) == (8, 5)


@given(st.text(max_size=30))
def test_outside_the_alphabet_is_what_becomes_a_space(text: str) -> None:
    """A text without such characters keeps all its characters but for its spaces, and the other way round."""
    seen = "".join(text.replace("\u2019", "'").upper().split())
    assert outside_alphabet(text) == len(seen) - len(normalise(text).replace(" ", ""))


def test_odd_lengths_are_padded_kept_or_left_out(tmp_path: Path) -> None:
    """0.1 s is padded with silence to 0.5 s; 60 s is tested and tuned on but not trained on; 35 s is trained on."""
    folders = three(tmp_path)
    for folder, speaker in zip(folders, (1, 3, 5), strict=True):
        for number, seconds in enumerate((0.1, 35.0, 60.0)):
            put(folder / f"{speaker}/9/{speaker}-9-{number:04d}.flac", seconds)
        lines = "".join(f"{speaker}-9-{number:04d} SO\n" for number in range(3))
        (folder / f"{speaker}/9/{speaker}-9.trans.txt").write_text(lines)
    found = splits(folders)
    for part, spoken, seconds in (
        ("train", found.train, [0.5, 35.0]), ("dev", found.dev, [0.5, 35.0, 60.0]), ("test", found.test, [0.5, 35.0, 60.0]),
    ):  # fmt: skip
        odd = [s for s in spoken if s.session == "9"]
        assert sorted(s.samples / 16_000 for s in odd) == seconds
        assert all(len(s.read()) == s.samples for s in odd)
        assert found.document()[part]["counts"]["padded"] == 1
    short = min(found.test, key=lambda s: s.samples).read()
    assert short[:1_600].any()
    assert not short[1_600:].any()
    train = found.document()["train"]
    assert train["left_out"] == {
        "too_long_to_train": {"total": 1, "files": [f"{tmp_path}/train/1/9/1-9-0002.flac: 60.0 s"]}
    }


def spoilt(root: Path, speaker: int) -> list[Path]:
    """The first of five files is not audio, a FLAC and an MP3 break off, one is silent, and the last is good."""
    text, flac, third, silent, good = paths = say(root, speaker, ["A", "B", "C", "D", "E"], seconds=4.0)
    third.unlink()
    paths[2] = mp3 = put(third.with_suffix(".mp3"), 4.0)
    text.write_text("no audio " * 9)
    for path in (flac, mp3):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    soundfile.write(silent, np.zeros(64_000, np.int16), 16_000)
    assert good.is_file()
    return paths


def test_odd_files_are_kept_where_speech_is_rated_and_named(tmp_path: Path) -> None:
    """Except one that cannot be read at all."""
    folders = three(tmp_path)
    text, flac, mp3, silent, _ = spoilt(folders[2], 5)
    found = splits(folders)
    assert sorted(s.text for s in found.test if s.speaker == "5") == ["B", "C", "D", "E"]
    test = found.document()["test"]
    assert {kind: n for kind, n in test["counts"].items() if n} == {"broken": 1, "shorter_than_header": 2, "silent": 1}
    assert test["left_out"] == {"broken": {"total": 1, "files": [f"{text}: not audio, or broken"]}}
    lines = dict(line.split(": ", 1) for line in test["kept"]["shorter_than_header"]["files"])
    assert lines.keys() == {str(flac), str(mp3)}
    assert all(re.fullmatch(r"breaks off after 1\.\d\d s of 4\.00 s", line) for line in lines.values())
    assert test["kept"]["silent"]["files"] == [f"{silent}: silent: below -80 dB of full scale"]


def test_odd_files_are_left_out_of_training_unless_asked_for(tmp_path: Path) -> None:
    folders = three(tmp_path)
    spoilt(folders[0], 1)
    found = splits(folders)
    assert [s.text for s in found.train if s.speaker == "1"] == ["E"]
    left_out = found.document()["train"]["left_out"]
    assert {why: entry["total"] for why, entry in left_out.items()} == {
        "broken": 1, "shorter_than_header": 2, "silent": 1,
    }  # fmt: skip
    asked = splits_of(*folders, "all", 0, keep_odd=True)(1.0)
    assert sorted(s.text for s in asked.train if s.speaker == "1") == ["B", "C", "D", "E"]


def test_what_reading_changes_is_counted_though_nothing_is_left_out(tmp_path: Path) -> None:
    folders = three(tmp_path)
    wide = folders[0] / "1" / "7" / "1-7-0000.flac"
    soundfile.write(wide, np.random.default_rng(0).normal(0, 0.1, (44_100, 2)), 44_100)
    train = splits(folders).document()["train"]
    assert {kind: n for kind, n in train["counts"].items() if n} == {"resampled": 1, "averaged": 1}
    assert train["kept"]["resampled"]["files"] == [f"{wide}: resampled from 44100 Hz"]
    assert train["kept"]["averaged"]["files"] == [f"{wide}: 2 channels averaged"]
    assert not train["left_out"]


def test_names_are_capped_and_totals_are_not(tmp_path: Path) -> None:
    folders = three(tmp_path)
    say(folders[2], 5, [None] * 23 + ["YES"])
    left_out = splits(folders).document()["test"]["left_out"]["without_transcript"]
    assert left_out["total"] == 23
    assert len(left_out["files"]) == 20


@pytest.mark.parametrize(("one", "other", "line"), [
    (0, 2, r"--test .*/b: speakers 9 also speak in --train .*/a; give speech of other speakers"),
    (0, 1, r"--dev .*/b: speakers 9 also speak in --train .*/a"),
    (1, 2, r"--dev .*/a: speakers 9 also speak in --test .*/b"),
])  # fmt: skip
def test_a_speaker_in_two_splits_is_refused_by_name(one: int, other: int, line: str, tmp_path: Path) -> None:
    folders: list[Path | None] = list(three(tmp_path))
    for place, name in ((one, "a"), (other, "b")):
        folders[place] = tmp_path / name
        for speaker in (9, 20 + place):
            say(tmp_path / name, speaker, ["X"], chapter=place)
    with pytest.raises(BadInputError, match=line) as caught:
        splits((tmp_path / "train" if folders[0] is None else folders[0], folders[1], folders[2]))
    assert "\n" not in str(caught.value)


def test_speaker_identification_may_share_speakers_and_never_files(tmp_path: Path) -> None:
    train, dev, test = three(tmp_path)
    say(test, 1, ["SO"], chapter=8)
    found = splits_of(train, dev, test, "all", 0, share_speakers=True)(1.0)
    assert {s.session for s in found.test if s.speaker == "1"} == {"8"}
    with pytest.raises(BadInputError, match="are also in --train"):
        splits_of(train, dev, train, "all", 0, share_speakers=True)


def test_equal_folder_names_are_no_speakers_but_equal_files_are_refused(tmp_path: Path) -> None:
    for name in ("train", "dev", "test"):
        for speaker in ("a", "b"):
            put(tmp_path / name / speaker / "x.wav")
    found = splits((tmp_path / "train", tmp_path / "dev", tmp_path / "test"))
    assert {s.speaker for s in found.test} == {""} == {s.speaker for s in found.train}
    assert {s.session for s in found.test} == {""}
    (tmp_path / "again").symlink_to(tmp_path / "train")
    with pytest.raises(BadInputError, match=r"--test .*again: 2 of its files, such as .*x\.wav, are also in --train"):
        splits((tmp_path / "train", tmp_path / "dev", tmp_path / "again"))


def test_unknown_speakers_are_said_to_be_unchecked_and_speaker_tasks_refuse(tmp_path: Path) -> None:
    """A folder of unknown speakers alone; one stray file among known ones leaves the tasks the rest."""
    folders = three(tmp_path)
    put(tmp_path / "flat" / "x.wav")
    put(tmp_path / "flat" / "y.wav")
    flat = splits((folders[0], folders[1], tmp_path / "flat"))
    assert "not checked for overlap, as the speakers are unknown: 2 of 2 utterances of" in flat.how
    for task in ("asv", "sid"):
        with pytest.raises(
            BadInputError, match=rf"--tasks {task}: the speakers of the test speech .*flat\).*--speakers"
        ):
            flat.require(task)
    put(folders[2] / "stray.wav")
    found = splits(folders)
    assert "the speakers are unknown: 1 of 5 utterances of" in found.how
    assert found.document()["test"]["counts"]["unknown_speaker"] == 1
    for task in ("asr", "asv", "sid"):
        found.require(task)


def test_speaker_tasks_take_those_alone_who_are_known(tmp_path: Path) -> None:
    """An unknown speaker could be another or the same: it is a trial of neither kind."""
    train, dev, test = three(tmp_path)
    put(test / "5" / "room tone.flac")
    put(test / "intro.flac")
    told = _of_known_speakers(splits((train, dev, test)).test)
    assert [s.speaker for s in told] == ["5", "5", "6", "6"]


def test_a_pattern_tells_the_speakers_that_are_held_apart(tmp_path: Path) -> None:
    for name, speakers in (("train", "ab"), ("dev", "cd"), ("test", "be")):
        for speaker in speakers:
            put(tmp_path / name / f"{speaker}_x.wav")
    folders = [tmp_path / name for name in ("train", "dev", "test")]
    pattern = "^(?P<speaker>.)_"
    with pytest.raises(BadInputError, match=r"--test .*: speakers b also speak in --train"):
        splits_of(*folders, "all", 0, speakers=pattern)(1.0)
    (folders[2] / "b_x.wav").unlink()
    found = splits_of(*folders, "all", 0, speakers=pattern)(1.0)
    assert {s.speaker for s in found.test} == {"e"}
    assert "not checked" not in found.how


def test_without_dev_a_tenth_of_the_speakers_at_least_two_is_dev(tmp_path: Path) -> None:
    train, _, test = three(tmp_path)
    for speaker in range(100, 123):
        say(train, speaker, ["ONE"], seconds=0.5)
    found = splits((train, None, test))
    dev = {s.speaker for s in found.dev}
    assert len(dev) == 3, "of 25"
    assert not dev & {s.speaker for s in found.train}
    assert len(dev | {s.speaker for s in found.train}) == 25
    assert found.how.startswith("dev speakers: 3 of 25 speakers, drawn at random, from --train")
    assert len({frozenset(s.speaker for s in splits((train, None, test), seed=seed).dev) for seed in range(5)}) > 1
    assert {s.speaker for s in splits((train, None, test)).dev} == dev


def test_with_too_few_speakers_dev_is_every_other_utterance(tmp_path: Path) -> None:
    """Two speakers of two utterances each: none can be held out, so half of the utterances are, and the record says so."""
    train, _, test = three(tmp_path)
    found = splits((train, None, test))
    assert [(s.speaker, s.text) for s in found.dev] == [("1", "ONE"), ("2", "ONE")]
    assert [(s.speaker, s.text) for s in found.train] == [("1", "TWO"), ("2", "TWO")]
    assert "too few to hold any out: one utterance in 2" in found.how


def test_a_single_utterance_leaves_none_for_dev(tmp_path: Path) -> None:
    _, _, test = three(tmp_path)
    say(tmp_path / "one", 1, ["ONE"])
    with pytest.raises(BadInputError, match=r"a single utterance leaves none for dev; give --dev FOLDER"):
        splits((tmp_path / "one", None, test))


def test_without_test_it_says_what_is_needed(tmp_path: Path) -> None:
    train, dev, _ = three(tmp_path)
    with pytest.raises(
        BadInputError, match="--test FOLDER is missing: give speech of speakers that are not in --train"
    ):
        splits((train, dev, None))


@pytest.mark.parametrize(("labels", "minutes"), [("10min", 10), ("1h", 60)])
def test_labels_are_drawn_among_the_utterances_with_text(labels: Labels, minutes: int, tmp_path: Path) -> None:
    """72 minutes of labels, each in utterances of 30 s, beside as many without; dev is at most half an hour, test whole."""
    _, _, test = three(tmp_path)
    for folder, first in (("much", 100), ("tuning", 200)):
        for speaker in range(first, first + 12):
            paths = say(tmp_path / folder, speaker, ["ONE"] * 12 + [None] * 12, seconds=0.01)
            for path in paths:
                path.unlink()
                path.with_suffix(".wav").hardlink_to(_noise(tmp_path))
    found = splits((tmp_path / "much", tmp_path / "tuning", test), labels)
    assert sum(s.samples for s in found.train) == minutes * 60 * 16_000
    assert sum(s.samples for s in found.dev) == 30 * 60 * 16_000
    assert all(s.text == "ONE" for s in (*found.train, *found.dev))
    assert len(found.test) == 4
    train = found.document()["train"]
    assert train["counts"]["without_transcript"] == 144
    assert train["available_hours"] == pytest.approx(2.4)
    assert train["formats"] == {"wav": train["utterances"]}
    again = [s.key for s in splits((tmp_path / "much", tmp_path / "tuning", test), labels).train]
    assert [s.key for s in found.train] == again


def _noise(root: Path) -> Path:
    """30 s of next to nothing, 960 KB once for all."""
    path = root / "noise.wav"
    if not path.exists():
        soundfile.write(path, np.random.default_rng(0).integers(-9, 10, 480_000).astype(np.int16), 16_000)
    return path


@pytest.mark.parametrize("name", ["test-clean", "test-other"])
def test_final_test_sets_rate_and_never_choose(name: str, tmp_path: Path) -> None:
    """By their own name, as a folder in them, or as one that holds them."""
    train, dev, test = three(tmp_path)
    final = tmp_path / "LibriSpeech" / name
    for speaker in (61, 62):
        say(final, speaker, ["SO"])
    found = splits((train, dev, final))
    assert (found.tested_on, found.final) == (name, True)
    assert splits((train, dev, final)).document()["final"]
    for folder in (final, final / "61", final.parent):
        for role, folders in (("train", (folder, dev, test)), ("dev", (train, folder, test))):
            with pytest.raises(BadInputError, match=rf"--{role} .*: {name} is a final test set"):
                splits(folders)


def test_no_transcripts_at_all_is_one_line_for_tasks_that_need_them(tmp_path: Path) -> None:
    folders = three(tmp_path)
    for file in folders[2].rglob("*.trans.txt"):
        file.unlink()
    found = splits(folders)
    assert len(found.test) == 4, "enough for tasks without text"
    with pytest.raises(BadInputError, match=r"--tasks pr: no utterance of test \(.*test\) has a transcript") as caught:
        found.require_text("pr")
    assert "\n" not in str(caught.value)
    splits(three(tmp_path)).require_text("pr")


def test_a_split_of_nothing_usable_is_one_line(tmp_path: Path) -> None:
    folders = three(tmp_path)
    for path in folders[0].rglob("*.flac"):
        put(path, 40.0)
    with pytest.raises(BadInputError, match=r"--train .*: none of its utterances can be used \(too long to train: 4\)"):
        splits(folders)


def test_the_sample_corpus_is_split_by_speaker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """30 speakers: 3 are tested, 3 of the other 27 are dev."""
    for speaker in range(30):
        say(tmp_path / "sample", speaker, ["ONE"], seconds=0.5)
    monkeypatch.setattr("ssl_bench.data.sample.sample.sample_corpus", lambda: tmp_path / "sample")
    found = sample_splits("all", 0)
    speakers = [{s.speaker for s in part} for part in (found.train, found.dev, found.test)]
    assert [len(s) for s in speakers] == [24, 3, 3]
    assert len(set.union(*speakers)) == 30
    assert (found.tested_on, found.final) == ("sample", False)


def test_a_share_is_drawn_by_the_seed_and_keeps_the_splits_apart(tmp_path: Path) -> None:
    """Half of six utterances of 1 s in each part; what is too little for one utterance is one."""
    for name, speakers in (("train", (1, 2)), ("dev", (3, 4)), ("test", (5, 6))):
        for speaker in speakers:
            say(tmp_path / name, speaker, ["ONE", "TWO", "THREE"])
    at = splits_of(*(tmp_path / name for name in ("train", "dev", "test")), "all", 0)
    half, again, least, whole = at(0.5), at(0.5), at(1e-9), at(1.0)
    for name in ("train", "dev", "test"):
        assert [u.path for u in half.parts[name].utterances] == [u.path for u in again.parts[name].utterances]
        assert {u.path for u in half.parts[name].utterances} < {u.path for u in whole.parts[name].utterances}
        assert (len(least.parts[name].spoken), len(half.parts[name].spoken)) == (1, 3)
        assert half.parts[name].planned == least.parts[name].planned == len(whole.parts[name].spoken) == 6
        assert least.parts[name].planned_hours == pytest.approx(6 / 3600)
    assert half.shortened.startswith("3 of 6 utterances of train, 3 of 6 utterances of dev")
    assert half.shortened in half.how
    assert whole.shortened == ""


def test_a_share_passes_over_what_is_broken(tmp_path: Path) -> None:
    folders = three(tmp_path)
    paths = sorted(folders[2].rglob("*.flac"))
    for path in paths[:-1]:
        path.write_bytes(path.read_bytes()[:1_000])
    found = splits_of(*folders, "all", 0)(1e-9)
    assert [u.path for u in found.test_utterances] == paths[-1:]

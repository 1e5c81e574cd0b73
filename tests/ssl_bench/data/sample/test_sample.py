"""The sample corpus is what its README.txt says, and every command runs on it."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

import ssl_bench
from ssl_bench.data.audio import UnreadableAudioError, read_recording
from ssl_bench.data.corpus import read_corpus
from ssl_bench.data.measured_speech import speech_to_measure
from ssl_bench.data.sample.sample import ABOUT, sample_corpus
from ssl_bench.data.splits import sample_split
from ssl_bench.evaluating.splits import sample_splits
from ssl_benchmarks.downstream.recognition.phones import pronounce

ROOT = Path(__file__).parents[4]
MOST_BYTES = 4_500_000
SHORTEST, LONGEST, MINUTE = 2.0, 14.0, 60.0
"""Seconds, of the rule by which utterances were selected."""
STATEMENT = re.compile(r"(\d+) speakers \((\d+) women, (\d+) men\), (\d+) utterances, ([\d.]+) minutes, (\d+) kHz mono")


READ: dict[bytes, int | str] = {}
"""What decoding a file's bytes gave; a file that is changed is decoded again."""


def decoded(path: Path) -> int | str:
    """How many samples the file has, or what is wrong with it."""
    raw = path.read_bytes()
    if raw not in READ:
        try:
            recording = read_recording(path)
        except UnreadableAudioError as error:
            READ[raw] = f"{path.name}: {error}"
        else:
            READ[raw] = f"{path.name}: {recording.remarks}" if recording.remarks else len(recording.samples)
    return READ[raw]


def departures(root: Path) -> list[str]:
    """What of a folder is not as its README.txt says, in words."""
    found = []
    stated = STATEMENT.search((root / "README.txt").read_text(encoding="ascii"))
    assert stated is not None
    speakers, women, men, utterances, minutes, kilohertz = map(float, stated.groups())
    audio = sorted(root.glob("*/*/*.opus"))
    lengths = [decoded(path) for path in audio]
    found += [length for length in lengths if isinstance(length, str)]
    seconds = sum(length for length in lengths if isinstance(length, int)) / 16_000
    if abs(seconds / 60 - minutes) > 0.05:
        found.append(f"{seconds / 60:.2f} minutes")
    if len(audio) != utterances:
        found.append(f"{len(audio)} utterances")
    names = {path.parent.parent.name for path in audio}
    listed = [line.split("|") for line in (root / "SPEAKERS.TXT").read_text().splitlines() if line[0] != ";"]
    sexes = [sex.strip() for _, sex, *_ in listed]
    if (len(names), sexes.count("F"), sexes.count("M")) != (speakers, women, men):
        found.append(f"{len(names)} speakers, {sexes.count('F')} women, {sexes.count('M')} men")
    if {number.strip() for number, *_ in listed} != names:
        found.append("other speakers than in SPEAKERS.TXT")
    infos = [soundfile.info(path) for path in audio if isinstance(decoded(path), int)]
    if {(info.samplerate, info.channels, info.subtype) for info in infos} != {(1000 * kilohertz, 1, "OPUS")}:
        found.append("other audio than 16 kHz mono Opus")
    said = {
        path.with_name(f"{line.split()[0]}.opus"): line.split()[1:]
        for path in root.glob("*/*/*.trans.txt")
        for line in path.read_text(encoding="ascii").splitlines()
    }
    if set(said) != set(audio) or not all(said.values()):
        found.append(f"{len(said)} transcripts")
    found += [
        f"{path}: not LibriSpeech's letters" for path, words in said.items() if re.search("[^A-Z']", "".join(words))
    ]
    licence = (root / "LICENSE.TXT").read_text() if (root / "LICENSE.TXT").is_file() else ""
    if "Creative Commons Attribution 4.0" not in licence or "Vassil Panayotov" not in licence:
        found.append("no licence")
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    return [*found, f"{size} bytes"] if size > MOST_BYTES else found


def test_the_sample_is_what_it_says() -> None:
    assert departures(sample_corpus()) == []


def a_transcript(root: Path) -> None:
    path = min(root.rglob("*.trans.txt"))
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))


def a_file_of_transcripts(root: Path) -> None:
    min(root.rglob("*.trans.txt")).unlink()


def the_words(root: Path) -> None:
    path = min(root.rglob("*.trans.txt"))
    path.write_text(re.sub("^([^ ]+) .*", r"\1", path.read_text()))


def an_utterance(root: Path) -> None:
    min(root.rglob("*.opus")).unlink()


def the_end_of_an_utterance(root: Path) -> None:
    path = min(root.rglob("*.opus"))
    path.write_bytes(path.read_bytes()[:-2_000])


def a_speaker(root: Path) -> None:
    shutil.rmtree(root / "118")


def the_licence(root: Path) -> None:
    (root / "LICENSE.TXT").unlink()


def a_line_of_the_speakers(root: Path) -> None:
    path = root / "SPEAKERS.TXT"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


@pytest.mark.parametrize(
    "lost",
    [
        a_transcript, a_file_of_transcripts, the_words, an_utterance, the_end_of_an_utterance, a_speaker, the_licence,
        a_line_of_the_speakers,
    ],
)  # fmt: skip
def test_what_is_lost_is_noticed(lost: Callable[[Path], None], tmp_path: Path) -> None:
    root = shutil.copytree(sample_corpus(), tmp_path / "sample")
    assert departures(root) == []
    lost(root)
    assert departures(root)


@pytest.mark.parametrize("extra", ["big.bin", "118/47824/118-47824-9999.opus"])
def test_what_is_added_is_noticed(extra: str, tmp_path: Path) -> None:
    root = shutil.copytree(sample_corpus(), tmp_path / "sample")
    (root / extra).write_bytes(b"0" * 2_000_000)
    assert departures(root)


def test_it_is_a_part_of_the_package_with_a_licence_that_the_package_names() -> None:
    root = sample_corpus()
    assert root.is_relative_to(Path(ssl_bench.__file__).parent)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"Apache-2.0", "CC-BY-4.0"} <= {*project["license"].split(" AND ")}
    assert (root / "LICENSE.TXT").relative_to(ROOT).as_posix() in project["license-files"]
    assert "sample" not in project["optional-dependencies"]


@pytest.mark.speech
def test_it_holds_what_its_rule_selects(real_speech: Path) -> None:
    """Byte by byte: each speaker's utterances of 2 to 14 s, the chapters in turn, until they make a minute."""
    source, root = real_speech / "train-clean-5", sample_corpus()
    selected: list[Path] = []
    for speaker in source.iterdir():
        fitting = [
            [path for path in sorted(chapter.glob("*.opus")) if SHORTEST <= soundfile.info(path).duration <= LONGEST]
            for chapter in sorted(speaker.iterdir(), key=lambda path: int(path.name))
        ]
        turns = [path for turn in itertools.zip_longest(*fitting) for path in turn if path is not None]
        ends = np.cumsum([soundfile.info(path).duration for path in turns])
        selected += turns[: int((ends < MINUTE).sum()) + 1]
    assert {path.relative_to(source) for path in selected} == {p.relative_to(root) for p in root.rglob("*.opus")}
    for path in selected:
        assert (root / path.relative_to(source)).read_bytes() == path.read_bytes()
    for path in root.rglob("*.trans.txt"):
        names = {each.stem for each in path.parent.glob("*.opus")}
        lines = (source / path.relative_to(root)).read_text().splitlines()
        assert path.read_text().splitlines() == [line for line in lines if line.split()[0] in names]
    lines = (real_speech / "SPEAKERS.TXT").read_text().splitlines()
    assert set((root / "SPEAKERS.TXT").read_text().splitlines()) <= set(lines)
    assert (root / "LICENSE.TXT").read_bytes() == (real_speech / "LICENSE.TXT").read_bytes()


def test_speakers_have_about_as_much_each_and_enough_to_be_told_apart() -> None:
    """Speaker identification learns from some utterances of a speaker and rates others; one speaker has two sessions."""
    corpus = read_corpus(sample_corpus())
    assert (len(corpus.speakers), corpus.skipped, corpus.speakers_from) == (28, (), "LibriSpeech layout")
    for speaker in corpus.speakers:
        own = [u for u in corpus.utterances if u.speaker == speaker]
        assert len(own) >= 5
        assert 60 <= sum(u.samples for u in own) / 16_000 < 75
    sessions = {(u.speaker, u.session) for u in corpus.utterances}
    assert len(sessions) == 29


def test_no_speaker_is_in_two_parts_and_most_is_in_the_dictionary() -> None:
    """Of training and evaluation alike; what the dictionary does not know is left out, and most it does."""
    split = sample_split(read_corpus(sample_corpus()))
    speech = sample_splits("1h", 0)
    parts = {name: {s.speaker for s in part.spoken} for name, part in speech.parts.items()}
    assert [len(parts[name]) for name in ("train", "dev", "test")] == [22, 3, 3]
    assert len(set.union(*parts.values())) == 28
    assert set(split.speakers) == parts["test"]
    assert not {u.speaker for u in split.training} & parts["test"]
    assert speech.tested_on == "librispeech-sample"
    for part in speech.parts.values():
        assert not part.odd.named
        assert pronounce(s.text for s in part.spoken).left_out < len(part.spoken) / 2


def test_what_is_measured_on_is_a_minute_of_it() -> None:
    samples, about = speech_to_measure("sample")
    assert (len(samples), samples.dtype) == (60 * 16_000, np.int16)
    assert samples.std() > 300
    assert about == f"of the sample ({ABOUT})"


def looked_at(root: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in (root, *root.rglob("*"))}


@pytest.mark.slow
def test_a_run_and_every_task_by_default(
    sslbench: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """Training, then characters, phones and speakers, without a word about speech; nothing is written where it lies."""
    before, run = looked_at(sample_corpus()), tmp_path / "run"
    done = sslbench(
        "train-and-measure", "--steps", 3, "--batch-seconds", 31, "--no-evaluate", "--out", run, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert f"speech: the sample ({ABOUT})" in done.stderr
    assert f"The speech was the sample, {ABOUT}: enough to see that everything works" in done.stdout
    record = json.loads((run / "run.json").read_text())
    data = record["details"]["data"]
    assert (data["synthetic"], data["speakers"], data["utterances"]) == (False, 28, 180)
    assert "0.51 h of the sample of LibriSpeech train-clean-5, 180 utterances" in (run / "report.md").read_text()
    done = sslbench(
        "evaluate", run, "--tasks", "asr,pr,sid,asv", "--learn-hours", 0.05, "--no-idle", "--out", tmp_path / "rated", cwd=tmp_path
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rated = json.loads((tmp_path / "rated" / "run.json").read_text())
    rows = {
        r["metric"]: r for r in rated["measurements"] if r["phase"] == "evaluation" and r["model"] == "efficient-tiny"
    }
    for metric in ("cer", "wer", "per", "accuracy", "eer"):
        assert rows[metric]["value"] is not None, rows[metric]["note"]
        assert rows[metric]["tested_on"] == "librispeech-sample"
    assert rated["details"]["speech"]["test"]["speakers"] == 3
    assert rated["details"]["remarks"] == []
    assert looked_at(sample_corpus()) == before

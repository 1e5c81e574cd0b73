"""`sslbench evaluate` through the console script: odd speech never stops it, bad use is one line, an interruption loses nothing."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., "subprocess.Popen[str]"]
SYSTEMS = ["efficient-tiny (untrained)", "log-mel"]
WORDS = ("ONE AND A", "TWO AND BE", "THREE AND SEA")


def voice(pitch: float, seconds: float, seed: int) -> np.ndarray:
    time = np.arange(round(seconds * 16_000)) / 16_000
    wave = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 8))
    return 0.1 * wave * (1 + np.sin(2 * np.pi * 3 * time)) + 0.005 * np.random.default_rng(seed).standard_normal(
        len(time)
    )


GRID = (
    'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n3\n<exists>\n1\n"IntervalTier"\n"words"\n0\n3\n3\n'
    '0\n1\n"one"\n1\n2\n"two"\n2\n3\n"one"\n'
)
"""A TextGrid of words alone, in the short form."""


def speak(root: Path, speaker: int, said: dict[str, tuple[float, str | None]]) -> None:
    """A chapter of utterances by name: their seconds and text; None has no line among the transcripts."""
    folder = root / f"{speaker}" / "8"
    folder.mkdir(parents=True)
    lines = []
    for number, (name, (seconds, text)) in enumerate(said.items()):
        soundfile.write(folder / f"{speaker}-8-{name}.flac", voice(40.0 * speaker % 190 + 90, seconds, number), 16_000)
        if text is not None:
            lines.append(f"{speaker}-8-{name} {text}".strip())
    (folder / f"{speaker}-8.trans.txt").write_text("\n".join(lines) + "\n")


def arpa(folder: Path) -> Path:
    """A unigram of the words that are said, each as likely."""
    words = ["<s>", "</s>", "<unk>", *sorted({word for text in WORDS for word in text.split()})]
    lines = [
        "\\data\\",
        f"ngram 1={len(words)}",
        "",
        "\\1-grams:",
        *(f"-1.0\t{word}" for word in words),
        "",
        "\\end\\",
        "",
    ]
    (folder / "words.arpa").write_text("\n".join(lines))
    return folder / "words.arpa"


@pytest.fixture(scope="session")
def other_speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two other speakers, with all that is odd in real folders."""
    root = tmp_path_factory.mktemp("other") / "tested"
    plain: dict[str, tuple[float, str | None]] = {f"{i:04d}": (2.0, WORDS[i]) for i in range(3)}
    odd: dict[str, tuple[float, str | None]] = {
        "1000": (2.0, None), "1001": (2.0, ""), "1002": (0.1, "SO"), "1009": (60.0, "A LONG ONE"),
        "1004": (2.0, "caf\u00e9 42!"), "1005": (2.0, "XQZZXQ"),
    }  # fmt: skip
    speak(root, 21, plain | odd)
    speak(root, 22, plain)
    (root / "22" / "8" / "22-8-0009.flac").write_bytes(b"fLaC no more")
    return root


@pytest.fixture(scope="module")
def done(
    sslbench: Run, speech: Path, other_speech: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any], subprocess.CompletedProcess[str]]:
    """Everything but fine-tuning, two seeds: the run's folder, the document on stdout, and how it went."""
    folder = tmp_path_factory.mktemp("evaluated")
    ended = sslbench(
        "evaluate", "efficient-tiny", "--tasks", "asr,pr,sid,asv", "--train", speech, "--test", other_speech, "--seeds", 2,
        "--learn-hours", 0.001, "--features", folder / "kept", "--out", folder / "run", "--no-idle", "--json",
        "--grid-intensity", 56, cwd=folder,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return folder / "run", json.loads(ended.stdout), ended


def rows_of(document: dict[str, Any], **wanted: object) -> list[dict[str, Any]]:
    return [row for row in document["measurements"] if all(row[key] == value for key, value in wanted.items())]


@pytest.mark.slow
def test_stdout_is_one_document_and_the_record(done: tuple[Path, dict[str, Any], Any]) -> None:
    run, printed, ended = done
    record = json.loads((run / "run.json").read_text())
    assert printed["schema"] == "sslbench.evaluate/1"
    assert {k: v for k, v in printed.items() if k not in {"schema", "run"}} == {
        k: v for k, v in record.items() if k != "schema"
    }
    assert record["status"] == "finished"
    assert "Traceback" not in ended.stderr
    assert "Warning" not in ended.stderr


@pytest.mark.slow
def test_random_weights_are_said_up_front_and_in_the_row(done: tuple[Path, dict[str, Any], Any]) -> None:
    """Before anything is done, once; in the record, the report and the notes of the model's one row."""
    line = "efficient-tiny has no trained weights: random weights are rated"
    told = done[2].stderr.splitlines()
    assert told[0].startswith(line)
    assert sum(line in other for other in told) == 1
    assert [remark.startswith(line) for remark in done[1]["details"]["remarks"]] == [True]
    assert f"- {line}" in (done[0] / "report.md").read_text()
    for row in rows_of(done[1], metric="cer"):
        assert ("random weights: nothing was trained" in row["note"]) == (row["model"] == SYSTEMS[0])


@pytest.mark.slow
def test_the_plan_and_what_is_left_are_told(done: tuple[Path, dict[str, Any], Any]) -> None:
    """Two systems with two seeds by four tasks."""
    told = done[2].stderr
    assert "16 evaluations (4 systems), " in told
    before, _, after = told.partition("16 of 16")
    assert " left" in before.split("1 of 16")[1]
    assert " left" not in after


@pytest.mark.slow
def test_what_is_odd_is_counted_and_named(done: tuple[Path, dict[str, Any], Any]) -> None:
    test = done[1]["details"]["speech"]["test"]
    assert {kind: n for kind, n in test["counts"].items() if n} == {
        "without_transcript": 1, "empty_transcript": 1, "outside_alphabet_utterances": 1, "outside_alphabet_characters": 4,
        "padded": 1, "broken": 1,
    }  # fmt: skip
    assert (test["utterances"], test["with_text"], test["speakers"]) == (12, 10, 2)
    assert [Path(f.split(":")[0]).name for f in test["left_out"]["broken"]["files"]] == ["22-8-0009.flac"]
    phones = done[1]["details"]["left_out"]["pr"]["test"]
    assert phones["unknown_words"] >= 1
    assert dict(phones["most_frequent_unknown"])["XQZZXQ"] == 1
    report = (done[0] / "report.md").read_text()
    for words in ("without transcript 1", "broken 1", "padded 1", "utterances of test left out"):
        assert words in report


@pytest.mark.slow
def test_every_system_is_rated_on_the_same_utterances(done: tuple[Path, dict[str, Any], Any]) -> None:
    """All that has a text for characters, all with known words for phones; two seeds in one row."""
    for metric, count in (
        ("cer", 10),
        ("wer", 10),
        ("per", 10 - done[1]["details"]["left_out"]["pr"]["test"]["utterances_left_out"]),
    ):
        rows = rows_of(done[1], metric=metric)
        assert [row["model"] for row in rows] == SYSTEMS
        for row in rows:
            assert (row["n"], row["method"], row["tested_on"], row["head"]) == (count, "measured", "tested", "linear")
            assert row["ci95"][0] <= row["value"] <= row["ci95"][1]
            assert "2 seeds" in row["note"]
    for metric in ("accuracy", "eer"):
        assert [row["model"] for row in rows_of(done[1], metric=metric)] == SYSTEMS
    assert {row["tested_on"] for row in rows_of(done[1], metric="accuracy")} == {"tested"}, (
        "and no rate is chosen there"
    )
    found = Counter((f["system"], f["seed"], f["task"]) for f in done[1]["details"]["findings"])
    assert set(found) == {(s, seed, t) for s in SYSTEMS for seed in (0, 1) for t in ("asr", "pr", "sid", "asv")}


@pytest.mark.slow
def test_the_bill_is_whole(done: tuple[Path, dict[str, Any], Any]) -> None:
    for system in SYSTEMS:
        (seconds,), (joules,), (carbon,), (flops,) = (
            rows_of(done[1], model=system, phase="evaluation", metric=metric, scope=scope)
            for metric, scope in (("duration", None), ("energy", "machine"), ("co2e", "machine"), ("flops", None))
        )
        assert seconds["value"] > 0
        assert carbon["value"] == pytest.approx(joules["value"] / 3.6e6 * 56)
        assert (flops["method"], flops["unit"]) == ("analytic", "FLOP")
        assert flops["value"] > 0


@pytest.mark.slow
def test_kept_features_are_not_paid_twice_and_two_heads_have_beams(
    done: tuple[Path, dict[str, Any], Any], sslbench: Run, speech: Path, other_speech: Path, tmp_path: Path
) -> None:
    """The same command again with what is kept: the same rates, fewer FLOPs, not a file written."""
    kept = done[0].parent / "kept"
    before = {path: path.stat().st_mtime_ns for path in kept.rglob("*.safetensors")}
    again = sslbench(
        "evaluate", "efficient-tiny", "--tasks", "asr,asr-finetune", "--train", speech, "--test", other_speech, "--lm", arpa(tmp_path), "--heads", 2,
        "--learn-hours", 0.001, "--features", kept, "--out", tmp_path / "run", "--no-idle", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert "16 of 16" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in kept.rglob("*.safetensors")} == before
    document = json.loads(again.stdout)

    def rate(d: dict[str, Any]) -> float:
        (f,) = (
            f
            for f in d["details"]["findings"]
            if (f["system"], f["seed"], f["task"], f["head"]) == (SYSTEMS[0], 0, "asr", "linear")
        )
        return float(f["rates"]["cer"][0])

    assert rate(document) == rate(done[1])
    for task in ("asr", "asr-finetune"):
        assert {(row["model"], row["head"]) for row in rows_of(document, metric="cer", task=task)} == {
            (system, head) for system in SYSTEMS for head in ("linear", "deep", "linear, beam", "deep, beam")
        }
    (tuned,) = rows_of(document, model=SYSTEMS[0], phase="finetuning", metric="flops")
    assert tuned["value"] > 0
    assert rows_of(document, model=SYSTEMS[0], phase="finetuning", metric="energy", scope="machine")


@pytest.mark.slow
def test_odd_training_speech_and_odd_alignments_stop_nothing(
    sslbench: Run, speech: Path, other_speech: Path, tmp_path: Path
) -> None:
    """The same oddities in training speech, for a head and for the whole encoder; 60 s are left out of training and listed."""
    items = [
        f"{utterance.stem} {onset} {onset + 0.2} {phone} b t {utterance.parent.parent.name}"
        for utterance in sorted(speech.rglob("*.flac"))
        for onset, phone in ((0.4, "aa"), (0.9, "iy"), (1.4, "aa"), (1.9, "iy"))
    ]
    odd = ["11-7-0000 0.2 what aa b t 11", "99-7-0000 0.2 0.4 aa b t 99"]
    (tmp_path / "test.item").write_text("\n".join(["#file onset offset #phone prev next speaker", *items, *odd]) + "\n")
    ended = sslbench(
        "evaluate", "efficient-tiny", "--tasks", "asr,asr-finetune,sid,asv,abx", "--train", other_speech, "--test", speech,
        "--alignments", tmp_path / "test.item", "--learn-hours", 0.001, "--features", tmp_path / "kept",
        "--out", tmp_path / "run", "--no-idle", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    document = json.loads(ended.stdout)
    counts = Counter[str]()
    for split in ("train", "dev"):
        counts += Counter(document["details"]["speech"][split]["counts"])
    assert {k: n for k, n in counts.items() if n} == {
        "without_transcript": 1, "empty_transcript": 1, "outside_alphabet_utterances": 1, "outside_alphabet_characters": 4,
        "padded": 1, "broken": 1, "too_long_to_train": 1,
    }  # fmt: skip
    train = document["details"]["speech"]["train"]["left_out"]
    assert [Path(f.split(":")[0]).name for f in train["too_long_to_train"]["files"]] == ["21-8-1009.flac"]
    about = document["details"]["left_out"]["abx"]
    assert (about["phones"], about["alignments_without_audio"]) == (len(items), 1)
    assert len(about["skipped"]) == 1
    rated = Counter(row["metric"] for row in document["measurements"] if row["task"] and row["value"] is not None)
    assert rated == {"cer": 4, "wer": 4, "accuracy": 2, "eer": 2, "abx": 4}


@pytest.mark.slow
def test_controls_of_an_evaluation_are_read_where_nothing_differs(
    done: tuple[Path, dict[str, Any], Any], sslbench: Run, speech: Path, other_speech: Path, tmp_path: Path
) -> None:
    """One task of the same settings, one that was not rated; a third call with other hours reads what they do not touch."""
    kept = done[0].parent / "kept"

    def evaluated(out: Path, *asked: object) -> dict[str, Any]:
        ended = sslbench(
            "evaluate", "efficient-tiny", "--train", speech, "--test", other_speech, "--features", kept, "--no-idle", "--json",
            "--controls", done[0], "--out", out, *asked, cwd=tmp_path,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        return dict(json.loads(ended.stdout))

    document = evaluated(tmp_path / "two", "--tasks", "asr,asr-finetune", "--learn-hours", 0.001)
    read = document["details"]["controls_read"]
    assert [(r["system"], r["seed"], r["task"], r["from"]) for r in read] == [(s, 0, "asr", "run") for s in SYSTEMS]
    first = {(f["system"], f["seed"], f["task"]): f for f in done[1]["details"]["findings"]}
    for found in document["details"]["findings"]:
        if found["task"] == "asr":
            assert found["rates"] == first[found["system"], 0, "asr"]["rates"]
            assert found["read_from"] == "run"
    for row in rows_of(document, metric="cer", task="asr"):
        assert "reused from run" in row["note"]
    assert {row["phase"] for row in rows_of(document, metric="duration")} == {"finetuning"}, "paid there, not here"
    assert "- efficient-tiny (untrained), log-mel: rated in run" in (tmp_path / "two" / "report.md").read_text()
    other = evaluated(tmp_path / "three", "--tasks", "asr,asv", "--learn-hours", 0.002)
    assert {r["task"] for r in other["details"]["controls_read"]} == set()


@pytest.mark.slow
def test_keywords_alone_need_no_other_speech(start_sslbench: Start, speech: Path, tmp_path: Path) -> None:
    """Neither is the sample read nor `--test` asked for; a clip that breaks off and one of 0.1 s are counted."""
    root = tmp_path / "words"
    for number, word in enumerate(("no", "yes")):
        (root / word).mkdir(parents=True)
        for place, speaker in enumerate("abcdefgh"):
            clip = voice(150.0 + 90 * number + 7 * place, 0.1 if speaker == "h" else 0.7, place)
            soundfile.write(root / word / f"{speaker}_nohash_0.wav", clip, 16_000)
    (root / "no" / "x_nohash_0.wav").write_bytes(b"RIFF no more")
    for name, speakers in (("validation", "ef"), ("testing", "gh")):
        lines = [f"{word}/{speaker}_nohash_0.wav\n" for word in ("no", "yes") for speaker in speakers]
        (root / f"{name}_list.txt").write_text("".join(lines))
    for number, more in enumerate(((), ("--train", speech))):
        process = start_sslbench(
            "evaluate", "efficient-tiny", "--tasks", "ks", "--keywords", root, *more, "--features", tmp_path / "kept",
            "--no-idle", "--out", tmp_path / f"run{number}", cwd=tmp_path,
        )  # fmt: skip
        stdout, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr
        assert "only the clips of --keywords are used" in stdout
        assert "padded 2, broken 1" in stdout
        record = json.loads((tmp_path / f"run{number}" / "run.json").read_text())
        (rate,) = rows_of(record, metric="accuracy", model=SYSTEMS[0])
        assert (rate["n"], rate["tested_on"], rate["task"]) == (4, "words", "ks")


@pytest.mark.slow
def test_a_killed_extraction_goes_on_and_extracts_nothing_twice(
    start_sslbench: Start,
    sslbench: Run,
    wait_for: Callable[..., None],
    speech: Path,
    other_speech: Path,
    tmp_path: Path,
) -> None:
    """`kill -9` after the first features; the next call keeps them and adds the others."""
    asked = ("--tasks", "asv", "--train", speech, "--test", other_speech, "--features", tmp_path / "kept", "--no-idle")
    process = start_sslbench("evaluate", "hubert-base", *asked, "--out", tmp_path / "one", cwd=tmp_path)
    wait_for(lambda: len(list((tmp_path / "kept").rglob("*.safetensors"))) > 2, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").glob("*/[!.]*.safetensors")}
    assert json.loads((tmp_path / "one" / "run.json").read_text())["status"] == "unfinished"
    assert 2 < len(before) < 30
    ended = sslbench("evaluate", "hubert-base", *asked, "--out", tmp_path / "two", "--json", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").glob("*/[!.]*.safetensors")}
    assert {path: after[path] for path in before} == before
    assert len(after) > len(before)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_leaves_a_record_with_what_was_found(
    number: signal.Signals,
    start_sslbench: Start,
    wait_for: Callable[..., None],
    speech: Path,
    other_speech: Path,
    tmp_path: Path,
) -> None:
    process = start_sslbench(
        "evaluate", "efficient-tiny", "--tasks", "asv,asr", "--train", speech, "--test", other_speech, "--learn-hours", 50,
        "--features", tmp_path / "kept", "--out", tmp_path / "run", "--no-idle", "--json", cwd=tmp_path,
    )  # fmt: skip
    path = tmp_path / "run" / "run.json"
    wait_for(lambda: path.is_file() and '"eer"' in path.read_text(), process)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    record = json.loads(path.read_text())
    assert (record["status"], record["details"]["stopped"]) == ("unfinished", "by the user")
    assert [f["task"] for f in record["details"]["findings"]] == ["asv"]
    assert json.loads(stdout)["status"] == "unfinished"
    assert stderr.strip().splitlines()[-1].endswith("unfinished, stopped by the user; the record has 1 results")
    assert rows_of(record, metric="energy", phase="evaluation", scope="machine"), "what it cost until then"
    assert "Stopped by the user" in (tmp_path / "run" / "report.md").read_text()


BAD_USE: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
    (("--tasks", "asd"), ("asd", "asr")),
    (("--tasks", ","), ("--tasks", "name at least one of asr")),
    (("--tasks", "asr,pr,asr"), ("a task is given twice",)),
    (("--tasks", "ks"), ("--tasks ks needs --keywords",)),
    (("--tasks", "abx"), ("--tasks abx needs --alignments",)),
    (("--tasks", "ks", "--keywords", "/nowhere"), ("/nowhere", "no such")),
    (("--tasks", "abx", "--alignments", "/nowhere"), ("/nowhere", "no such")),
    (("--lm", "/nowhere.arpa"), ("/nowhere.arpa", "--lm takes")),
    (("--controls", "/nowhere"), ("/nowhere", "--controls takes")),
    (("--test", "."), ("--dev and --test need --train FOLDER",)),
    (("--train", "/nowhere"), ("/nowhere", "--train takes a folder")),
    (("--train", "."), ("--test FOLDER is missing",)),
    (("--head", "round"), ("--head", "round", "linear")),
    (("--heads", "3"), ("--heads 3", "1, or 2")),
    (("--labels", "2h"), ("--labels", "2h", "1h")),
    (("--learn-hours", "0"), ("--learn-hours 0", "more than 0")),
    (("--learn-hours", "nan"), ("--learn-hours nan", "more than 0")),
    (("--seeds", "0"), ("--seeds",)),
    (("--speakers", "("), ("--speakers (", "not a regular expression")),
    (("--speakers", "x"), ("--speakers x", "no group named speaker")),
    (("--pue", "0.5"), ("--pue",)),
    (("--device", "tpu"), ("--device", "tpu")),
    (("efficient-tinny",), ("efficient-tinny", "did you mean efficient-tiny")),
    (("essl", "--pretrained", "x"), ("--pretrained takes a single model",)),
]
WITHOUT_TORCH = """
import json, os, sys
sys.modules["torch"] = None
import ssl_models.catalog, ssl_bench.commands.evaluate, ssl_bench.settings.evaluating, ssl_bench.app
from ssl_bench.cli import main

found = []
for arguments in json.load(sys.stdin):
    child = os.fork()
    if not child:
        for number, file in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.mkdir("work")
        os.chdir("work")
        sys.argv = ["sslbench", "evaluate", "efficient-tiny", *arguments]
        main()
        os._exit(99)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    found.append([code, *(open(file).read() for file in ("stdout", "stderr")), os.listdir("work")])
    os.rmdir("work")
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], tuple[int, str, str, list[str]]]:
    """How each bad use ends, in a fork of a process that has no torch: exit code, stdout, stderr, files left behind."""
    given = [arguments for arguments, _ in BAD_USE]
    done = subprocess.run(
        [sys.executable, "-P", "-c", WITHOUT_TORCH], input=json.dumps(given), cwd=tmp_path_factory.mktemp("refused"),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(zip(given, map(tuple, json.loads(done.stdout)), strict=True))


@pytest.mark.parametrize(("arguments", "words"), BAD_USE, ids=[" ".join(arguments) for arguments, _ in BAD_USE])
def test_bad_use_is_one_line_and_imports_no_torch(
    arguments: tuple[str, ...],
    words: tuple[str, ...],
    refusals: dict[tuple[str, ...], tuple[int, str, str, list[str]]],
) -> None:
    """Refused by what can be known without a model."""
    code, stdout, stderr, left = refusals[arguments]
    assert (code, stdout, left) == (2, "", []), stderr
    (line,) = stderr.strip().splitlines()
    assert line.startswith("sslbench: ")
    assert all(word in line for word in words), line


def test_speech_that_cannot_be_used_is_one_line_and_leaves_nothing(sslbench: Run, speech: Path, tmp_path: Path) -> None:
    """A final test set to learn from; speakers in two splits, beside a stray file too; no transcripts, speakers or phones for
    a task that needs them.
    """
    final = tmp_path / "test-clean"
    speak(final, 31, {"0000": (1.0, "SO")})
    silent = tmp_path / "silent"
    for speaker in (41, 42):
        speak(silent, speaker, {"0000": (1.0, None), "0001": (1.0, None)})
    work = tmp_path / "work"
    work.mkdir()
    flat, mixed, grids = tmp_path / "flat", tmp_path / "mixed", tmp_path / "grids"
    for folder in (flat, grids):
        folder.mkdir()
    shutil.copy(silent / "41/8/41-8-0000.flac", flat / "x.flac")
    shutil.copytree(speech, mixed)
    for path in mixed.rglob("*-0001.flac"):
        path.rename(path.with_name(path.name.replace("0001", "0009")))
    (mixed / "11" / "7" / "11-7-0000.flac").rename(mixed / "11" / "room tone.flac")
    for path in speech.rglob("*.flac"):
        (grids / f"{path.stem}.TextGrid").write_text(GRID)
    abx = ("--tasks", "asv,abx", "--alignments", grids)
    broken = tmp_path / "broken.arpa"
    broken.write_text("\\data\\\nngram 1=9\n\n\\1-grams:\n-1\tONE\n\\end\\\n")
    said = tmp_path / "said"
    for speaker in (51, 52):
        speak(said, speaker, {"0000": (1.0, "SO"), "0001": (1.0, "NO")})
    for train, test, words, word in (
        (final, speech, (), "test-clean is a final test set, never to train or tune on"),
        (speech, speech, (), "are also in --train"),
        (speech, silent, (), "no utterance of test"),
        (speech, flat, ("--tasks", "asv"), "--tasks asv: the speakers of the test speech"),
        (speech, flat, ("--tasks", "sid"), "--tasks sid: the speakers of the test speech"),
        (speech, mixed, ("--tasks", "asv"), "speakers 11, 12, 13, 14 also speak in --train"),
        (said, speech, ("--lm", broken), "is not a complete ARPA language model"),
        (silent, speech, abx, "needs exactly one interval tier named phones (interval tiers: words)"),
    ):  # fmt: skip
        done = sslbench("evaluate", "efficient-tiny", "--train", train, "--test", test, "--no-idle", *words, cwd=work)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert done.stderr.strip().splitlines()[-1].startswith("sslbench: ")
        assert word in done.stderr
        assert "asv" not in done.stderr.replace("--tasks asv", ""), "nothing was begun"
        assert not list(work.glob("runs/*"))

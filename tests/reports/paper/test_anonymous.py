"""A report names no user, no machine and no folder, wherever a record names them; what identifies nobody stays."""

from __future__ import annotations

import base64
import gzip
import re
import shutil
import subprocess
import zlib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_reports.efficiency.layout import Layout
from ssl_reports.paper.anonymous import anonymous, scrubber
from ssl_reports.reading.evidence import Evidence
from ssl_reports.report import write_paper

USER, HOST, FOLDER = "zabolotny", "quokka17", "topsecretlab"
PLANTED = (
    f"see /home/{USER}/{FOLDER}/a.txt, '/mnt/{FOLDER}/of {USER}/x y', {USER}@{HOST}.uni.example:/data/{FOLDER}/z "
    rf"or C:\Users\{USER}\{FOLDER}\w.txt; by {USER} on {HOST}"
)


def planted(value: Any) -> Any:
    """A JSON value with the names planted into every text that is free."""
    if isinstance(value, str):
        return f"{value} {PLANTED}"
    if isinstance(value, dict):
        return {f"{key} /srv/{FOLDER}/{key}" if key.startswith("x") else key: planted(v) for key, v in value.items()}
    return [planted(each) for each in value] if isinstance(value, list) else value


AT = Conditions(device=f"CPU {PLANTED}", dtype="float32", clip_seconds=15.0, batch_seconds=30.0, pue=1.0)
RATED = Conditions(task="pr", head="linear", labels="1h", tested_on=f"/home/{USER}/{FOLDER}/dev-clean")


def record(name: str) -> Record:
    """A training of three models of which each text names somebody."""
    models = [f"/home/{USER}/{FOLDER}/m{number}.py:encoder" for number in range(3)]
    rows = []
    for number, model in enumerate(models, start=1):
        note = f"note {PLANTED}"
        rows += [
            Measurement(model, "audio_hours_seen", Quantity(2.0, "h", "measured", note=note), "training", None, AT),
            Measurement(model, "energy", Quantity(3.6e6 * number, "J", "measured", note=note, flaw=PLANTED), "training", "machine", AT),
            Measurement(model, "energy", Quantity(3.6e6 * number, "J", "measured", note=note), "training", "cpu", AT),
            Measurement(model, "peak_memory", Quantity(2.0**30 * number, "B", "measured", note=note), "training", None, AT),
            Measurement(model, "per", Quantity(0.5 / number, "1", "measured", note=note), "evaluation", None, RATED),
        ]  # fmt: skip
    config = planted({"data": "x", "out": "y", "seed": 1, "parts": ["a", "b"]}) | {
        "device": "cpu",
        "precision": "float32",
    }
    environment = planted({
        "system": "Linux", "python": "3", "cpu": "p", "packages": {"torch": "2"}, "hostname": HOST,
        "gpus": [{"name": "G", "driver": "d"}], "capabilities": {"measurable": {"energy_cpu": {"method": "measured", "how": "h"}}},
    })  # fmt: skip
    details = planted({
        "data": {"folder": "f", "skipped_files": {"x.wav": "empty"}}, "disturbances": {"a": ["b"]}, "stopped": "s",
        "grid": {"g_per_kwh": 5.0, "source": "by hand"},
    })  # fmt: skip
    command = f"sslbench train-and-measure --data /home/{USER}/{FOLDER}/train --out /home/{USER}/run"
    return Record(f"{name} {HOST}", "2026-11-20", "unfinished", command, config, environment, tuple(rows), details=details, kind="training")  # fmt: skip


def contents(path: Path) -> str:
    """All text of a file, what is packed or compressed in it included."""
    data = path.read_bytes()
    found = [data.decode(errors="replace")]
    if path.suffix == ".pdf":
        streams = re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL)
        found += [zlib.decompressobj().decompress(each).decode(errors="replace") for each in streams]
        if shutil.which("pdftotext"):
            found.append(subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout)
    for blob in re.findall(r"[A-Za-z0-9+/=]{400,}", found[0]):
        raw = base64.b64decode(blob)
        found.append(gzip.decompress(raw).decode() if raw[:2] == b"\x1f\x8b" else raw.decode(errors="replace"))
    return " ".join(found)


def folders_of_two(tmp_path: Path) -> Evidence:
    """Two records of one name, which only their folders tell apart."""
    places = tuple(tmp_path / USER / FOLDER / part / "run" for part in ("one", "two"))
    return Evidence((record("run"), replace(record("run"), created="2026-11-21")), places)


@pytest.mark.parametrize("on", [True, False])
def test_no_file_names_anybody(tmp_path: Path, on: bool) -> None:  # noqa: FBT001
    """Planted in every text of two records; without the option, they are all there to be found."""
    files = write_paper(folders_of_two(tmp_path), tmp_path / "paper", anonymous=on)
    found = {
        name: [
            word
            for word in (USER, HOST, FOLDER, "/home", "/mnt", "/srv")
            if word in contents(tmp_path / "paper" / name)
        ]
        for name in files
    }
    named = {name: words for name, words in found.items() if words}
    if on:
        assert named == {}
        assert "figures/pareto-energy.svg" in found
        assert "m0.py:encoder" in contents(tmp_path / "paper" / "figures" / "pareto-energy.svg")
    else:
        assert {"report.html", "figures/pareto-energy.svg", "reproduce.sh", "methods.tex"} <= set(named)


def test_every_text_of_a_record_is_reached(tmp_path: Path) -> None:
    """By its own words: nothing that a record can hold as text keeps a name."""
    shown = anonymous(folders_of_two(tmp_path))
    assert {f.name for f in fields(Record)} == {"id", "created", "status", "command", "config", "environment", "measurements", "artifacts", "details", "kind"}  # fmt: skip
    text = repr([each.document() for each in shown.records]) + repr(shown.labels)
    assert not [word for word in (USER, HOST, FOLDER) if word in text]
    assert shown.records[0].command == "sslbench train-and-measure --data train --out run"
    assert shown.models == ("m0.py:encoder", "m1.py:encoder", "m2.py:encoder")
    assert len(set(shown.labels)) == 2


def plain(text: str, **environment: str) -> str:
    """A text by itself, after the scrubbing of a record that holds it."""
    one = Record("r", "", "finished", text, {}, dict(environment), (), kind="measurement")
    return scrubber(Evidence((one,)))(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/ann", "~"),
        ("/home/ann/", "~"),
        ("/root", "~"),
        ("~/speech/dev", "dev"),
        ("/data/my corpus/dev clean", "dev clean"),
        ("sslbench x --data=/a/b --out '/c d/e f'", "sslbench x --data=b --out 'e f'"),
        ("/a/b/x.json: unreadable (/a/c)", "x.json: unreadable (c)"),
        ("https://arxiv.org/abs/2406.07696 and 3 J/h of 1/2", "https://arxiv.org/abs/2406.07696 and 3 J/h of 1/2"),
        ("no RAPL domain under /sys/class/powercap", "no RAPL domain under /sys/class/powercap"),
        ("hf:facebook/wav2vec2-base", "hf:facebook/wav2vec2-base"),
        ("file:///a/b.wav", "b.wav"),
        (r"D:\corpora\LibriSpeech", "LibriSpeech"),
        ("relative/path x < y / z", "relative/path x < y / z"),
    ],
)
def test_paths_by_hand(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_names_by_hand() -> None:
    assert plain("run of annika on box7", user="annika", hostname="box7.lab.org") == "run of user on host"
    assert plain("Annika's", login="annika") == "user's"
    assert plain("sslbench train x", user="train", node="gpu") == "sslbench train x", "words that texts need"
    assert plain("bob@far.example: bobsleigh", user="") == "user@host: bobsleigh"
    tracked = "sslbench compare --track mlflow:http://tracker.lab.org:5000"
    assert plain(tracked) == "sslbench compare --track mlflow:http://host:5000"


def test_models_that_only_folders_tell_apart_stay_apart() -> None:
    rows = [
        Measurement(f"/home/{who}/m.pt", "parameters", Quantity(value, "1", "analytic"), "inference")
        for who, value in (("ann", 1.0), ("bob", 2.0))
    ]
    shown = anonymous(Evidence((Record("r", "", "finished", "", {}, {}, tuple(rows), kind="measurement"),)))
    assert shown.models == ("m.pt", "m.pt #2")


def test_the_layout_knows_models_by_the_names_of_the_runs(tmp_path: Path) -> None:
    model = f"/home/{USER}/{FOLDER}/m2.py:encoder"
    layout = Layout(names={model: "Ours"}, order=(model,), baseline=model)
    write_paper(Evidence((record("run"),)), tmp_path / "paper", layout)
    lines = (tmp_path / "paper" / "tables" / "efficiency.csv").read_text().splitlines()
    assert lines[1].startswith("Ours,")


def test_a_record_that_names_nobody_is_left_as_it_is() -> None:
    one = Record("r", "", "finished", "sslbench x", {"a": [1, "b"]}, {}, (), kind="measurement")
    assert anonymous(Evidence((one,))).records[0] is one
